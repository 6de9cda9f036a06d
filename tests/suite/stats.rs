//! Statistics: who, what, where and when, counted by the database.

use std::collections::BTreeMap;

use audit_seaorm::{
    ActivityBucket, AuditQuery, AuditTrail, AuditTransaction, Bucket, DEFAULT_TOP, MAX_BUCKETS,
    Operation, OperationStats, RecordActivity, TableActivity, UserActivity, entity,
};
use audit_tests::{Backend, TestDb};
use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveTime, TimeDelta, Timelike};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, TransactionTrait,
    prelude::{DateTimeUtc, Uuid},
    sea_query::Expr,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    entities::post,
    property::dice::Dice,
    query::{many_entries, plan},
    support::{Wrapped, create, migrate, new_post, sql, store_entries, without_checks},
};

audit_tests::tests! {
    operations_are_counted,
    a_range_is_half_open_and_may_be_empty,
    a_range_that_ends_before_it_begins_is_refused,
    users_are_ranked_and_nobody_is_one_of_them_if_asked_for,
    a_ranking_goes_on_where_it_was_cut,
    tables_and_records_are_ranked,
    filters_narrow_what_is_counted,
    an_unknown_operation_is_counted_as_that,
    a_transaction_counts_its_own_entries,
    buckets_have_no_holes,
    buckets_are_those_of_the_offset,
    buckets_without_a_range_go_from_the_first_entry_to_the_last,
    random_moments_are_in_the_buckets_of_the_calendar,
    the_time_zone_of_the_session_does_not_matter,
    too_many_buckets_are_refused,
    results_are_read_back_from_json,
    #[only(Postgres)] a_range_of_time_is_read_by_its_index,
}

const KINDS: [Bucket; 4] = [Bucket::Hour, Bucket::Day, Bucket::Week, Bucket::Month];

type Row<'a> = (&'a str, Option<&'a str>, &'a str, &'a str, &'a str);

/// Five entries of one week, in the order of time.
const WEEK: [Row<'_>; 5] = [
    ("2026-01-05T00:00:00Z", Some("ann"), "post", "1", "CREATE"),
    ("2026-01-05T12:00:00Z", Some("ann"), "post", "1", "UPDATE"),
    ("2026-01-06T23:59:59.999999Z", Some("bob"), "post", "1", "DELETE"),
    ("2026-01-07T00:00:00Z", None, "label", "[1,\"en\"]", "CREATE"),
    ("2026-01-07T00:00:01Z", Some("ann"), "label", "[1,\"en\"]", "UPDATE"),
];

fn at(text: &str) -> DateTimeUtc {
    text.parse().unwrap()
}

fn offset(hours: i32, minutes: i32) -> FixedOffset {
    FixedOffset::east_opt((hours * 60 + minutes) * 60).unwrap()
}

async fn a_week(t: &TestDb) {
    migrate(t).await;
    for row in WEEK {
        store(t, row).await;
    }
}

/// As a writer stores it. On `MariaDB` the driver binds a moment of UTC as a `TIMESTAMP`, which has but the
/// years from 1970 to 2038.
async fn store(t: &TestDb, (time, user, table, record, operation): Row<'_>) {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let id = Uuid::from_u128(u128::from(next));
    let (moment, mariadb) = (at(time), t.backend == Backend::MariaDb);
    let row = entity::Model {
        id,
        table_name: table.to_owned(),
        record_id: record.to_owned(),
        operation: operation.to_owned(),
        old_values: None,
        new_values: Some(json!({})),
        user_id: user.map(ToOwned::to_owned),
        user_email: None,
        request_id: None,
        transaction_id: None,
        reason: None,
        metadata: None,
        timestamp: if mariadb { at("2026-01-01T00:00:00Z") } else { moment },
    };
    store_entries(&t.db, [row.into()]).await;
    if mariadb {
        let update = entity::Entity::update_many().filter(entity::Column::Id.eq(id));
        let naive = Expr::val(moment.naive_utc());
        update.col_expr(entity::Column::Timestamp, naive).exec(&t.db).await.unwrap();
    }
}

fn counts(stats: OperationStats) -> [u64; 3] {
    assert_eq!(stats.total(), stats.creates + stats.updates + stats.deletes);
    [stats.creates, stats.updates, stats.deletes]
}

