//! `AuditTrail::query`: filters, order, pages, streams, and hostile input.

use audit_seaorm::{
    AuditContext, AuditEntry, AuditQuery, AuditTrail, AuditTransaction, AuditUser, Change, Cursor,
    DEFAULT_LIMIT, Image, Operation, entity,
};
use audit_tests::{Backend, TestDb};
use chrono::{TimeDelta, Utc};
use futures_util::TryStreamExt;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, EntityTrait, IntoActiveModel, Statement,
    prelude::{DateTimeUtc, Uuid},
};
use serde_json::{Value as Json, json};

use crate::{
    entities::{label, post},
    support::{Wrapped, by, create, entries, migrate, new_post, sql},
};

audit_tests::tests! {
    each_filter_finds_its_entries,
    filters_are_combined,
    a_record_is_found_by_its_key,
    a_range_of_time_is_half_open,
    a_range_that_ends_before_it_begins_is_refused,
    there_is_a_limit_unless_it_is_said,
    pages_go_through_entries_of_the_same_time,
    a_page_stays_where_it_was_when_entries_come,
    a_cursor_reads_on_in_both_directions,
    a_stream_gives_all,
    a_stream_ends_at_its_limit,
    changed_finds_creates_updates_and_deletes,
    values_are_found_by_type,
    metadata_is_found_by_value,
    a_transaction_sees_its_own_entries,
    hostile_texts_match_themselves_alone,
    hostile_names_and_values_are_data,
    ten_megabytes_of_text_match_nothing,
    nothing_of_a_value_is_in_debug,
    #[only(Postgres)] the_fast_ones_use_an_index,
}

fn image(values: Json) -> Image {
    serde_json::from_value(values).unwrap()
}

async fn record(db: &impl ConnectionTrait, change: Change) {
    AuditTrail::record(db, change).await.unwrap();
}

/// The records that a query finds, as `table/record`.
async fn found(db: &DatabaseConnection, query: AuditQuery) -> Vec<String> {
    let entries = query.oldest_first().all(db).await.unwrap();
    entries.iter().map(|entry| format!("{}/{}", entry.table_name, entry.record_id)).collect()
}

async fn each_filter_finds_its_entries(t: TestDb) {
    migrate(&t).await;
    let ann = AuditUser::new("ann").email("ann@example.com");
    let ann = AuditContext::new().user(ann).request_id("r1").metadata("ip", "203.0.113.9");
    ann.scope(record(&t.db, Change::create("a", "1", image(json!({"x": 1}))))).await;
    let bob = AuditContext::new().user(AuditUser::new("bob")).request_id("r2");
    bob.scope(record(&t.db, Change::delete("b", "2", image(json!({"y": "z"}))))).await;
    let query = AuditTrail::query;
    for (one, other) in [
        (query().table("a"), query().table("b")),
        (query().record("1"), query().record("2")),
        (query().user("ann"), query().user("bob")),
        (query().operation(Operation::Create), query().operation(Operation::Delete)),
        (query().request_id("r1"), query().request_id("r2")),
        (query().changed("x"), query().changed("y")),
        (query().new_value("x", 1), query().old_value("y", "z")),
        (query().limit(1), query().offset(1)),
    ] {
        assert_eq!(found(&t.db, one).await, ["a/1"]);
        assert_eq!(found(&t.db, other).await, ["b/2"]);
    }
    assert_eq!(found(&t.db, query().user_email("ann@example.com")).await, ["a/1"]);
    assert_eq!(found(&t.db, query().metadata("ip", "203.0.113.9")).await, ["a/1"]);
    assert_eq!(found(&t.db, query().operations(Operation::ALL)).await.len(), 2);
    assert!(found(&t.db, query().operations([])).await.is_empty());
    assert!(found(&t.db, query().user("Ann")).await.is_empty(), "to the case");
    assert!(found(&t.db, query().user("ann ")).await.is_empty(), "and to the last blank");
    let newest = query().all(&t.db).await.unwrap();
    assert_eq!(newest[0].table_name, "b", "newest first");
}

