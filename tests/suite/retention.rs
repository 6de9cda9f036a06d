//! Retention: what is too old goes, and nothing else does.

#![allow(clippy::print_stdout, reason = "times are for people to look at")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use audit_seaorm::{
    AuditConfig, AuditEntry, AuditTrail, AuditUpkeep, Limits, Operation, Prune, Retention, Turn,
};
use audit_tests::{TestDb, long};
use chrono::{TimeDelta, Utc};
use sea_orm::{ConnectionTrait, prelude::Uuid};
use sea_orm_migration::MigratorTrait;

use crate::{
    entities::post,
    migrators::AppendOnly,
    property::dice::Dice,
    support::{bare_entry, create, entries, migrate, new_post, number, sql, store_entries},
};

audit_tests::tests! {
    what_is_older_than_the_limit_goes,
    without_a_limit_nothing_is_deleted,
    without_a_limit_upkeep_deletes_nothing,
    the_configuration_in_force_has_the_retention,
    a_table_may_have_limits_of_its_own,
    the_newest_of_each_record_stay,
    the_newest_of_each_table_stay,
    what_is_held_stays_whatever_the_limits_say,
    a_plan_counts_what_goes_and_deletes_nothing,
    whatever_the_limits_what_goes_is_what_they_say,
    it_goes_by_chunks_and_tells_of_each,
    an_append_only_trail_is_pruned_by_its_door,
    dropped_half_way_it_can_be_run_again,
    two_at_once_take_nothing_twice,
    a_limit_of_zero_is_refused,
    #[alone] writers_do_not_wait_for_it,
}

/// An entry of so many days ago.
fn entry(table: &str, record: &str, user: Option<&str>, days_ago: i64) -> AuditEntry {
    let at = Utc::now() - TimeDelta::days(days_ago);
    let at = chrono::DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap();
    AuditEntry {
        user_id: user.map(str::to_owned),
        ..bare_entry(table, record, Operation::Update, at)
    }
}

async fn store(db: &impl ConnectionTrait, entries: impl IntoIterator<Item = AuditEntry>) {
    store_entries(db, entries).await;
}

/// What is left, as `table/record`, the oldest first.
async fn left(t: &TestDb) -> Vec<String> {
    let entries = entries(&t.db).await;
    entries.iter().map(|entry| format!("{}/{}", entry.table_name, entry.record_id)).collect()
}

fn prune(retention: Retention) -> Prune {
    AuditTrail::prune().retention(retention)
}

fn days(days: u32) -> Limits {
    Limits::new().max_age_days(days)
}

fn a_year() -> Retention {
    Retention::new().all(days(365))
}

async fn what_is_older_than_the_limit_goes(t: TestDb) {
    migrate(&t).await;
    store(&t.db, [31, 29, 30 * 365, 0].map(|ago| entry("a", &ago.to_string(), None, ago))).await;
    let pruned = prune(Retention::new().all(days(30))).exec(&t.db).await.unwrap();
    assert_eq!(left(&t).await, ["a/29", "a/0"]);
    assert_eq!(pruned.deleted, 2);
}

async fn without_a_limit_nothing_is_deleted(t: TestDb) {
    migrate(&t).await;
    store(&t.db, [20_000, 366, 1].map(|ago| entry("a", &ago.to_string(), None, ago))).await;
    store(&t.db, [entry("b", "0", None, 0)]).await;
    for retention in [
        AuditConfig::current().get_retention().clone(),
        AuditConfig::from_env().unwrap().get_retention().clone(),
        Retention::default(),
        Retention::new().keep_table("a"),
        Retention::new().table("b", days(1)),
    ] {
        let prune = prune(retention.clone());
        assert_eq!(prune.plan(&t.db).await.unwrap().total(), 0, "{retention:?}");
        assert_eq!(prune.exec(&t.db).await.unwrap().deleted, 0, "{retention:?}");
    }
    assert_eq!(AuditTrail::prune().exec(&t.db).await.unwrap().deleted, 0);
    assert_eq!(left(&t).await, ["a/20000", "a/366", "a/1", "b/0"]);
}