async fn operations_are_counted(t: TestDb) {
    a_week(&t).await;
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let stats = AuditTrail::operation_stats(&t.db, from, to).await.unwrap();
    assert_eq!(counts(stats), [2, 2, 1]);
    let by_name = audit_seaorm::Operation::ALL.map(|operation| stats.of(operation));
    assert_eq!(by_name, [2, 2, 1, 0]);
    let all = AuditTrail::query().limit(1).offset(3).operation_stats(&t.db).await.unwrap();
    assert_eq!(all, stats, "whatever the limit");
}

async fn a_range_is_half_open_and_may_be_empty(t: TestDb) {
    a_week(&t).await;
    let (first, last) = (at(WEEK[0].0), at(WEEK[4].0));
    let stats = AuditTrail::operation_stats(&t.db, first, last).await.unwrap();
    assert_eq!(counts(stats), [2, 1, 1]);
    let before = first - TimeDelta::days(9);
    for (from, to) in [(first, first), (before, first)] {
        let stats = AuditTrail::operation_stats(&t.db, from, to).await.unwrap();
        assert_eq!(stats, OperationStats::default());
        assert_eq!(AuditTrail::top_users(&t.db, from, to).await.unwrap(), []);
        assert_eq!(AuditTrail::table_activity(&t.db, from, to).await.unwrap(), []);
        assert_eq!(AuditTrail::most_changed(&t.db, from, to).await.unwrap(), []);
    }
    for kind in KINDS {
        // In the middle of a bucket, too.
        for moment in [first, at(WEEK[1].0) + TimeDelta::minutes(30)] {
            let none = AuditTrail::activity(&t.db, moment, moment, kind, offset(0, 0)).await;
            assert_eq!(none.unwrap(), []);
        }
    }
    let days = AuditTrail::activity(&t.db, before, first, Bucket::Day, offset(0, 0)).await.unwrap();
    assert_eq!(days.len(), 9);
    assert!(days.iter().all(|day| day.operations == OperationStats::default()));
}

async fn a_range_that_ends_before_it_begins_is_refused(t: TestDb) {
    migrate(&t).await;
    let (from, to) = (at(WEEK[1].0), at(WEEK[0].0));
    for outcome in [
        AuditTrail::operation_stats(&t.db, from, to).await.map(drop),
        AuditTrail::top_users(&t.db, from, to).await.map(drop),
        AuditTrail::table_activity(&t.db, from, to).await.map(drop),
        AuditTrail::most_changed(&t.db, from, to).await.map(drop),
        AuditTrail::activity(&t.db, from, to, Bucket::Day, offset(0, 0)).await.map(drop),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("ends (2026-01-05 00:00:00 UTC) before it begins"), "{error}");
    }
}

async fn users_are_ranked_and_nobody_is_one_of_them_if_asked_for(t: TestDb) {
    a_week(&t).await;
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let users =
        AuditTrail::query().from(from).to(to).count_nobody().top_users(&t.db).await.unwrap();
    let told: Vec<_> = users
        .iter()
        .map(|user| (user.user_id.as_deref(), counts(user.operations), user.last))
        .collect();
    let expected = [
        (Some("ann"), [1, 2, 0], Some(at(WEEK[4].0))),
        (None, [1, 0, 0], Some(at(WEEK[3].0))),
        (Some("bob"), [0, 0, 1], Some(at(WEEK[2].0))),
    ];
    assert_eq!(told, expected, "of equally busy ones the one who was there last is first");
    let named = AuditTrail::top_users(&t.db, from, to).await.unwrap();
    assert_eq!(named.iter().collect::<Vec<_>>(), [&users[0], &users[2]]);
}