async fn filters_are_combined(t: TestDb) {
    migrate(&t).await;
    for (user, table, record_id) in [("ann", "a", "1"), ("ann", "b", "1"), ("bob", "a", "1")] {
        by(user, record(&t.db, Change::create(table, record_id, image(json!({}))))).await;
    }
    let query = AuditTrail::query().table("a").record("1").user("ann");
    assert_eq!(query.count(&t.db).await.unwrap(), 1);
    assert_eq!(query.clone().operation(Operation::Delete).count(&t.db).await.unwrap(), 0);
    assert_eq!(query.user("bob").count(&t.db).await.unwrap(), 0, "no entry is of both");
}

async fn a_record_is_found_by_its_key(t: TestDb) {
    create!(t, label::Entity, post::Entity);
    let post = new_post("a").insert(&t.db).await.unwrap();
    let label = label::ActiveModel {
        post_id: sea_orm::Set(post.id),
        language: sea_orm::Set("en".to_owned()),
        text: sea_orm::Set("A".to_owned()),
    };
    label::Entity::audited().insert(label).exec(&t.db).await.unwrap();
    let key = (post.id, "en".to_owned());
    let of_label = AuditTrail::query().record_of(label::Entity, key);
    assert_eq!(of_label.count(&t.db).await.unwrap(), 1);
    let of_post = AuditTrail::query().record_of(post::Entity, post.id);
    assert_eq!(of_post.all(&t.db).await.unwrap()[0].table_name, "post");
    assert_eq!(AuditTrail::query().entity(post::Entity).count(&t.db).await.unwrap(), 1);
}

async fn a_range_of_time_is_half_open(t: TestDb) {
    migrate(&t).await;
    for id in ["1", "2", "3"] {
        record(&t.db, Change::create("a", id, image(json!({})))).await;
    }
    let at: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.timestamp).collect();
    let query = AuditTrail::query;
    assert_eq!(found(&t.db, query().from(at[1])).await, ["a/2", "a/3"]);
    assert_eq!(found(&t.db, query().to(at[1])).await, ["a/1"]);
    assert_eq!(found(&t.db, query().from(at[0]).to(at[2])).await, ["a/1", "a/2"]);
    assert!(found(&t.db, query().from(at[0]).to(at[0])).await.is_empty());
}

async fn a_range_that_ends_before_it_begins_is_refused(t: TestDb) {
    migrate(&t).await;
    let (from, to) = (Utc::now(), Utc::now() - TimeDelta::days(1));
    let query = AuditTrail::query().from(from).to(to);
    for outcome in [
        query.all(&t.db).await.map(drop),
        query.page(&t.db).await.map(drop),
        query.count(&t.db).await.map(drop),
        query.clone().stream(&t.db).try_collect::<Vec<_>>().await.map(drop),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("ends (") && error.contains("before it begins"), "{error}");
    }
}

async fn there_is_a_limit_unless_it_is_said(t: TestDb) {
    at_one_time(&t, 150).await;
    let query = AuditTrail::query();
    assert_eq!(query.all(&t.db).await.unwrap().len() as u64, DEFAULT_LIMIT);
    assert_eq!(query.clone().limit(120).all(&t.db).await.unwrap().len(), 120);
    assert_eq!(query.clone().limit(0).all(&t.db).await.unwrap().len(), 0);
    assert_eq!(query.clone().limit(u64::MAX).all(&t.db).await.unwrap().len(), 150);
    assert_eq!(query.clone().offset(140).all(&t.db).await.unwrap().len(), 10);
    assert_eq!(query.clone().offset(u64::MAX).all(&t.db).await.unwrap().len(), 0);
    assert_eq!(query.limit(1).offset(9).count(&t.db).await.unwrap(), 150, "whatever the limit");
}

/// Entries of the very same time, in the order of their ids.
async fn at_one_time(t: &TestDb, count: u128) -> DateTimeUtc {
    migrate(t).await;
    let at = "2026-01-02T03:04:05.000006Z".parse().unwrap();
    let rows = (0..count).map(|n| stored(Uuid::from_u128(n), at).into_active_model());
    entity::Entity::insert_many(rows).exec_without_returning(&t.db).await.unwrap();
    at
}