async fn without_a_limit_upkeep_deletes_nothing(t: TestDb) {
    migrate(&t).await;
    store(&t.db, [20_000, 366].map(|ago| entry("a", &ago.to_string(), None, ago))).await;
    match AuditUpkeep::new(&t.db).run().await.unwrap() {
        Turn::Done(report) => assert_eq!(report.pruned.deleted, 0),
        other => panic!("it is due: {other:?}"),
    }
    assert_eq!(left(&t).await, ["a/20000", "a/366"]);
}

async fn the_configuration_in_force_has_the_retention(t: TestDb) {
    migrate(&t).await;
    store(&t.db, [366, 364].map(|ago| entry("a", &ago.to_string(), None, ago))).await;
    let year = AuditConfig::new().retention(a_year());
    year.scope(async { AuditTrail::prune().exec(&t.db).await }).await.unwrap();
    assert_eq!(left(&t).await, ["a/364"]);
    let short = AuditConfig::new().retention(Retention::new().all(days(1)));
    short.scope(async { AuditTrail::prune().exec(&t.db).await }).await.unwrap();
    assert!(left(&t).await.is_empty());
}

async fn a_table_may_have_limits_of_its_own(t: TestDb) {
    migrate(&t).await;
    let ages = [("session", 40), ("session", 10), ("invoice", 4000), ("post", 400), ("post", 40)];
    store(&t.db, ages.map(|(table, ago)| entry(table, &ago.to_string(), None, ago))).await;
    let retention = a_year().table("session", days(30)).table("invoice", Limits::new());
    prune(retention).exec(&t.db).await.unwrap();
    assert_eq!(left(&t).await, ["invoice/4000", "post/40", "session/10"]);
}

async fn the_newest_of_each_record_stay(t: TestDb) {
    migrate(&t).await;
    let ages = [("1", 9), ("1", 8), ("1", 7), ("2", 6), ("3", 5), ("3", 4)];
    store(&t.db, ages.map(|(record, ago)| entry("a", record, None, ago))).await;
    store(&t.db, ages.map(|(record, ago)| entry("b", record, None, ago))).await;
    let retention = Retention::new().table("a", Limits::new().newest_per_record(1));
    prune(retention).exec(&t.db).await.unwrap();
    let left = left(&t).await;
    let of_a: Vec<_> = left.iter().filter(|of| of.starts_with('a')).collect();
    assert_eq!(of_a, ["a/1", "a/2", "a/3"]);
    assert_eq!(left.len(), 9);
    let kept = entries(&t.db).await;
    let youngest = kept.iter().find(|entry| entry.table_name == "a").unwrap();
    assert!(youngest.timestamp > Utc::now() - TimeDelta::hours(7 * 24 + 1));
}

async fn the_newest_of_each_table_stay(t: TestDb) {
    migrate(&t).await;
    let ages = [("a", "1", 9), ("a", "2", 8), ("a", "1", 7), ("b", "1", 90), ("c", "1", 1)];
    store(&t.db, ages.map(|(table, record, ago)| entry(table, record, None, ago))).await;
    let retention = Retention::new().all(Limits::new().newest_per_table(2));
    prune(retention).exec(&t.db).await.unwrap();
    assert_eq!(left(&t).await, ["b/1", "a/2", "a/1", "c/1"]);
}

async fn what_is_held_stays_whatever_the_limits_say(t: TestDb) {
    migrate(&t).await;
    let old = [
        ("payment", "1", None),
        ("post", "42", None),
        ("post", "43", Some("7")),
        ("post", "43", Some("8")),
        ("post", "44", None),
        ("note", "42", None),
    ];
    let old = old.map(|(table, record, user)| entry(table, record, user, 4000));
    store(
        &t.db,
        old.iter()
            .flat_map(|entry| [entry.clone(), AuditEntry { id: Uuid::new_v4(), ..entry.clone() }]),
    )
    .await;
    let limits = days(1).newest_per_record(1).newest_per_table(1);
    let retention = Retention::new()
        .all(limits)
        .table("payment", limits)
        .keep_table("payment")
        .keep_record("post", "42")
        .keep_user("7")
        .keep_user("nul\0");
    let plan = prune(retention.clone()).plan(&t.db).await.unwrap();
    let pruned = prune(retention).exec(&t.db).await.unwrap();
    let mut left = left(&t).await;
    left.sort();
    assert_eq!(left, ["payment/1", "payment/1", "post/42", "post/42", "post/43", "post/43"]);
    assert_eq!((plan.total(), pruned.deleted), (6, 6));
}