async fn a_ranking_goes_on_where_it_was_cut(t: TestDb) {
    migrate(&t).await;
    let names: Vec<_> = (0..12).map(|n| format!("u{n}")).collect();
    for (place, name) in names.iter().enumerate() {
        for _ in 0..=place % 4 {
            store(&t, ("2026-01-05T00:00:00Z", Some(name), "post", name, "UPDATE")).await;
        }
    }
    let query = AuditTrail::query;
    let all = query().limit(u64::MAX).top_users(&t.db).await.unwrap();
    assert_eq!(all.len(), 12);
    assert!(all.is_sorted_by_key(|user| std::cmp::Reverse(user.operations.total())));
    let top = query().top_users(&t.db).await.unwrap();
    assert_eq!(top.len() as u64, DEFAULT_TOP);
    assert_eq!(top, all[..10]);
    assert_eq!(query().limit(5).offset(10).top_users(&t.db).await.unwrap(), all[10..]);
    assert_eq!(query().limit(0).top_users(&t.db).await.unwrap(), []);
    let records = query().limit(12).most_changed(&t.db).await.unwrap();
    assert_eq!(records.len(), 12);
    assert_eq!(query().most_changed(&t.db).await.unwrap(), records[..10]);
    assert_eq!(query().table_activity(&t.db).await.unwrap()[0].operations.updates, 30);
}

async fn tables_and_records_are_ranked(t: TestDb) {
    a_week(&t).await;
    store(&t, ("2026-01-08T00:00:00Z", None, "label", "1", "CREATE")).await;
    store(&t, ("2026-01-08T00:00:00Z", None, "tag", "1", "DELETE")).await;
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let tables = AuditTrail::table_activity(&t.db, from, to).await.unwrap();
    let tables: Vec<_> =
        tables.iter().map(|table| (&*table.table_name, counts(table.operations))).collect();
    assert_eq!(tables, [("label", [2, 1, 0]), ("post", [1, 1, 1]), ("tag", [0, 0, 1])]);
    let records = AuditTrail::most_changed(&t.db, from, to).await.unwrap();
    let records: Vec<_> = records
        .iter()
        .map(|record| (&*record.table_name, &*record.record_id, record.operations.total()))
        .collect();
    let expected =
        [("post", "1", 3), ("label", "[1,\"en\"]", 2), ("label", "1", 1), ("tag", "1", 1)];
    assert_eq!(records, expected, "records of one key in several tables are several");
}

async fn filters_narrow_what_is_counted(t: TestDb) {
    a_week(&t).await;
    let stats = async |query: AuditQuery| counts(query.operation_stats(&t.db).await.unwrap());
    assert_eq!(stats(AuditTrail::query().table("post")).await, [1, 1, 1]);
    assert_eq!(stats(AuditTrail::query().user("ann")).await, [1, 2, 0]);
    assert_eq!(stats(AuditTrail::query().table("label").user("ann")).await, [0, 1, 0]);
    assert_eq!(stats(AuditTrail::query().from(at(WEEK[3].0))).await, [1, 1, 0]);
    assert_eq!(stats(AuditTrail::query().table("'; DROP TABLE audit_trail; --")).await, [0; 3]);
    let users = AuditTrail::query().table("label");
    assert_eq!(users.top_users(&t.db).await.unwrap().len(), 1);
    assert_eq!(users.count_nobody().top_users(&t.db).await.unwrap().len(), 2);
    let days = AuditTrail::query().user("ann").activity(&t.db, Bucket::Day, offset(0, 0)).await;
    let days: Vec<_> = days.unwrap().iter().map(|day| day.operations.total()).collect();
    assert_eq!(days, [2, 0, 1]);
}

async fn an_unknown_operation_is_counted_as_that(t: TestDb) {
    a_week(&t).await;
    without_checks(&t.db).await;
    sql(&t.db, "UPDATE audit_trail SET operation = 'DROP' WHERE operation = 'DELETE'").await;
    let query = AuditTrail::query();
    let unknown = |stats: OperationStats| {
        let known = stats.creates + stats.updates + stats.deletes;
        assert_eq!(stats.total(), known + stats.unknown);
        assert_eq!(stats.of(Operation::Unknown), stats.unknown);
        stats.unknown
    };
    assert_eq!(unknown(query.operation_stats(&t.db).await.unwrap()), 1);
    let users = query.clone().count_nobody().top_users(&t.db).await.unwrap();
    assert_eq!(users.iter().map(|it| unknown(it.operations)).sum::<u64>(), 1);
    let tables = query.table_activity(&t.db).await.unwrap();
    assert_eq!(tables.iter().map(|it| unknown(it.operations)).sum::<u64>(), 1);
    let records = query.most_changed(&t.db).await.unwrap();
    assert_eq!(records.iter().map(|it| unknown(it.operations)).sum::<u64>(), 1);
    let days = query.activity(&t.db, Bucket::Day, offset(0, 0)).await.unwrap();
    assert_eq!(days.iter().map(|it| unknown(it.operations)).sum::<u64>(), 1);
    let known = query.user("ann").operation_stats(&t.db).await.unwrap();
    assert_eq!(counts(known), [1, 2, 0]);
}

