//! One row that is no entry, of whoever may insert: the table refuses it, and where it is there all the same it is one
//! unreadable entry in its place, for every reader.

use audit_seaorm::{
    AuditEntry, AuditQuery, AuditTrail, Bucket, Cursor, FindingKind, Limits, Retention,
};
use audit_tests::{Backend, TestDb};
use chrono::{FixedOffset, Utc};
use futures_util::TryStreamExt;
use sea_orm::{ActiveValue::Set, ConnectionTrait};

use crate::{
    entities::post,
    support::{create, new_post, number, sql, without_checks},
    viewer::site::{Site, link, words},
};

audit_tests::tests! {
    the_table_refuses_what_is_no_entry,
    the_table_takes_what_is_an_entry,
    every_read_goes_past_what_is_no_entry,
    many_of_them_are_read_page_by_page,
    replays_make_nothing_up,
    a_record_with_such_a_row_is_written_on,
    #[only(Sqlite)] a_record_that_is_no_text_hides_no_row,
    #[only(Sqlite)] limits_of_retention_hold_beside_them,
    #[only(Postgres)] pruning_one_leaves_an_entry_of_the_same_id,
    #[only(Postgres)] a_partitioned_trail_refuses_them_too,
}

/// A row of `audit_trail` that is one of post 2 but for some columns.
struct Row {
    what: &'static str,
    /// Columns with their values in SQL.
    columns: Vec<(&'static str, String)>,
    /// What a reader tells of it.
    told: &'static str,
    /// Whether the table takes it.
    taken: bool,
}

fn row<const N: usize>(
    what: &'static str,
    columns: [(&'static str, &str); N],
    told: &'static str,
) -> Row {
    let columns = columns.map(|(column, value)| (column, value.to_owned())).into();
    Row { what, columns, told, taken: false }
}

impl Row {
    /// The constraints do not see it.
    fn taken(self) -> Self {
        Self { taken: true, ..self }
    }

    async fn insert(&self, t: &TestDb) -> Result<(), sea_orm::DbErr> {
        let (id, at) = match t.backend {
            Backend::Sqlite => ("randomblob(16)", "'2026-03-01T09:30:00.000000+00:00'"),
            Backend::Postgres => ("gen_random_uuid()", "timestamptz '2026-03-01 09:30:00+00'"),
            Backend::MariaDb => ("UNHEX(REPLACE(UUID(), '-', ''))", "'2026-03-01 09:30:00'"),
        };
        let usual = [
            ("id", id),
            ("table_name", "'post'"),
            ("record_id", "'2'"),
            ("operation", "'UPDATE'"),
            ("old_values", r#"'{"likes": 0}'"#),
            ("new_values", r#"'{"likes": 0}'"#),
            ("user_id", "'eve'"),
            ("timestamp", at),
        ];
        let own = self.columns.iter().map(|(name, value)| (*name, value.as_str()));
        let kept = usual.into_iter().filter(|(name, _)| own.clone().all(|(own, _)| own != *name));
        let (names, values): (Vec<_>, Vec<_>) = kept.chain(own.clone()).unzip();
        let insert = format!(
            "INSERT INTO audit_trail ({}) VALUES ({})",
            names.join(", "),
            values.join(", ")
        );
        // On MariaDB what a date is depends on the session.
        let lax = match t.backend {
            Backend::MariaDb => "SET STATEMENT sql_mode = 'ALLOW_INVALID_DATES' FOR ",
            _ => "",
        };
        t.db.execute_unprepared(&format!("{lax}{insert}")).await.map(drop)
    }
}

const NO_TIME: &str = "timestamp is no moment of the years 1 to 9999";
const OTHER_FORM: &str = "timestamp has not the form `2026-03-01T09:30:00.000000+00:00`";

fn nested(levels: usize) -> String {
    format!("'{{\"a\": {}0{}}}'", "[".repeat(levels), "]".repeat(levels))
}

/// What is no entry, on every database.
fn rows(backend: Backend) -> Vec<Row> {
    let mut rows = vec![
        row(
            "another operation",
            [("operation", "'FROB'")],
            "operation is none of CREATE, UPDATE, DELETE and BASELINE",
        ),
        row(
            "no operation",
            [("operation", "''")],
            "operation is none of CREATE, UPDATE, DELETE and BASELINE",
        ),
        row("an array", [("new_values", "'[1]'")], "new_values is no JSON object"),
        row("a number", [("old_values", "'7'")], "old_values is no JSON object"),
        row("null", [("new_values", "'null'")], "new_values is no JSON object"),
        row("metadata that is a text", [("metadata", "'\"x\"'")], "metadata is no JSON object"),
        row(
            "a large number",
            [("new_values", r#"'{"likes": 1e400}'"#)],
            "new_values is no JSON that can be read",
        )
        .taken(),
        row("no image", [("new_values", "NULL")], "new_values is missing").taken(),
        row(
            "an image too many",
            [("operation", "'CREATE'")],
            "old_values is there, where this operation has none",
        )
        .taken(),
    ];
    // Deeper than MariaDB's constraint on JSON lets it be.
    let deep = |what, levels| Row {
        columns: vec![("new_values", nested(levels))],
        taken: backend != Backend::MariaDb,
        ..row(what, [], "new_values is no JSON that can be read")
    };
    rows.extend([deep("127 levels", 127), deep("200 levels", 200)]);
    rows.extend(match backend {
        Backend::Sqlite => sqlite_rows(),
        Backend::Postgres => [
            "'infinity'",
            "'-infinity'",
            "'294276-12-31 23:59:59.999999+00'",
            "'262143-01-01 00:00:00.000001+00'",
            "'10000-01-01 00:00:00+00'",
            "'0001-12-31 23:59:59.999999+00 BC'",
            "'4713-11-24 00:00:00+00 BC'",
        ]
        .map(|time| row("a time", [("timestamp", time)], NO_TIME))
        .into(),
        Backend::MariaDb => [
            "'0000-00-00 00:00:00'",
            "'0000-05-05 05:05:05.5'",
            "'2026-00-00 00:00:00'",
            "'2026-02-00 00:00:00'",
            "'2026-00-07 01:02:03'",
            "'2026-02-30 00:00:00.000001'",
        ]
        .map(|time| row("a time", [("timestamp", time)], NO_TIME))
        .into(),
    });
    rows
}

fn sqlite_rows() -> Vec<Row> {
    let mut rows: Vec<_> = [
        "'no time'",
        "''",
        "'zzz'",
        "'2026-02-31T09:30:00.000000+00:00'",
        "7",
        "x'0102'",
        "CAST(x'ff' AS TEXT)",
    ]
    .map(|time| row("a time", [("timestamp", time)], NO_TIME))
    .into();
    rows.push(row("year 10000", [("timestamp", "'+10000-01-01T00:00:00.000000+00:00'")], NO_TIME));
    for time in
        ["'2026-03-01 09:30:00'", "'2026-03-01T09:30:00Z'", "'2026-03-01T10:30:00.000000+01:00'"]
    {
        rows.push(row("another form", [("timestamp", time)], OTHER_FORM));
    }
    rows.extend([
        row("an id that is a text", [("id", "'an id'")], "id is no UUID"),
        row("an id that is garbled", [("id", "CAST(x'fffe' AS TEXT)")], "id is no UUID"),
        row("an id of three bytes", [("id", "x'010203'")], "id is no UUID"),
        row(
            "neither id nor time",
            [("id", "x''"), ("timestamp", "x'ff'")],
            "id is no UUID, timestamp is no moment of the years 1 to 9999",
        ),
        row("a table of bytes", [("table_name", "x'706f7374'")], "table_name is no text of UTF-8"),
        row("a record of bytes", [("record_id", "x'32'")], "record_id is no text of UTF-8"),
        row(
            "a garbled table",
            [("table_name", "CAST(x'70ff' AS TEXT)")],
            "table_name is no text of UTF-8",
        )
        .taken(),
        row(
            "a garbled record",
            [("record_id", "CAST(x'32ff' AS TEXT)")],
            "record_id is no text of UTF-8",
        )
        .taken(),
        row(
            "an operation of bytes",
            [("operation", "x'555044415445'")],
            "operation is none of CREATE, UPDATE, DELETE and BASELINE",
        ),
        row("no JSON", [("new_values", "'{'")], "new_values is no JSON that can be read"),
        row(
            "JSON of bytes",
            [("new_values", "CAST('{}' AS BLOB)")],
            "new_values is no JSON that can be read",
        ),
        row(
            "a transaction of three bytes",
            [("transaction_id", "x'010203'")],
            "transaction_id is no UUID",
        ),
    ]);
    for column in ["user_id", "user_email", "request_id", "reason"] {
        let told = match column {
            "user_id" => "user_id is no text of UTF-8",
            "user_email" => "user_email is no text of UTF-8",
            "request_id" => "request_id is no text of UTF-8",
            _ => "reason is no text of UTF-8",
        };
        rows.push(row("bytes", [(column, "x'ff00'")], told));
        rows.push(row("a garbled text", [(column, "CAST(x'61ff' AS TEXT)")], told).taken());
    }
    rows
}

/// Three posts, two entries each.
async fn write_posts(t: &TestDb) {
    create!(t, post::Entity);
    for title in ["one", "two", "three"] {
        new_post(title).insert(&t.db).await.unwrap();
    }
    for id in 1..=3 {
        let change = post::ActiveModel { id: Set(id), likes: Set(5), ..Default::default() };
        change.update(&t.db).await.unwrap();
    }
}

async fn the_table_refuses_what_is_no_entry(t: TestDb) {
    write_posts(&t).await;
    for row in rows(t.backend) {
        let outcome = row.insert(&t).await;
        assert_eq!(outcome.is_ok(), row.taken, "{} {:?}: {outcome:?}", row.what, row.columns);
        if let Err(error) = outcome {
            // Deep JSON is for MariaDB's own constraint, and what a date is for its `sql_mode`.
            let error = error.to_string();
            let named = error.contains("audit_trail_") || t.backend == Backend::MariaDb;
            assert!(named, "{}: {error}", row.what);
        }
    }
}

/// The limits are entries.
async fn the_table_takes_what_is_an_entry(t: TestDb) {
    write_posts(&t).await;
    let times = match t.backend {
        Backend::Sqlite => [
            "'0001-01-01T00:00:00.000000+00:00'",
            "'9999-12-31T23:59:59.999999+00:00'",
            "'2024-02-29T23:59:59.999999+00:00'",
        ],
        Backend::Postgres => [
            "'0001-01-01 00:00:00+00'",
            "'9999-12-31 23:59:59.999999+00'",
            "'2024-02-29 23:59:59.999999+00'",
        ],
        Backend::MariaDb => [
            "'0001-01-01 00:00:00'",
            "'9999-12-31 23:59:59.999999'",
            "'2024-02-29 23:59:59.999999'",
        ],
    };
    for time in times {
        row("a time", [("timestamp", time)], "").insert(&t).await.unwrap();
    }
    for operation in ["CREATE", "UPDATE", "DELETE", "BASELINE"] {
        let operation = format!("'{operation}'");
        row("an operation", [("operation", &operation)], "").insert(&t).await.unwrap();
    }
    let found = AuditTrail::query().all(&t.db).await.unwrap();
    assert_eq!(found.len(), 6 + 7);
    let unreadable = found.iter().filter(|it| it.unreadable.is_some()).count();
    assert_eq!(unreadable, 3, "a CREATE, a DELETE and a BASELINE with both images");
}

fn line(entry: &AuditEntry) -> String {
    let told = entry.unreadable.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} {} {} {told}", entry.id, entry.operation, entry.record_id)
}

async fn all(t: &TestDb, query: &AuditQuery) -> Vec<String> {
    query.clone().limit(u64::MAX).all(&t.db).await.unwrap().iter().map(line).collect()
}

/// By pages, by the text of a cursor for each, and by a cursor that is made of an entry.
async fn by_pages(t: &TestDb, query: &AuditQuery, size: u64) -> [Vec<String>; 2] {
    let (mut by_cursor, mut by_entry) = (Vec::new(), Vec::new());
    let mut next = Some(query.clone().limit(size));
    while let Some(query) = next {
        let page = query.page(&t.db).await.unwrap();
        by_cursor.extend(page.entries.iter().map(line));
        assert!(by_cursor.len() < 1000, "a loop");
        next = page.next.map(|next| query.after(next.to_string().parse().unwrap()));
    }
    let mut last: Option<AuditEntry> = None;
    loop {
        let query = query.clone().limit(size);
        let query = last.iter().map(Cursor::of).fold(query, AuditQuery::after);
        let page = query.all(&t.db).await.unwrap();
        by_entry.extend(page.iter().map(line));
        assert!(by_entry.len() < 1000, "a loop");
        match page.last() {
            Some(entry) => last = Some(entry.clone()),
            None => return [by_cursor, by_entry],
        }
    }
}

async fn every_read_goes_past_what_is_no_entry(t: TestDb) {
    write_posts(&t).await;
    without_checks(&t.db).await;
    let sound = all(&t, &AuditTrail::query()).await;
    let now = Utc::now();
    let then = AuditTrail::state_as_of(&t.db, post::Entity, 1, now).await.unwrap().unwrap();
    assert_eq!(then.values()["likes"], 5);
    for row in rows(t.backend) {
        let what = format!("{} {:?}", row.what, row.columns);
        row.insert(&t).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        lists(&t, &row, &sound, &what).await;
        statistics(&t, &what).await;
        exports(&t, &row, &what).await;
        pages(&t, &row, &what).await;
        upkeep(&t, &what).await;
        let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
        let kind = if row.told == OTHER_FORM {
            FindingKind::TimeForm
        } else {
            FindingKind::EntryUnreadable
        };
        let is_of_table = !row.columns.iter().any(|(column, _)| *column == "table_name");
        assert_eq!(report.count(kind) > 0, is_of_table, "{what}: {report}");
        let untouched = AuditTrail::state_as_of(&t.db, post::Entity, 1, now).await.unwrap();
        assert_eq!(untouched.unwrap(), then, "{what}");
        let blame = AuditTrail::blame(&t.db, post::Entity, 2).await.unwrap();
        assert_eq!(blame.len(), 4, "{what}");
        for id in [1, 2] {
            let diff = AuditTrail::diff(&t.db, post::Entity, id, now, now).await;
            assert!(diff.is_ok() || id == 2, "{what}");
        }
        sql(&t.db, "DELETE FROM audit_trail WHERE user_id = 'eve' OR user_id IS NOT NULL").await;
        assert_eq!(all(&t, &AuditTrail::query()).await, sound, "{what}: as before");
    }
}

/// One more entry than there are, in one place, whichever way they are read.
async fn lists(t: &TestDb, row: &Row, sound: &[String], what: &str) {
    for query in [AuditTrail::query(), AuditTrail::query().oldest_first()] {
        let found = all(t, &query).await;
        let (odd, rest): (Vec<_>, Vec<_>) =
            found.iter().cloned().partition(|it| !sound.contains(it));
        let [odd] = &odd[..] else { panic!("{what}: {odd:?}") };
        assert!(odd.ends_with(row.told), "{what}: {odd}");
        assert_eq!(rest.len(), sound.len(), "{what}");
        for size in [1, 2, 3] {
            let pages = by_pages(t, &query, size).await;
            assert_eq!(pages, [found.clone(), found.clone()], "{what}: pages of {size}");
        }
        let streamed: Vec<_> = query.clone().stream(&t.db).try_collect().await.unwrap();
        assert_eq!(streamed.iter().map(line).collect::<Vec<_>>(), found, "{what}");
        assert_eq!(query.count(&t.db).await.unwrap(), found.len() as u64, "{what}");
    }
    let is_of_record =
        !row.columns.iter().any(|(column, _)| ["table_name", "record_id"].contains(column));
    let expected = 2 + usize::from(is_of_record);
    let of_record = AuditTrail::find_for_record(&t.db, post::Entity, 2).await.unwrap();
    assert_eq!(of_record.len(), expected, "{what}");
    let history = AuditTrail::history(&t.db, post::Entity, 2).await.unwrap();
    assert_eq!(history.len(), expected, "{what}");
}

async fn statistics(t: &TestDb, what: &str) {
    let query = AuditTrail::query();
    let count = |stats: audit_seaorm::OperationStats| stats.total();
    assert_eq!(count(query.operation_stats(&t.db).await.unwrap()), 7, "{what}");
    let users = query.clone().count_nobody().top_users(&t.db).await.unwrap();
    assert_eq!(users.iter().map(|it| count(it.operations)).sum::<u64>(), 7, "{what}");
    let tables = query.table_activity(&t.db).await.unwrap();
    assert_eq!(tables.iter().map(|it| count(it.operations)).sum::<u64>(), 7, "{what}");
    assert!(tables[0].last.is_some(), "{what}: the sound ones have a time");
    let records = query.most_changed(&t.db).await.unwrap();
    assert_eq!(records.iter().map(|it| count(it.operations)).sum::<u64>(), 7, "{what}");
    let buckets = query.activity(&t.db, Bucket::Month, FixedOffset::east_opt(0).unwrap()).await;
    let buckets = buckets.unwrap_or_else(|error| panic!("{what}: {error}"));
    let counted: u64 = buckets.iter().map(|it| count(it.operations)).sum();
    assert!((6..=7).contains(&counted), "{what}: {counted}");
}

async fn exports(t: &TestDb, row: &Row, what: &str) {
    let lines: String = AuditTrail::query().export_json_lines(&t.db).try_collect().await.unwrap();
    let read: Vec<AuditEntry> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let entries = AuditTrail::query().all(&t.db).await.unwrap();
    assert_eq!(read, entries, "{what}");
    let odd = read.iter().filter(|entry| entry.unreadable.is_some()).count();
    assert_eq!(odd, 1, "{what}");
    let text: String = AuditTrail::query().export_csv(&t.db).try_collect().await.unwrap();
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let told: Vec<_> = csv.records().map(|row| row.unwrap()[13].to_owned()).collect();
    assert_eq!(told.len(), 7, "{what}");
    assert!(told.contains(&row.told.to_owned()), "{what}: {told:?}");
}

async fn pages(t: &TestDb, row: &Row, what: &str) {
    let site = Site::of(t);
    let activity = site.page("activity").await;
    assert!(words(&activity).contains(&format!("Unreadable: {}", row.told)), "{what}");
    let now = Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
    for page in [
        "record?table=post&id=2",
        "blame?table=post&id=2",
        "as-of?table=post&id=2",
        "statistics",
        "statistics?days=365",
        &format!("as-of?table=post&id=2&when={now}"),
        &format!("as-of?table=post&id=1&when={now}"),
    ] {
        site.page(page).await;
    }
    for entry in AuditTrail::query().all(&t.db).await.unwrap() {
        let cursor = Cursor::of(&entry);
        for page in [format!("activity?after={cursor}"), format!("activity?before={cursor}")] {
            let html = site.page(&page).await;
            assert!(link(&html, "Newest").is_some() || !html.is_empty(), "{what}");
        }
    }
}

async fn upkeep(t: &TestDb, what: &str) {
    let health = AuditTrail::health(&t.db).await;
    assert!(health.is_working() && health.newest_entry.is_some(), "{what}: {health}");
    let limits = Limits::new().newest_per_record(1000).newest_per_table(1000);
    let retention = Retention::new().all(limits);
    let prune = AuditTrail::prune().retention(retention);
    assert_eq!(prune.plan(&t.db).await.unwrap().total(), 0, "{what}");
    assert_eq!(prune.exec(&t.db).await.unwrap().deleted, 0, "{what}");
    let restore = AuditTrail::restore(post::Entity, 1, Utc::now());
    restore.plan(&t.db).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    let baseline = AuditTrail::baseline(post::Entity).exec(&t.db).await.unwrap();
    sql(&t.db, "DELETE FROM audit_trail WHERE operation = 'BASELINE'").await;
    assert!(baseline.written <= 1, "{what}: {baseline:?}");
}

/// All of them together, three times over: each is met once, in whichever order.
async fn many_of_them_are_read_page_by_page(t: TestDb) {
    write_posts(&t).await;
    without_checks(&t.db).await;
    let mut expected = 6;
    for row in rows(t.backend).iter().flat_map(|row| [row, row, row]) {
        let is_new = row.columns.iter().all(|(column, _)| *column != "id");
        if is_new || number(&t.db, "SELECT COUNT(*) FROM audit_trail").await == expected {
            expected += i64::from(row.insert(&t).await.is_ok());
        }
    }
    for query in [AuditTrail::query(), AuditTrail::query().oldest_first()] {
        let found = all(&t, &query).await;
        assert_eq!(i64::try_from(found.len()).unwrap(), expected);
        let streamed: Vec<_> = query.clone().stream(&t.db).try_collect().await.unwrap();
        assert_eq!(streamed.iter().map(line).collect::<Vec<_>>(), found);
        for size in [1, 7] {
            assert_eq!(by_pages(&t, &query, size).await, [found.clone(), found.clone()]);
        }
    }
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    let of_post = number(&t.db, "SELECT COUNT(*) FROM audit_trail WHERE table_name = 'post'").await;
    assert_eq!(i64::try_from(report.entries).unwrap(), of_post, "{report}");
}

/// A record whose entry cannot be read is not told of as if nothing had happened then.
async fn replays_make_nothing_up(t: TestDb) {
    write_posts(&t).await;
    without_checks(&t.db).await;
    let now = Utc::now();
    row("another operation", [("operation", "'FROB'")], "").insert(&t).await.unwrap();
    let error = AuditTrail::as_of(&t.db, post::Entity, 2, now).await.unwrap_err().to_string();
    assert!(error.contains("cannot be read: it was altered"), "{error}");
    let restore = AuditTrail::restore(post::Entity, 2, now).plan(&t.db).await.unwrap_err();
    assert!(restore.to_string().contains("cannot be read: it was altered"), "{restore}");
    let page = words(&Site::of(&t).page("as-of?table=post&id=2").await);
    assert!(page.contains("How the record was nobody knows"), "{page}");
    // It is older than the entries of the post, so that these are not in doubt.
    let blame = AuditTrail::blame(&t.db, post::Entity, 2).await.unwrap();
    assert!(blame.iter().all(|it| it.unreadable.is_none()), "{blame:?}");
    sql(
        &t.db,
        "UPDATE audit_trail SET operation = 'FROB' WHERE record_id = '1' AND operation = 'UPDATE'",
    )
    .await;
    let blame = AuditTrail::blame(&t.db, post::Entity, 1).await.unwrap();
    assert_eq!(blame.len(), 4);
    let doubtful = |it: &audit_seaorm::Blame| {
        it.unreadable.as_ref().is_some_and(audit_seaorm::Unreadable::hides_change)
    };
    assert!(blame.iter().all(doubtful), "whatever it set: {blame:?}");
    let history = AuditTrail::history(&t.db, post::Entity, 1).await.unwrap();
    assert_eq!((&history[0].old, &history[0].new), (&None, &None));
    assert_eq!(history[1].after().unwrap_err().gaps.len(), 2, "the redacted and the skipped one");
}

/// It does not keep the record from having entries, nor its entries from being in their order.
async fn a_record_with_such_a_row_is_written_on(t: TestDb) {
    write_posts(&t).await;
    without_checks(&t.db).await;
    let mut rows = rows(t.backend);
    rows.push(match t.backend {
        Backend::Sqlite => {
            row("the last", [("timestamp", "'9999-12-31T23:59:59.999999+00:00'")], "")
        }
        Backend::Postgres => {
            row("the last", [("timestamp", "'9999-12-31 23:59:59.999999+00'")], "")
        }
        Backend::MariaDb => row("the last", [("timestamp", "'9999-12-31 23:59:59.999999'")], ""),
    });
    for (likes, row) in rows.iter().enumerate() {
        row.insert(&t).await.unwrap();
        let likes = Set(10 + i32::try_from(likes).unwrap());
        let change = post::ActiveModel { id: Set(2), likes, ..Default::default() };
        change.update(&t.db).await.unwrap_or_else(|error| panic!("{}: {error}", row.what));
        sql(&t.db, "DELETE FROM audit_trail WHERE user_id IS NOT NULL").await;
    }
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.entries, 6 + rows.len() as u64);
}

/// It is not the record whose id it looks like: met twice, that would stand for a row that has no entry.
async fn a_record_that_is_no_text_hides_no_row(t: TestDb) {
    write_posts(&t).await;
    without_checks(&t.db).await;
    crate::support::unseen_post(&t.db, "unseen").await;
    row("a record of bytes", [("record_id", "x'33'")], "").insert(&t).await.unwrap();
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    let found: Vec<_> =
        report.findings().iter().map(|it| (it.kind, it.record_id.as_str())).collect();
    let expected = [(FindingKind::EntryUnreadable, "3"), (FindingKind::NeverRecorded, "4")];
    assert_eq!(found, expected, "{report}");
    assert_eq!((report.entries, report.records, report.rows), (7, 3, 4));
}

/// Each deletes what it says, whatever stands beside it.
async fn limits_of_retention_hold_beside_them(t: TestDb) {
    write_posts(&t).await;
    without_checks(&t.db).await;
    for row in rows(t.backend) {
        row.insert(&t).await.unwrap();
    }
    let before = number(&t.db, "SELECT COUNT(*) FROM audit_trail").await;
    let retention = Retention::new().all(Limits::new().newest_per_record(1));
    let prune = AuditTrail::prune().retention(retention.clone()).chunk(3);
    let planned = prune.plan(&t.db).await.unwrap().total();
    assert_eq!(prune.exec(&t.db).await.unwrap().deleted, planned);
    let left = number(&t.db, "SELECT COUNT(*) FROM audit_trail").await;
    assert_eq!(u64::try_from(before - left).unwrap(), planned);
    let records = "SELECT COUNT(*) FROM (SELECT DISTINCT table_name, record_id FROM audit_trail)";
    assert_eq!(left, number(&t.db, records).await);
}

/// The key of a partitioned table is id and time.
async fn pruning_one_leaves_an_entry_of_the_same_id(t: TestDb) {
    write_posts(&t).await;
    crate::support::partition(&t.db).await;
    without_checks(&t.db).await;
    let copy = "INSERT INTO audit_trail SELECT id, table_name, record_id, operation, old_values, new_values, 'eve', \
                user_email, request_id, transaction_id, reason, metadata, '-infinity' FROM audit_trail";
    sql(&t.db, copy).await;
    let retention = Retention::new().all(Limits::new().max_age_days(30));
    let pruned = AuditTrail::prune().retention(retention).exec(&t.db).await.unwrap();
    assert_eq!(pruned.deleted, 6);
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.entries, 6);
}

/// New months as well as the table that it was.
async fn a_partitioned_trail_refuses_them_too(t: TestDb) {
    write_posts(&t).await;
    crate::support::partition(&t.db).await;
    for row in rows(t.backend) {
        for time in ["'2026-03-01 09:30:00+00'", "now()", "now() + interval '1 month'"] {
            let mut columns = row.columns.clone();
            if columns.iter().all(|(column, _)| *column != "timestamp") {
                columns.push(("timestamp", time.to_owned()));
            }
            let row = Row { columns, ..row };
            assert_eq!(row.insert(&t).await.is_ok(), row.taken, "{} {:?}", row.what, row.columns);
        }
    }
    let checks = "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND conrelid = 'audit_trail'::regclass";
    assert_eq!(number(&t.db, checks).await, 5);
}