async fn a_plan_counts_what_goes_and_deletes_nothing(t: TestDb) {
    migrate(&t).await;
    let ages = [("a", 9), ("a", 8), ("b", 7), ("b", 1), ("c\u{9b}", 8)];
    store(&t.db, ages.map(|(table, ago)| entry(table, "1", None, ago))).await;
    let plan = prune(Retention::new().all(days(5))).plan(&t.db).await.unwrap();
    assert_eq!(plan.total(), 4);
    assert_eq!((plan.by_table()["a"], plan.by_table()["b"]), (2, 1));
    assert_eq!(
        plan.to_string(),
        "4 entries would be deleted\n  2 of a\n  1 of b\n  1 of \"c\\u009b\""
    );
    assert_eq!(left(&t).await.len(), 5);
    let nothing = prune(Retention::new().all(Limits::new())).plan(&t.db).await.unwrap();
    assert_eq!(nothing.total(), 0);
}

/// The rules once more, as plainly as can be.
fn kept(retention: &Retention, entries: &[AuditEntry]) -> BTreeSet<Uuid> {
    let held = |entry: &AuditEntry| {
        retention.kept_tables().any(|table| table == entry.table_name)
            || retention.kept_users().any(|user| Some(user) == entry.user_id.as_deref())
            || retention
                .kept_records()
                .any(|(table, record)| table == entry.table_name && record == entry.record_id)
    };
    let newer = |entry: &AuditEntry, alike: fn(&AuditEntry, &AuditEntry) -> bool| {
        let newer = |other: &&AuditEntry| {
            alike(other, entry) && (other.timestamp, other.id) > (entry.timestamp, entry.id)
        };
        entries.iter().filter(newer).count() as u64
    };
    let of_table = |a: &AuditEntry, b: &AuditEntry| a.table_name == b.table_name;
    let of_record =
        |a: &AuditEntry, b: &AuditEntry| a.table_name == b.table_name && a.record_id == b.record_id;
    let goes = |entry: &AuditEntry| {
        let limits = retention.limits(&entry.table_name);
        let age = Utc::now() - entry.timestamp;
        limits.get_max_age_days().is_some_and(|days| age > TimeDelta::days(days.into()))
            || limits.get_newest_per_record().is_some_and(|keep| newer(entry, of_record) >= keep)
            || limits.get_newest_per_table().is_some_and(|keep| newer(entry, of_table) >= keep)
    };
    let stays = entries.iter().filter(|entry| held(entry) || !goes(entry));
    stays.map(|entry| entry.id).collect()
}

fn random_limits(dice: &mut Dice) -> Limits {
    let mut limits = Limits::new();
    if dice.chance(50) {
        limits = limits.max_age_days(1 + u32::try_from(dice.number(60)).unwrap());
    }
    if dice.chance(40) {
        limits = limits.newest_per_record(1 + dice.next() % 3);
    }
    if dice.chance(30) {
        limits = limits.newest_per_table(1 + dice.next() % 60);
    }
    limits
}