async fn a_transaction_counts_its_own_entries(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let query = AuditTrail::query();
    assert_eq!(counts(query.operation_stats(&txn).await.unwrap()), [1, 0, 0]);
    new_post("b").insert(&txn).await.unwrap();
    assert_eq!(
        query.clone().count_nobody().top_users(&txn).await.unwrap()[0].operations.creates,
        2
    );
    new_post("c").insert(&txn).await.unwrap();
    let months = query.activity(&txn, Bucket::Month, offset(0, 0)).await.unwrap();
    assert_eq!(months.iter().map(|month| month.operations.creates).sum::<u64>(), 3);
    txn.rollback().await.unwrap();
    assert_eq!(counts(query.operation_stats(&t.db).await.unwrap()), [0; 3]);
}

fn told(buckets: &[ActivityBucket]) -> Vec<(String, u64)> {
    buckets.iter().map(|it| (it.start.to_rfc3339(), it.operations.total())).collect()
}

async fn buckets_have_no_holes(t: TestDb) {
    a_week(&t).await;
    let (from, to) = (at("2026-01-04T23:00:00Z"), at("2026-01-08T00:00:00Z"));
    let days = AuditTrail::activity(&t.db, from, to, Bucket::Day, offset(0, 0)).await.unwrap();
    let expected = [
        ("2026-01-04T00:00:00+00:00".to_owned(), 0),
        ("2026-01-05T00:00:00+00:00".to_owned(), 2),
        ("2026-01-06T00:00:00+00:00".to_owned(), 1),
        ("2026-01-07T00:00:00+00:00".to_owned(), 2),
    ];
    assert_eq!(told(&days), expected);
    assert_eq!(counts(days[1].operations), [1, 1, 0]);
    let hours = AuditTrail::activity(&t.db, from, to, Bucket::Hour, offset(0, 0)).await.unwrap();
    assert_eq!(hours.len(), 73);
    assert_eq!(hours.iter().filter(|hour| hour.operations.total() > 0).count(), 4);
    let year = (at("2025-06-15T00:00:00Z"), at("2026-06-15T00:00:00Z"));
    let months = AuditTrail::activity(&t.db, year.0, year.1, Bucket::Month, offset(0, 0)).await;
    let months = told(&months.unwrap());
    assert_eq!(months.len(), 13);
    assert_eq!(months[7], ("2026-01-01T00:00:00+00:00".to_owned(), 5));
}

async fn buckets_are_those_of_the_offset(t: TestDb) {
    a_week(&t).await;
    let (from, to) = (at("2026-01-04T18:30:00Z"), at("2026-01-07T18:30:00Z"));
    let india = AuditTrail::activity(&t.db, from, to, Bucket::Day, offset(5, 30)).await.unwrap();
    let expected = [
        ("2026-01-05T00:00:00+05:30".to_owned(), 2),
        ("2026-01-06T00:00:00+05:30".to_owned(), 0),
        ("2026-01-07T00:00:00+05:30".to_owned(), 3),
    ];
    assert_eq!(told(&india), expected);
    let weeks = AuditTrail::query().activity(&t.db, Bucket::Week, offset(-3, 0)).await.unwrap();
    let expected =
        [("2025-12-29T00:00:00-03:00".to_owned(), 1), ("2026-01-05T00:00:00-03:00".to_owned(), 4)];
    assert_eq!(told(&weeks), expected, "Monday has not begun there");
}