fn stored(id: Uuid, timestamp: DateTimeUtc) -> entity::Model {
    entity::Model {
        id,
        table_name: "a".to_owned(),
        record_id: id.as_u128().to_string(),
        operation: "CREATE".to_owned(),
        old_values: None,
        new_values: Some(json!({})),
        user_id: None,
        user_email: None,
        request_id: None,
        transaction_id: None,
        reason: None,
        metadata: None,
        timestamp,
    }
}

/// All that a query gives, page by page.
async fn by_pages(db: &DatabaseConnection, query: AuditQuery) -> Vec<u128> {
    let mut ids = Vec::new();
    let mut next = Some(query.clone());
    while let Some(query) = next {
        let page = query.page(db).await.unwrap();
        ids.extend(page.entries.iter().map(|entry| entry.id.as_u128()));
        next = page.next.map(|cursor| query.after(cursor));
    }
    ids
}

async fn pages_go_through_entries_of_the_same_time(t: TestDb) {
    at_one_time(&t, 20).await;
    for size in [1, 3, 10, 19, 20, 21] {
        let query = AuditTrail::query().limit(size);
        assert_eq!(by_pages(&t.db, query.clone()).await, (0..20).rev().collect::<Vec<_>>());
        assert_eq!(by_pages(&t.db, query.oldest_first()).await, (0..20).collect::<Vec<_>>());
    }
}

async fn a_page_stays_where_it_was_when_entries_come(t: TestDb) {
    let at = at_one_time(&t, 6).await;
    let query = AuditTrail::query().limit(3);
    let first = query.page(&t.db).await.unwrap();
    for later in [at, at + TimeDelta::seconds(1)] {
        let id = Uuid::from_u128(100 + u128::from(later > at));
        let row = stored(id, later).into_active_model();
        entity::Entity::insert(row).exec_without_returning(&t.db).await.unwrap();
    }
    let second = query.after(first.next.unwrap()).page(&t.db).await.unwrap();
    let ids: Vec<_> = second.entries.iter().map(|entry| entry.id.as_u128()).collect();
    assert_eq!(ids, [2, 1, 0]);
    assert_eq!(second.next, None);
}

async fn a_cursor_reads_on_in_both_directions(t: TestDb) {
    at_one_time(&t, 5).await;
    let all = AuditTrail::query().all(&t.db).await.unwrap();
    let middle: Cursor = Cursor::of(&all[2]).to_string().parse().unwrap();
    let json = serde_json::to_string(&middle).unwrap();
    assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), middle);
    let back = AuditTrail::query().after(middle.clone()).all(&t.db).await.unwrap();
    assert_eq!(back, all[3..]);
    let on = AuditTrail::query().oldest_first().after(middle).all(&t.db).await.unwrap();
    assert_eq!(on, [all[1].clone(), all[0].clone()]);
}

async fn a_stream_gives_all(t: TestDb) {
    at_one_time(&t, 1500).await;
    let entries: Vec<AuditEntry> =
        AuditTrail::query().oldest_first().offset(1).stream(&t.db).try_collect().await.unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_u128()).collect();
    assert_eq!(ids, (1..1500).collect::<Vec<_>>());
}

async fn a_stream_ends_at_its_limit(t: TestDb) {
    at_one_time(&t, 300).await;
    for limit in [0, 1, 64, 65, 200] {
        let entries = AuditTrail::query().limit(limit).stream(&t.db);
        let entries: Vec<_> = entries.try_collect().await.unwrap();
        assert_eq!(entries.len() as u64, limit);
    }
}