async fn whatever_the_limits_what_goes_is_what_they_say(t: TestDb) {
    migrate(&t).await;
    for seed in 0..if long() { 200 } else { 12 } {
        let dice = &mut Dice::new(seed);
        sql(&t.db, "DELETE FROM audit_trail").await;
        let count = 300;
        let written: Vec<_> = (0..count)
            .map(|_| {
                let (table, record) = (dice.number(4), dice.number(9));
                let user = dice.chance(50).then(|| dice.number(5).to_string());
                let mut entry = entry(
                    &format!("t{table}"),
                    &record.to_string(),
                    user.as_deref(),
                    dice.number(60).into(),
                );
                // Whole days would leave nothing to be told apart by; and some at the same moment.
                entry.timestamp -= TimeDelta::hours(1 + i64::from(dice.number(12)));
                entry
            })
            .collect();
        store(&t.db, written.clone()).await;
        let mut retention = Retention::new().all(random_limits(dice));
        for table in 1..=2 {
            if dice.chance(50) {
                retention = retention.table(format!("t{table}"), random_limits(dice));
            }
        }
        if dice.chance(30) {
            retention = retention.keep_table("t1");
        }
        if dice.chance(30) {
            retention = retention.keep_user("2").keep_record("t2", "3");
        }
        let expected = kept(&retention, &written);
        let prune = prune(retention.clone()).chunk(7);
        let plan = prune.plan(&t.db).await.unwrap();
        let pruned = prune.exec(&t.db).await.unwrap();
        let left: BTreeSet<_> = entries(&t.db).await.iter().map(|entry| entry.id).collect();
        assert_eq!(left, expected, "seed {seed}: {retention:?}");
        assert_eq!(plan.total(), pruned.deleted, "seed {seed}: {retention:?}");
        assert_eq!(pruned.deleted, (written.len() - expected.len()) as u64);
    }
}

async fn it_goes_by_chunks_and_tells_of_each(t: TestDb) {
    migrate(&t).await;
    store(&t.db, (0..250).map(|number| entry("a", &number.to_string(), None, 500))).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let prune = prune(a_year()).chunk(100);
    let pruned = prune
        .on_progress(move |so_far| tell.lock().unwrap().push(so_far.deleted))
        .exec(&t.db)
        .await
        .unwrap();
    let told = told.lock().unwrap().clone();
    assert_eq!(told.last(), Some(&250));
    assert_eq!(told.len() as u64, pruned.chunks);
    assert!(told.is_sorted() && told.len() >= 3, "{told:?}");
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] <= 100), "{told:?}");
}

async fn an_append_only_trail_is_pruned_by_its_door(t: TestDb) {
    AppendOnly::up(&t.db, None).await.unwrap();
    store(&t.db, [500, 400, 1].map(|ago| entry("a", &ago.to_string(), None, ago))).await;
    prune(a_year()).chunk(1).exec(&t.db).await.unwrap();
    assert_eq!(left(&t).await, ["a/1"]);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM audit_trail_upkeep").await, 0);
    assert!(t.db.execute_unprepared("DELETE FROM audit_trail").await.is_err());
}

async fn dropped_half_way_it_can_be_run_again(t: TestDb) {
    AppendOnly::up(&t.db, None).await.unwrap();
    store(&t.db, (0..400).map(|number| entry("a", &number.to_string(), None, 500))).await;
    store(&t.db, [entry("a", "young", None, 1)]).await;
    for millis in [0, 5, 20, 50, 80] {
        let run = prune(a_year()).chunk(10);
        let limit = Duration::from_millis(millis);
        let _ = tokio::time::timeout(limit, run.exec(&t.db)).await;
    }
    prune(a_year()).exec(&t.db).await.unwrap();
    assert_eq!(left(&t).await, ["a/young"]);
    assert!(t.db.execute_unprepared("DELETE FROM audit_trail").await.is_err(), "the door is shut");
}

async fn two_at_once_take_nothing_twice(t: TestDb) {
    migrate(&t).await;
    store(&t.db, (0..600).map(|number| entry("a", &(number % 9).to_string(), None, 500))).await;
    let run = || async { prune(a_year()).chunk(20).exec(&t.db).await.unwrap().deleted };
    let (one, other) = tokio::join!(run(), run());
    assert_eq!(one + other, 600);
    assert!(left(&t).await.is_empty());
}

async fn a_limit_of_zero_is_refused(t: TestDb) {
    migrate(&t).await;
    store(&t.db, [entry("a", "1", None, 500)]).await;
    for retention in [
        Retention::new().all(days(0)),
        Retention::new().table("a", Limits::new().newest_per_record(0)),
        Retention::new().table("b", Limits::new().newest_per_table(0)),
    ] {
        let error = prune(retention.clone()).exec(&t.db).await.unwrap_err().to_string();
        assert!(error.contains("must be one at least"), "{error}");
        prune(retention).plan(&t.db).await.unwrap_err();
    }
    assert_eq!(left(&t).await.len(), 1);
}