async fn buckets_without_a_range_go_from_the_first_entry_to_the_last(t: TestDb) {
    a_week(&t).await;
    let query = AuditTrail::query;
    let days = query().activity(&t.db, Bucket::Day, offset(0, 0)).await.unwrap();
    assert_eq!(days.iter().map(|day| day.operations.total()).collect::<Vec<_>>(), [2, 1, 2]);
    for half_open in
        [query().from(at("2026-01-03T00:00:00Z")), query().to(at("2026-01-09T00:00:01Z"))]
    {
        let days = half_open.activity(&t.db, Bucket::Day, offset(0, 0)).await.unwrap();
        assert_eq!(days.len(), 5);
    }
    let none = query().user("eve").activity(&t.db, Bucket::Day, offset(0, 0)).await.unwrap();
    assert_eq!(none, []);
}

/// The same by the calendar of chrono, from the local time.
fn start(moment: DateTimeUtc, kind: Bucket, offset: FixedOffset) -> DateTime<FixedOffset> {
    let local = moment.with_timezone(&offset).naive_local();
    let (date, midnight) = (local.date(), NaiveTime::MIN);
    let start = match kind {
        Bucket::Hour => date.and_hms_opt(local.hour(), 0, 0).unwrap(),
        Bucket::Day => date.and_time(midnight),
        Bucket::Week => {
            let days = u64::from(date.weekday().num_days_from_monday());
            (date - Days::new(days)).and_time(midnight)
        }
        _ => date.with_day(1).unwrap().and_time(midnight),
    };
    start.and_local_timezone(offset).unwrap()
}

async fn random_moments_are_in_the_buckets_of_the_calendar(t: TestDb) {
    migrate(&t).await;
    let mut dice = Dice::new(2026);
    let offsets = [offset(0, 0), offset(5, 30), offset(-3, 0), offset(5, 45), offset(-9, -30)];
    let years =
        ["1001-03-01", "1899-12-31", "1970-01-01", "2024-02-29", "2026-03-01", "9998-06-30"];
    for middle in years.map(|day| at(&format!("{day}T00:00:00Z"))) {
        let (from, to) = (middle - TimeDelta::days(40), middle + TimeDelta::days(40));
        // Around the edges of quarters of an hour, where all of these offsets have theirs.
        let moments: Vec<_> = (0..40)
            .map(|_| {
                let quarters = i64::from(dice.number(60 * 96)) - 30 * 96;
                let micros = dice.pick(&[-1, 0, 1, 999_999, 500_000, -500_000]);
                middle + TimeDelta::minutes(quarters * 15) + TimeDelta::microseconds(*micros)
            })
            .collect();
        for moment in &moments {
            store(&t, (&moment.to_rfc3339(), None, "post", "1", "UPDATE")).await;
        }
        for (kind, offset) in KINDS.iter().flat_map(|kind| offsets.map(|offset| (*kind, offset))) {
            let buckets = AuditTrail::activity(&t.db, from, to, kind, offset).await.unwrap();
            let mut expected = BTreeMap::<_, u64>::new();
            for moment in &moments {
                *expected.entry(start(*moment, kind, offset)).or_default() += 1;
            }
            let filled = buckets.iter().filter(|it| it.operations.total() > 0);
            let filled: BTreeMap<_, _> =
                filled.map(|it| (it.start, it.operations.updates)).collect();
            assert_eq!(filled, expected, "{kind:?} {offset} {moments:?}");
            let just_before = |end: DateTimeUtc| end - TimeDelta::microseconds(1);
            assert_eq!(buckets[0].start, start(from, kind, offset));
            assert_eq!(buckets.last().unwrap().start, start(just_before(to), kind, offset));
            for pair in buckets.windows(2) {
                let end = just_before(pair[1].start.to_utc());
                assert_eq!(start(end, kind, offset), pair[0].start, "{kind:?} {offset}");
            }
        }
    }
}

async fn the_time_zone_of_the_session_does_not_matter(t: TestDb) {
    a_week(&t).await;
    let query = AuditTrail::query().from(at(WEEK[0].0)).to(at(WEEK[4].0));
    let expected = query.activity(&t.db, Bucket::Day, offset(0, 0)).await.unwrap();
    let users = query.top_users(&t.db).await.unwrap();
    let txn = t.db.begin().await.unwrap();
    match t.backend {
        Backend::Sqlite => {}
        Backend::Postgres => {
            sql(&txn, "SET LOCAL TIME ZONE INTERVAL '-03:30' HOUR TO MINUTE").await;
        }
        Backend::MariaDb => sql(&txn, "SET time_zone = '-03:30'").await,
    }
    assert_eq!(query.activity(&txn, Bucket::Day, offset(0, 0)).await.unwrap(), expected);
    assert_eq!(query.top_users(&txn).await.unwrap(), users);
    assert_eq!(expected.iter().map(|day| day.operations.total()).collect::<Vec<_>>(), [2, 1, 1]);
}