async fn changed_finds_creates_updates_and_deletes(t: TestDb) {
    migrate(&t).await;
    let change = |id: &str, old: Json, new: Json| Change::update("a", id, image(old), image(new));
    record(&t.db, Change::create("a", "made", image(json!({"x": 1, "y": null})))).await;
    record(&t.db, change("set", json!({"x": 1, "y": null}), json!({"x": 1, "y": 2}))).await;
    record(&t.db, change("other", json!({"z": 1}), json!({"z": 2}))).await;
    record(&t.db, Change::delete("a", "gone", image(json!({"x": 1, "y": 2})))).await;
    let changed = |column: &str| AuditTrail::query().changed(column);
    assert_eq!(found(&t.db, changed("y")).await, ["a/set", "a/gone"], "it was born without");
    assert_eq!(found(&t.db, changed("x")).await, ["a/made", "a/gone"]);
    assert!(found(&t.db, changed("w")).await.is_empty());

    create!(t, post::Entity);
    let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
    post.token = sea_orm::Set(Some("hunter2".to_owned()));
    post.update(&t.db).await.unwrap();
    let redacted = found(&t.db, changed("token").operation(Operation::Update)).await;
    assert_eq!(redacted, ["post/1"], "its values are hidden, and differ");
}

async fn values_are_found_by_type(t: TestDb) {
    use sea_orm::Value;
    let big = i64::MAX - 1;
    let values: Vec<(Value, Value)> = vec![
        (1.into(), 2.into()),
        (1.into(), "1".into()),
        (big.into(), (big - 1).into()),
        (1.5.into(), 1.25.into()),
        (true.into(), false.into()),
        ("x".into(), "X".into()),
        ("".into(), " ".into()),
        (Value::Int(None), 0.into()),
        (vec![1u8, 2].into(), vec![1u8, 3].into()),
        (Uuid::from_u128(1).into(), Uuid::from_u128(2).into()),
        (Utc::now().into(), DateTimeUtc::UNIX_EPOCH.into()),
        (json!({"a": [1, {"b": null}]}).into(), json!({"a": [1, {"b": 0}]}).into()),
        (json!([1, 2]).into(), json!([2, 1]).into()),
    ];
    migrate(&t).await;
    for (place, (value, other)) in values.iter().enumerate() {
        let (table, json) = (format!("t{place}"), audit_seaorm::encode::encode(value).unwrap());
        record(&t.db, Change::create(table.clone(), "1", image(json!({"x": json})))).await;
        record(&t.db, Change::delete(table.clone(), "2", image(json!({"x": json})))).await;
        let query = || AuditTrail::query().table(&*table);
        let new = found(&t.db, query().new_value("x", value.clone())).await;
        assert_eq!(new, [format!("{table}/1")], "{value:?}");
        let old = found(&t.db, query().old_value("x", value.clone())).await;
        assert_eq!(old, [format!("{table}/2")], "{value:?}");
        for nothing in [
            query().new_value("x", other.clone()),
            query().old_value("x", other.clone()),
            query().new_value("y", value.clone()),
        ] {
            assert!(found(&t.db, nothing).await.is_empty(), "{value:?} for {other:?}");
        }
    }
}

async fn metadata_is_found_by_value(t: TestDb) {
    migrate(&t).await;
    let context = AuditContext::new()
        .metadata("plan", "pro")
        .metadata("seats", 5)
        .metadata("flags", json!({"beta": true}));
    context.scope(record(&t.db, Change::create("a", "1", image(json!({}))))).await;
    let count = async |key: &str, value: Json| {
        AuditTrail::query().metadata(key, value).count(&t.db).await.unwrap()
    };
    assert_eq!(count("plan", json!("pro")).await, 1);
    assert_eq!(count("seats", json!(5)).await, 1);
    assert_eq!(count("flags", json!({"beta": true})).await, 1);
    assert_eq!(count("plan", json!("free")).await, 0);
    assert_eq!(count("seats", json!("5")).await, 0);
    assert_eq!(count("flags", json!(true)).await, 0);
    let deep = (0..500).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(count("flags", deep).await, 0);
}