/// Prints how long writers wait, with nothing else going on and while the trail is pruned.
async fn writers_do_not_wait_for_it(t: TestDb) {
    create!(t, post::Entity);
    let (old, young, held) = if long() { (1_500_000, 500_000, 1000) } else { (6_000, 2_000, 100) };
    fill(&t, old, 500).await;
    fill(&t, young, 1).await;
    store(&t.db, (0..held).map(|number| entry("kept", &number.to_string(), None, 600))).await;
    if long() {
        let analyze = match t.backend {
            audit_tests::Backend::MariaDb => "ANALYZE TABLE audit_trail",
            _ => "ANALYZE",
        };
        sql(&t.db, analyze).await;
    }
    // As many writes as while it is pruned, or the longest of them would be no match.
    let some_time = Duration::from_secs(if long() { 60 } else { 2 });
    let usual = latencies(&t, tokio::time::sleep(some_time)).await;
    let begun = Instant::now();
    let run = async {
        let prune = prune(a_year().keep_table("kept"));
        assert_eq!(prune.exec(&t.db).await.unwrap().deleted, old);
    };
    let pruning = latencies(&t, run).await;
    let took = begun.elapsed();
    println!(
        "{:?}: {old} of {} entries pruned in {took:.1?}; 8 writers, p99 and longest: usual {:?} {:?} of {}, pruning {:?} {:?} of {}",
        t.backend,
        old + young,
        p99(&usual),
        usual.last().unwrap(),
        usual.len(),
        p99(&pruning),
        pruning.last().unwrap(),
        pruning.len(),
    );
    assert_eq!(
        number(&t.db, "SELECT COUNT(*) FROM audit_trail WHERE table_name = 'kept'").await,
        held
    );
    let rest = "SELECT COUNT(*) FROM audit_trail WHERE table_name = 'big'";
    assert_eq!(number(&t.db, rest).await, i64::try_from(young).unwrap());
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// Entries made by the database itself.
async fn fill(t: &TestDb, count: u64, days_ago: i64) {
    let at = Utc::now() - TimeDelta::days(days_ago);
    let at = at.format("%Y-%m-%d %H:%M:%S");
    let columns = "INSERT INTO audit_trail (id, table_name, record_id, operation, new_values, user_id, timestamp)";
    let statement = match t.backend {
        audit_tests::Backend::Postgres => format!(
            "{columns} SELECT gen_random_uuid(), 'big', (n % 50000)::text, 'UPDATE', '{{\"a\": 1}}', (n % 100)::text, \
             timestamp '{at}' - n * interval '1 ms' FROM generate_series(1, {count}) n"
        ),
        audit_tests::Backend::MariaDb => format!(
            "{columns} SELECT UNHEX(REPLACE(UUID(), '-', '')), 'big', seq % 50000, 'UPDATE', '{{\"a\": 1}}', seq % 100, \
             '{at}' - INTERVAL seq * 1000 MICROSECOND FROM seq_1_to_{count}"
        ),
        audit_tests::Backend::Sqlite => format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) \
             {columns} SELECT randomblob(16), 'big', n % 50000, 'UPDATE', '{{\"a\": 1}}', n % 100, \
             strftime('%Y-%m-%dT%H:%M:%f', '{at}', '-' || (n / 1000.0) || ' seconds') || '000+00:00' FROM s"
        ),
    };
    sql(&t.db, &statement).await;
}

/// How long each write of eight writers took while `work` ran, in order.
async fn latencies(t: &TestDb, work: impl Future<Output = ()>) -> Vec<Duration> {
    let stop = tokio_stop();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (db, stop) = (t.db.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut took = Vec::new();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let post = new_post(&Uuid::new_v4().to_string());
                    let begun = Instant::now();
                    post.insert(&db).await.unwrap();
                    took.push(begun.elapsed());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                took
            })
        })
        .collect();
    work.await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    all.sort();
    all
}

fn tokio_stop() -> Arc<std::sync::atomic::AtomicBool> {
    Arc::default()
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() * 99 / 100]
}