async fn too_many_buckets_are_refused(t: TestDb) {
    a_week(&t).await;
    let (from, to) = (at("1000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z"));
    for kind in KINDS {
        let error = AuditTrail::activity(&t.db, from, to, kind, offset(0, 0)).await.unwrap_err();
        assert!(error.to_string().contains("more than 10000"), "{error}");
    }
    let hours = i64::try_from(MAX_BUCKETS).unwrap();
    let from = at(WEEK[0].0);
    let just = AuditTrail::activity(
        &t.db,
        from,
        from + TimeDelta::hours(hours),
        Bucket::Hour,
        offset(0, 0),
    );
    assert_eq!(just.await.unwrap().len() as u64, MAX_BUCKETS);
    store(&t, ("1027-01-05T00:00:00Z", None, "post", "1", "UPDATE")).await;
    let open = AuditTrail::query();
    let error = open.activity(&t.db, Bucket::Month, offset(0, 0)).await.unwrap_err();
    assert!(error.to_string().contains("has 11989 buckets"), "{error}");
    let edges = AuditTrail::query().from(DateTimeUtc::MIN_UTC).to(DateTimeUtc::MAX_UTC);
    for kind in KINDS {
        assert!(edges.activity(&t.db, kind, offset(23, 59)).await.is_err());
    }
}

async fn results_are_read_back_from_json(t: TestDb) {
    fn again<T: Serialize + DeserializeOwned>(result: &T) -> T {
        serde_json::from_str(&serde_json::to_string(result).unwrap()).unwrap()
    }
    a_week(&t).await;
    let query = AuditTrail::query();
    let stats = query.operation_stats(&t.db).await.unwrap();
    assert_eq!(again(&stats), stats);
    let users: Vec<UserActivity> = query.top_users(&t.db).await.unwrap();
    assert_eq!(again(&users), users);
    let tables: Vec<TableActivity> = query.table_activity(&t.db).await.unwrap();
    assert_eq!(again(&tables), tables);
    let records: Vec<RecordActivity> = query.most_changed(&t.db).await.unwrap();
    assert_eq!(again(&records), records);
    let days = query.activity(&t.db, Bucket::Day, offset(5, 30)).await.unwrap();
    assert_eq!(again(&days), days);
    let json = serde_json::to_value(&days).unwrap();
    let operations =
        json!({"creates": 1, "updates": 1, "deletes": 0, "baselines": 0, "unknown": 0});
    assert_eq!(json[0], json!({"start": "2026-01-05T00:00:00+05:30", "operations": operations}));
    assert_eq!(serde_json::to_value(Bucket::Week).unwrap(), "week");
}

async fn a_range_of_time_is_read_by_its_index(t: TestDb) {
    many_entries(&t).await;
    let db = Wrapped::new(&t.db);
    let (from, to) = (at("2026-02-01T00:00:00Z"), at("2026-02-02T00:00:00Z"));
    assert_eq!(AuditTrail::operation_stats(&db, from, to).await.unwrap().total(), 1440);
    assert_eq!(AuditTrail::top_users(&db, from, to).await.unwrap().len(), 10);
    assert_eq!(AuditTrail::table_activity(&db, from, to).await.unwrap().len(), 1);
    assert_eq!(AuditTrail::most_changed(&db, from, to).await.unwrap()[0].record_id, "1");
    let hours = AuditTrail::activity(&db, from, to, Bucket::Hour, offset(0, 0)).await.unwrap();
    assert!(hours.iter().all(|hour| hour.operations.total() == 60));
    let queries = db.into_queries();
    assert_eq!(queries.len(), 5, "one statement each");
    for query in queries {
        let plan = plan(&t, query).await;
        assert!(plan.contains("idx_audit_trail_time"), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}