async fn a_transaction_sees_its_own_entries(t: TestDb) {
    create!(t, post::Entity);
    new_post("before").insert(&t.db).await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    new_post("b").insert(&txn).await.unwrap();
    let own = AuditTrail::query().oldest_first().all(&txn).await.unwrap();
    let of_it = AuditTrail::query().transaction(own[1].transaction_id.unwrap());
    assert_eq!(of_it.count(&txn).await.unwrap(), 2);
    let streamed: Vec<_> = of_it.clone().stream(&txn).try_collect().await.unwrap();
    assert_eq!(streamed.len(), 2);
    txn.commit().await.unwrap();
    assert_eq!(of_it.count(&t.db).await.unwrap(), 2);
    let unknown = AuditTrail::query().transaction(Uuid::from_u128(7));
    assert_eq!(unknown.count(&t.db).await.unwrap(), 0);
}

const HOSTILE: [&str; 16] = [
    "'",
    "\"",
    "\\",
    "%",
    "_",
    "--",
    "'; DROP TABLE audit_trail; --",
    "$1",
    "?",
    ":x",
    "\u{1F600}",
    "\u{202E}x",
    "a\nb",
    "{\"$json\":\"1\"}",
    "$.x",
    "\u{FFFD}",
];

async fn hostile_texts_match_themselves_alone(t: TestDb) {
    migrate(&t).await;
    for (place, text) in HOSTILE.iter().enumerate() {
        let context = AuditContext::new()
            .user(AuditUser::new(*text).email(*text))
            .request_id(*text)
            .metadata("m", *text);
        let change = Change::create(format!("t{place}"), *text, image(json!({"x": text})));
        context.scope(record(&t.db, change)).await;
    }
    for (place, text) in HOSTILE.iter().enumerate() {
        for query in [
            AuditTrail::query().record(*text),
            AuditTrail::query().user(*text),
            AuditTrail::query().user_email(*text),
            AuditTrail::query().request_id(*text),
            AuditTrail::query().metadata("m", *text),
            AuditTrail::query().new_value("x", *text),
        ] {
            assert_eq!(found(&t.db, query).await, [format!("t{place}/{text}")], "{text:?}");
        }
        assert!(found(&t.db, AuditTrail::query().table(*text)).await.is_empty(), "{text:?}");
    }
    for query in [
        AuditTrail::query().table("\0"),
        AuditTrail::query().record("\0"),
        AuditTrail::query().user("\0"),
        AuditTrail::query().user_email("\0"),
        AuditTrail::query().request_id("\0"),
        AuditTrail::query().metadata("m", "\0"),
        AuditTrail::query().metadata("\0", "m"),
        AuditTrail::query().new_value("x", "\0"),
        AuditTrail::query().changed("\0"),
    ] {
        assert!(found(&t.db, query).await.is_empty(), "U+0000 is in no entry");
    }
    assert_eq!(AuditTrail::query().count(&t.db).await.unwrap(), HOSTILE.len() as u64);
}

async fn hostile_names_and_values_are_data(t: TestDb) {
    migrate(&t).await;
    for (place, name) in HOSTILE.iter().enumerate() {
        let table = format!("t{place}");
        let old = Change::update(table, "1", image(json!({*name: 1})), image(json!({*name: 2})));
        AuditContext::new().metadata(*name, 3).scope(record(&t.db, old)).await;
    }
    for (place, name) in HOSTILE.iter().enumerate() {
        for query in [
            AuditTrail::query().changed(*name),
            AuditTrail::query().old_value(*name, 1),
            AuditTrail::query().new_value(*name, 2),
            AuditTrail::query().metadata(*name, 3),
        ] {
            if t.backend == Backend::MariaDb && name.starts_with('-') {
                let error = query.all(&t.db).await.unwrap_err().to_string();
                assert!(error.contains("begins with `-`"), "{error}");
                continue;
            }
            assert_eq!(found(&t.db, query).await, [format!("t{place}/1")], "{name:?}");
        }
    }
    let nul = AuditTrail::query().table("nul");
    record(&t.db, Change::create("nul", "1", image(json!({"x": {"$json": "\"a\\u0000b\""}}))))
        .await;
    assert_eq!(found(&t.db, nul.clone().new_value("x", "a\0b")).await, ["nul/1"], "escaped");
    assert!(found(&t.db, nul.new_value("x", "a\0c")).await.is_empty());
}

