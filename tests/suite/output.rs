//! Entries as text: for a terminal, as JSON lines, as CSV.

use std::{pin::pin, sync::Arc};

use audit_seaorm::{
    AuditContext, AuditEntry, AuditQuery, AuditTrail, AuditUser, Change, Image, Listing,
};
use audit_tests::{Backend, TestDb, long, memory};
use csv::StringRecord;
use futures_util::{StreamExt, TryStreamExt};
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel};
use serde_json::{Value as Json, json};

use crate::{
    entities::post,
    support::{by, create, entries, migrate, new_post, sql},
};

audit_tests::tests! {
    a_history_is_printed,
    hostile_texts_do_not_reach_a_terminal,
    a_long_value_is_cut_when_it_is_printed,
    json_lines_are_read_back_equal,
    csv_is_read_back_equal,
    csv_has_a_header_if_nothing_is_found,
    spreadsheets_get_no_formula,
    an_export_goes_by_its_query,
    an_error_ends_an_export,
    an_export_may_own_its_connection,
    #[alone] an_export_takes_bounded_memory,
}

fn image(values: Json) -> Image {
    serde_json::from_value(values).unwrap()
}

async fn record(db: &impl ConnectionTrait, change: Change) {
    AuditTrail::record(db, change).await.unwrap();
}

/// What a stranger may have sent.
const HOSTILE: [&str; 14] = [
    "\"",
    "\"\"",
    ",",
    "a,\"b\"\r\nc",
    "\r",
    "\n",
    " ",
    "'",
    "\\\"",
    "=cmd|' /C calc'!A0",
    "\0",
    "\u{1b}]0;owned\u{7}\u{9b}2J\u{7f}",
    "\u{202e}txt.exe\u{2066}\u{feff}\u{2028}",
    "\u{1F468}\u{200d}\u{1F469}\u{1F600}",
];

/// An entry of each, with the text in every place that has room for it; then one with a megabyte of text.
async fn hostile_entries(t: &TestDb) -> Vec<AuditEntry> {
    migrate(t).await;
    let long = "\u{e9}\"\n".repeat(1 << 18);
    for (place, text) in HOSTILE.iter().enumerate() {
        let context = AuditContext::new()
            .user(AuditUser::new(*text).email(*text))
            .request_id(*text)
            .reason(*text)
            .metadata(*text, *text);
        // Of the values of a record the database takes all but U+0000, which capture escapes.
        let (name, value) = (text.replace('\0', ""), text.replace('\0', ""));
        let change = Change::create("a", place.to_string(), image(json!({ name: value })));
        context.scope(record(&t.db, change)).await;
    }
    let change = Change::update("a", "long", image(json!({"x": null})), image(json!({"x": long})));
    AuditContext::new().reason(&*long).scope(record(&t.db, change)).await;
    entries(&t.db).await
}

async fn a_history_is_printed(t: TestDb) {
    create!(t, post::Entity);
    let mut post = new_post("Draft").insert(&t.db).await.unwrap().into_active_model();
    post.title = Set("Final".to_owned());
    post.token = Set(Some("hunter2".to_owned()));
    let context = AuditContext::new().user(AuditUser::new("42")).request_id("r-1");
    context.reason("ticket 7").scope(post.update(&t.db)).await.unwrap();
    let history = AuditTrail::history(&t.db, post::Entity, 1).await.unwrap();
    let text = Listing(&history).to_string();
    let [update, create] =
        [0, 1].map(|step| history[step].entry.timestamp.format("%Y-%m-%dT%H:%M:%S%.6fZ"));
    let update = format!(
        "{update} UPDATE post 1 by 42, request r-1, reason \"ticket 7\"\n  \
         title: \"Draft\" -> \"Final\"\n  token: (redacted)\n{create} CREATE post 1 by nobody\n  \
         id: (none) -> 1\n"
    );
    assert!(text.starts_with(&update), "{text}");
    assert!(text.contains("\n  title: (none) -> \"Draft\""), "{text}");
    assert!(!text.contains("hunter2"));
    let found = AuditTrail::find_for_record(&t.db, post::Entity, 1).await.unwrap();
    assert_eq!(Listing(&found).to_string(), text, "entries are printed as revisions are");
    let blame = AuditTrail::blame(&t.db, post::Entity, 1).await.unwrap();
    let title = blame.iter().find(|it| it.column == "title").unwrap().to_string();
    assert!(title.starts_with("title: \"Draft\" -> \"Final\", UPDATE by 42 at "), "{title}");
}