async fn ten_megabytes_of_text_match_nothing(t: TestDb) {
    migrate(&t).await;
    record(&t.db, Change::create("a", "1", image(json!({"x": 1})))).await;
    let long = "x".repeat(10_000_000);
    for query in [
        AuditTrail::query().table(&*long),
        AuditTrail::query().record(&*long),
        AuditTrail::query().user(&*long),
        AuditTrail::query().user_email(&*long),
        AuditTrail::query().request_id(&*long),
        AuditTrail::query().changed(&*long),
        AuditTrail::query().new_value("x", &*long),
        AuditTrail::query().new_value(&*long, 1),
        AuditTrail::query().metadata("m", &*long),
        AuditTrail::query().metadata(&*long, 1),
    ] {
        assert!(found(&t.db, query).await.is_empty());
    }
}

async fn nothing_of_a_value_is_in_debug(t: TestDb) {
    migrate(&t).await;
    let query =
        AuditTrail::query().new_value("token", "hunter2").user("hunter2").metadata("m", "hunter2");
    assert!(!format!("{query:?}").contains("hunter2"));
    assert_eq!(query.count(&t.db).await.unwrap(), 0);
}

/// How the database would answer it.
pub(crate) async fn plan(t: &TestDb, mut query: Statement) -> String {
    query.sql = format!("EXPLAIN {}", query.sql);
    let lines = t.db.query_all_raw(query).await.unwrap();
    let lines = lines.iter().map(|line| line.try_get_by_index::<String>(0).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// A hundred thousand entries of a thousand records, one of which has five thousand; ten times as many of each in the
/// long form.
pub(crate) async fn many_entries(t: &TestDb) {
    migrate(t).await;
    assert_eq!(t.backend, Backend::Postgres);
    let (entries, records) =
        if audit_tests::long() { (1_000_000, 10_000) } else { (100_000, 1_000) };
    let fill = format!(
        "INSERT INTO audit_trail (id, table_name, record_id, operation, old_values, new_values, \
         user_id, timestamp) \
         SELECT gen_random_uuid(), 'post', CASE WHEN n % 20 = 0 THEN 1 ELSE n % {records} END, \
         CASE WHEN n < {records} THEN 'CREATE' WHEN n % 97 = 0 THEN 'DELETE' ELSE 'UPDATE' END, \
         '{{\"likes\": 1}}', '{{\"likes\": 2}}', 'u' || n % 50, \
         TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 minute' FROM generate_series(1, {entries}) n"
    );
    sql(&t.db, &fill).await;
    sql(&t.db, "ANALYZE audit_trail").await;
}

async fn the_fast_ones_use_an_index(t: TestDb) {
    many_entries(&t).await;
    let db = Wrapped::new(&t.db);
    let moment: DateTimeUtc = "2026-01-20T00:00:00Z".parse().unwrap();
    let query = AuditTrail::query;
    AuditTrail::find_for_record(&db, post::Entity, 7).await.unwrap();
    query().user("u7").from(moment).to(moment + TimeDelta::days(9)).all(&db).await.unwrap();
    query().user("u7").oldest_first().all(&db).await.unwrap();
    query().operation(Operation::Delete).all(&db).await.unwrap();
    query().from(moment).limit(50).all(&db).await.unwrap();
    let page = query().user("u7").page(&db).await.unwrap();
    query().user("u7").after(page.next.unwrap()).page(&db).await.unwrap();
    AuditTrail::blame(&db, post::Entity, 1).await.unwrap();
    let queries = db.into_queries();
    assert!(queries.len() >= 8);
    // The others ask which table a name means.
    for query in queries.into_iter().filter(|query| query.sql.contains("FROM \"audit_trail\"")) {
        let plan = plan(&t, query).await;
        assert!(plan.contains("idx_audit_trail_"), "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
    }
}