async fn hostile_texts_do_not_reach_a_terminal(t: TestDb) {
    for entry in hostile_entries(&t).await {
        let (text, whole) = (entry.to_string(), format!("{entry:#}"));
        for text in [&text, &whole] {
            let lines = 1 + entry.changes().len();
            assert_eq!(text.lines().count(), lines, "no text makes a line of its own: {text:?}");
            let raw = |char: char| {
                (char.is_control() && char != '\n')
                    || "\u{202e}\u{2066}\u{feff}\u{2028}\u{200d}".contains(char)
            };
            assert!(!text.contains(raw), "{text:?}");
        }
    }
}

async fn a_long_value_is_cut_when_it_is_printed(t: TestDb) {
    let entries = hostile_entries(&t).await;
    let long = entries.last().unwrap();
    let text = long.to_string();
    assert!(text.chars().count() < 300, "{} characters", text.chars().count());
    assert_eq!(text.matches('…').count(), 2, "the reason and the value");
    let whole = format!("{long:#}");
    assert!(whole.len() > 2 << 20);
    assert!(!whole.contains('…'));
}

async fn json_lines_are_read_back_equal(t: TestDb) {
    let entries = hostile_entries(&t).await;
    let export = AuditTrail::query().oldest_first().export_json_lines(&t.db);
    let text: String = export.try_collect().await.unwrap();
    assert!(text.ends_with('\n'));
    let lines = text.split_terminator('\n').map(serde_json::from_str::<AuditEntry>);
    let lines: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(lines, entries);
}

/// What an empty cell was is not told apart from an empty text by this reader.
fn read_csv(text: &str) -> Vec<AuditEntry> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = "id,table_name,record_id,operation,old_values,new_values,user_id,user_email,\
                 request_id,transaction_id,reason,metadata,timestamp,unreadable";
    assert_eq!(reader.headers().unwrap(), names.split(',').collect::<Vec<_>>());
    reader.records().map(|row| entry(&row.unwrap())).collect()
}

fn entry(row: &StringRecord) -> AuditEntry {
    let text = |place: usize| (!row[place].is_empty()).then(|| row[place].to_owned());
    let json = |place| text(place).map(|text| serde_json::from_str(&text).unwrap());
    AuditEntry {
        id: row[0].parse().unwrap(),
        table_name: row[1].to_owned(),
        record_id: row[2].to_owned(),
        operation: row[3].parse().unwrap(),
        old_values: json(4),
        new_values: json(5),
        user_id: text(6),
        user_email: text(7),
        request_id: text(8),
        transaction_id: text(9).map(|id| id.parse().unwrap()),
        reason: text(10),
        metadata: json(11),
        timestamp: row[12].parse().unwrap(),
        unreadable: None,
    }
}

async fn csv(db: &impl ConnectionTrait, query: AuditQuery) -> String {
    query.export_csv(db).try_collect().await.unwrap()
}

async fn csv_is_read_back_equal(t: TestDb) {
    create!(t, post::Entity);
    let mut entries = hostile_entries(&t).await;
    new_post("a").insert(&t.db).await.unwrap();
    entries.extend(crate::damage::history(&t.db, "post", "1").await);
    let text = csv(&t.db, AuditTrail::query().oldest_first()).await;
    assert_eq!(read_csv(&text), entries);
    assert!(entries.last().unwrap().transaction_id.is_some());
    assert!(text.ends_with("\r\n"));
}

async fn csv_has_a_header_if_nothing_is_found(t: TestDb) {
    migrate(&t).await;
    let text = csv(&t.db, AuditTrail::query()).await;
    assert_eq!(text.matches("\r\n").count(), 1);
    assert_eq!(read_csv(&text), []);
    let lines = AuditTrail::query().export_json_lines(&t.db);
    assert_eq!(lines.try_collect::<String>().await.unwrap(), "");
}

async fn spreadsheets_get_no_formula(t: TestDb) {
    migrate(&t).await;
    let formulas = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "=\"a\",b"];
    for formula in formulas {
        let user = AuditUser::new(formula).email(formula);
        let context = AuditContext::new().user(user).request_id(formula).reason(formula);
        let change = Change::delete(formula, formula, image(json!({formula: formula})));
        context.scope(record(&t.db, change)).await;
    }
    by("ann", record(&t.db, Change::delete("a", "1", image(json!({}))))).await;
    let query = AuditTrail::query().oldest_first();
    let exact = csv(&t.db, query.clone()).await;
    assert_eq!(read_csv(&exact)[0].user_id.as_deref(), Some("=1+1"), "exact unless it is asked");
    let export = query.export_csv_for_spreadsheets(&t.db);
    let text: String = export.try_collect().await.unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
    }
    for (row, formula) in rows.iter().zip(formulas) {
        for place in [1, 2, 6, 7, 8, 10] {
            assert_eq!(row[place].strip_prefix('\''), Some(formula));
        }
    }
    assert_eq!((&rows[8][1], &rows[8][6]), ("a", "ann"));
}

async fn an_export_goes_by_its_query(t: TestDb) {
    migrate(&t).await;
    for n in 0..300 {
        let user = if n % 3 == 0 { "ann" } else { "bob" };
        by(user, record(&t.db, Change::create("a", n.to_string(), image(json!({}))))).await;
    }
    for query in [
        AuditTrail::query(),
        AuditTrail::query().oldest_first(),
        AuditTrail::query().user("ann"),
        AuditTrail::query().user("bob").limit(70).offset(7),
        AuditTrail::query().limit(0),
    ] {
        let entries: Vec<_> = query.clone().stream(&t.db).try_collect().await.unwrap();
        assert_eq!(read_csv(&csv(&t.db, query.clone()).await), entries);
        let lines: String = query.export_json_lines(&t.db).try_collect().await.unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(lines.collect::<Vec<AuditEntry>>(), entries);
    }
}

async fn an_error_ends_an_export(t: TestDb) {
    migrate(&t).await;
    let now = chrono::Utc::now();
    let backwards = AuditTrail::query().from(now).to(now - chrono::TimeDelta::days(1));
    let chunks: Vec<_> = backwards.export_json_lines(&t.db).collect().await;
    assert!(matches!(&chunks[..], [Err(_)]), "{chunks:?}");
}

async fn an_export_may_own_its_connection(t: TestDb) {
    migrate(&t).await;
    record(&t.db, Change::create("a", "1", image(json!({})))).await;
    let export = AuditTrail::query().export_csv(Arc::new(t.db.clone()));
    let task = tokio::spawn(export.try_collect::<String>());
    assert_eq!(read_csv(&task.await.unwrap().unwrap()), entries(&t.db).await);
}

/// More text than the bound allows to keep. The long form is a million entries.
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
async fn an_export_takes_bounded_memory(t: TestDb) {
    let (rows, chars) = if long() { (1_000_000, 100) } else { (20_000, 2_000) };
    migrate(&t).await;
    let source = match t.backend {
        Backend::Postgres => format!(
            "gen_random_uuid(), CAST(n AS text), TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 second' \
             FROM generate_series(1, {rows}) n"
        ),
        Backend::MariaDb => format!(
            "UNHEX(REPLACE(UUID(),'-','')), CAST(seq AS char), \
             TIMESTAMP '2026-01-01 00:00:00' + INTERVAL seq SECOND FROM seq_1_to_{rows}"
        ),
        Backend::Sqlite => format!(
            "randomblob(16), CAST(n AS text), \
             strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', '2026-01-01', '+' || n || ' seconds') FROM \
             (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rows}) \
             SELECT n FROM c)"
        ),
    };
    let values = json!({ "text": "x".repeat(chars) });
    let select = source.replacen(", ", &format!(", 'post', 'UPDATE', '{values}', '{values}', "), 1);
    let columns = "id, table_name, operation, old_values, new_values, record_id, timestamp";
    sql(&t.db, &format!("INSERT INTO audit_trail ({columns}) SELECT {select}")).await;
    let (mut lines, mut bytes) = (0, 0);
    let begun = std::time::Instant::now();
    let peak = memory::peak_of(async {
        let mut export = pin!(AuditTrail::query().export_csv(&t.db));
        while let Some(chunk) = export.try_next().await.unwrap() {
            lines += chunk.matches("\r\n").count();
            bytes += chunk.len();
        }
    })
    .await;
    if long() {
        println!(
            "{}: {rows} entries, {} MiB of CSV in {:?}, {} KiB at the peak",
            t.backend.name(),
            bytes >> 20,
            begun.elapsed(),
            peak >> 10
        );
    }
    assert_eq!(lines, rows + 1);
    assert!(bytes > 64 << 20, "{bytes} bytes tell nothing about memory");
    assert!(peak < 32 << 20, "{peak} bytes at the peak");
}
