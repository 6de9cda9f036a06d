//! The trail by months, on PostgreSQL; and elsewhere the word of what to use instead.

#![allow(clippy::print_stdout, reason = "times are for people to look at")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use audit_seaorm::{AuditConfig, AuditTrail, Limits, Partition, Retention};
use audit_tests::{TestDb, answer, long};
use chrono::{Datelike, Months, NaiveDate, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseConnection, IntoActiveModel, Set, prelude::Uuid};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::{
    entities::post,
    migrators::{AppendOnlyByMonth, ByMonth, ByMonthAppendOnly},
    support::{Role, by, entries, new_post, number, partition, sql, trail},
};

audit_tests::tests! {
    #[only(Sqlite, MariaDb)] elsewhere_an_error_says_what_to_use_instead,
    #[only(Postgres)] a_table_without_partitions_is_told_of,
    #[only(Postgres)] a_new_trail_has_this_month_and_the_next_ones,
    #[only(Postgres)] writing_and_reading_go_on_as_before,
    #[only(Postgres)] a_trail_is_converted_while_others_write,
    #[only(Postgres)] what_the_table_had_it_has_afterwards,
    #[only(Postgres)] what_would_break_is_refused_and_nothing_has_changed,
    #[only(Postgres)] what_an_attempt_left_behind_is_no_hindrance,
    #[only(Postgres)] it_runs_in_a_transaction_of_the_callers,
    #[only(Postgres)] taken_back_it_is_one_table_with_every_entry,
    #[only(Postgres)] entries_of_a_month_that_has_no_partition_are_moved_when_it_is_made,
    #[only(Postgres)] no_part_of_an_append_only_trail_can_be_changed,
    #[only(Postgres)] old_months_are_dropped_or_detached,
    #[only(Postgres)] retention_drops_the_months_that_have_nothing_to_keep,
    #[only(Postgres)] retention_leaves_a_month_with_something_held,
    #[only(Postgres)] the_applications_role_makes_months_only_if_it_may,
    #[only(Postgres)] months_are_made_where_the_trail_needs_them_and_nowhere_else,
    #[only(Postgres)] a_month_that_upkeep_missed_is_made_of_what_it_has,
    #[only(Postgres)] pages_come_from_the_months_that_have_them,
    #[alone] #[only(Postgres)] dropping_takes_no_longer_for_more_entries,
}

struct Plain;

impl MigratorTrait for Plain {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        audit_migration::migrations()
    }
}

async fn partitioned(t: &TestDb) {
    ByMonth::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
}

async fn plain(t: &TestDb) {
    Plain::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
}

/// The first day of the month that is so many months from this one.
fn month(away: i32) -> NaiveDate {
    let this = Utc::now().date_naive().with_day(1).unwrap();
    let by = Months::new(away.unsigned_abs());
    if away < 0 { this - by } else { this + by }
}

fn name(away: i32) -> String {
    month(away).format("audit_trail_%Y_%m").to_string()
}

async fn names(t: &TestDb) -> Vec<String> {
    let partitions = AuditTrail::partitions(&t.db).await.unwrap();
    partitions.into_iter().map(|partition| partition.name).collect()
}

/// Puts entries of `table` into the trail, at the fifteenth of a month.
async fn fill(db: &impl ConnectionTrait, table: &str, away: i32, count: u32) {
    let at = month(away) + TimeDelta::days(14);
    sql(db, &format!(
        "INSERT INTO audit_trail (id, table_name, record_id, operation, user_id, timestamp) \
         SELECT gen_random_uuid(), '{table}', n::text, 'UPDATE', (n % 9)::text, timestamptz '{at} 12:00:00+00' + n * interval '1 ms' \
         FROM generate_series(1, {count}) n"
    )).await;
}

/// Makes a partition of a month that is past, as the past would have.
async fn make(t: &TestDb, away: i32) {
    let (name, from, to) = (name(away), month(away), month(away + 1));
    sql(&t.db, &format!(
        "CREATE TABLE {name} PARTITION OF audit_trail FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')"
    )).await;
}

async fn count(t: &TestDb, table: &str) -> i64 {
    number(&t.db, &format!("SELECT COUNT(*) FROM {table}")).await
}

async fn elsewhere_an_error_says_what_to_use_instead(t: TestDb) {
    let error = ByMonth::up(&t.db, None).await.unwrap_err().to_string();
    assert!(error.contains("let AuditTrail::prune delete what is too old"), "{error}");
    for error in [
        AuditTrail::partitions(&t.db).await.unwrap_err(),
        AuditTrail::create_partitions(&t.db, 1).await.unwrap_err(),
        AuditTrail::drop_partitions(&t.db, Utc::now()).await.unwrap_err(),
        AuditTrail::detach_partitions(&t.db, Utc::now()).await.unwrap_err(),
    ] {
        assert!(
            error.to_string().contains("let `AuditTrail::prune` delete what is too old"),
            "{error}"
        );
    }
}

async fn a_table_without_partitions_is_told_of(t: TestDb) {
    plain(&t).await;
    let error = AuditTrail::create_partitions(&t.db, 1).await.unwrap_err().to_string();
    assert!(error.contains("audit_migration::partition_by_month()"), "{error}");
}

async fn a_new_trail_has_this_month_and_the_next_ones(t: TestDb) {
    partitioned(&t).await;
    let expected: Vec<_> = (0..=3).map(name).chain(["audit_trail_default".to_owned()]).collect();
    assert_eq!(names(&t).await, expected);
    assert_eq!(AuditTrail::create_partitions(&t.db, 5).await.unwrap(), [name(4), name(5)]);
    assert!(AuditTrail::create_partitions(&t.db, 5).await.unwrap().is_empty());
    let all = AuditTrail::partitions(&t.db).await.unwrap();
    let midnight = |away| month(away).and_hms_opt(0, 0, 0).unwrap().and_utc();
    let Partition { starts, ends, is_default, .. } = &all[0];
    assert_eq!((*starts, *ends, *is_default), (Some(midnight(0)), Some(midnight(1)), false));
    assert_eq!((all[6].starts, all[6].ends, all[6].is_default), (None, None, true));
    let (one, other) = tokio::join!(
        AuditTrail::create_partitions(&t.db, 9),
        AuditTrail::create_partitions(&t.db, 9)
    );
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 4, "each is made once");
}

async fn writing_and_reading_go_on_as_before(t: TestDb) {
    partitioned(&t).await;
    fill(&t.db, "old", -2, 10).await;
    let id = by("ann", async {
        let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
        post.likes = Set(5);
        post.update(&t.db).await.unwrap().id
    })
    .await;
    let posts = (0..300).map(|number| new_post(&format!("bulk {number}")));
    post::Entity::audited().insert_many(posts).exec(&t.db).await.unwrap();
    let trail = AuditTrail::find_for_record(&t.db, post::Entity, id).await.unwrap();
    assert_eq!(trail.len(), 2);
    assert_eq!(trail[0].user_id.as_deref(), Some("ann"));
    assert_eq!(count(&t, &name(0)).await, 302);
    assert_eq!(AuditTrail::query().table("old").count(&t.db).await.unwrap(), 10);
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let then = AuditTrail::state_as_of(&t.db, post::Entity, id, trail[1].timestamp).await.unwrap();
    assert_eq!(then.unwrap().values()["likes"], 0);
}

/// Writers on the pool, until they are stopped; each tells how many writes it made and the longest wait.
struct Writers {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<(u64, Duration)>>,
}

impl Writers {
    fn start(db: &DatabaseConnection) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..6).map(|_| tokio::spawn(write(db.clone(), Arc::clone(&stop)))).collect();
        Self { stop, tasks }
    }

    async fn stop(self) -> (u64, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = (0, Duration::ZERO);
        for task in self.tasks {
            let (writes, longest) = task.await.unwrap();
            sum = (sum.0 + writes, sum.1.max(longest));
        }
        sum
    }
}

/// No error is forgiven: who writes notices nothing.
async fn write(db: DatabaseConnection, stop: Arc<AtomicBool>) -> (u64, Duration) {
    let mut writes = 0;
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let title = Uuid::new_v4().to_string();
        let begun = Instant::now();
        let mut post = new_post(&title).insert(&db).await.unwrap().into_active_model();
        post.likes = Set(1);
        let post = post.update(&db).await.unwrap();
        writes += 2;
        if writes % 3 == 0 {
            post.delete(&db).await.unwrap();
            writes += 1;
        }
        longest = longest.max(begun.elapsed());
    }
    (writes, longest)
}

async fn a_trail_is_converted_while_others_write(t: TestDb) {
    plain(&t).await;
    let old = if long() { 1_000_000 } else { 3000 };
    fill(&t.db, "old", -3, old).await;
    let busy = Writers::start(&t.db);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    partition(&t.db).await;
    let took = begun.elapsed();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (writes, longest) = busy.stop().await;
    println!(
        "{old} entries and {writes} new ones: converted in {took:.1?}; the longest of three writes took {longest:.0?}"
    );
    assert_eq!(count(&t, "audit_trail").await, i64::from(old) + i64::try_from(writes).unwrap());
    assert_eq!(
        number(&t.db, "SELECT COUNT(DISTINCT id) FROM audit_trail").await,
        count(&t, "audit_trail").await
    );
    assert_eq!(names(&t).await.len(), 5);
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn what_the_table_had_it_has_afterwards(t: TestDb) {
    plain(&t).await;
    let role = Role::create(&t, "reader", &["GRANT SELECT ON audit_trail TO {role}"]).await;
    sql(&t.db, "CREATE INDEX by_request ON audit_trail (request_id) WHERE request_id IS NOT NULL")
        .await;
    sql(&t.db, "ALTER TABLE audit_trail ADD CONSTRAINT named CHECK (table_name <> '')").await;
    sql(&t.db, "CREATE TABLE told (id uuid)").await;
    sql(
        &t.db,
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN INSERT INTO told VALUES (NEW.id); RETURN NULL; END $$",
    )
    .await;
    sql(
        &t.db,
        "CREATE TRIGGER tell AFTER INSERT ON audit_trail FOR EACH ROW EXECUTE FUNCTION tell()",
    )
    .await;
    new_post("before").insert(&t.db).await.unwrap();
    ByMonth::up(&t.db, None).await.unwrap();
    new_post("after").insert(&t.db).await.unwrap();
    assert_eq!(count(&t, "told").await, 2, "the trigger");
    let empty = "INSERT INTO audit_trail (id, table_name, record_id, operation, timestamp) \
                 VALUES (gen_random_uuid(), '', '1', 'CREATE', now())";
    assert!(t.db.execute_unprepared(empty).await.is_err(), "the constraint");
    let reader = role.connect(&t).await;
    assert_eq!(entries(&reader).await.len(), 2, "the grant");
    assert!(reader.execute_unprepared("DELETE FROM audit_trail").await.is_err());
    let indexes =
        "SELECT COUNT(*) FROM pg_index WHERE indrelid = 'audit_trail'::regclass AND indisvalid";
    assert_eq!(
        number(&t.db, indexes).await,
        6,
        "the indexes: the key, four, and the one of somebody else"
    );
    role.remove(&t).await;
}

async fn what_would_break_is_refused_and_nothing_has_changed(t: TestDb) {
    plain(&t).await;
    new_post("a").insert(&t.db).await.unwrap();
    for (make, word, drop) in [
        (
            "CREATE VIEW recent AS SELECT * FROM audit_trail",
            "the view public.recent reads it",
            "DROP VIEW recent",
        ),
        (
            "CREATE TABLE mark (entry uuid REFERENCES audit_trail)",
            "mark_entry_fkey of public.mark refers to it",
            "DROP TABLE mark",
        ),
        (
            "CREATE UNIQUE INDEX once ON audit_trail (request_id)",
            "the index public.once is unique",
            "DROP INDEX once",
        ),
        (
            "CREATE POLICY mine ON audit_trail USING (true)",
            "row security policy mine",
            "DROP POLICY mine ON audit_trail",
        ),
        (
            "CREATE PUBLICATION feed FOR TABLE audit_trail",
            "the publication feed names it",
            "DROP PUBLICATION feed",
        ),
    ] {
        sql(&t.db, make).await;
        let error = ByMonth::up(&t.db, None).await.unwrap_err().to_string();
        assert!(error.contains(word), "{make}: {error}");
        assert_eq!(trail(&t.db).await.len(), 1);
        sql(&t.db, drop).await;
    }
    ByMonth::up(&t.db, None).await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn what_an_attempt_left_behind_is_no_hindrance(t: TestDb) {
    plain(&t).await;
    fill(&t.db, "old", -1, 50).await;
    // An index of which the build was broken off, and a promise of a month that is over.
    sql(&t.db, "CREATE UNIQUE INDEX audit_trail_id_time ON audit_trail (id, timestamp)").await;
    sql(
        &t.db,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'audit_trail_id_time'::regclass",
    )
    .await;
    sql(&t.db, "ALTER TABLE audit_trail ADD CONSTRAINT audit_trail_converted CHECK (timestamp < '2020-01-01') NOT VALID").await;
    ByMonth::up(&t.db, None).await.unwrap();
    new_post("a").insert(&t.db).await.unwrap();
    assert_eq!(count(&t, "audit_trail").await, 51);
    let up = audit_migration::partition_by_month();
    up.up(&sea_orm_migration::SchemaManager::new(&t.db)).await.unwrap();
    assert_eq!(count(&t, "audit_trail").await, 51, "once more, and it is there already");
}

async fn it_runs_in_a_transaction_of_the_callers(t: TestDb) {
    use sea_orm::TransactionTrait;
    plain(&t).await;
    fill(&t.db, "old", -1, 50).await;
    let txn = t.db.begin().await.unwrap();
    let migration = audit_migration::partition_by_month();
    migration.up(&sea_orm_migration::SchemaManager::new(&txn)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(count(&t, "audit_trail").await, 50);
    assert_eq!(names(&t).await.len(), 5);
}

async fn taken_back_it_is_one_table_with_every_entry(t: TestDb) {
    ByMonthAppendOnly::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    fill(&t.db, "old", -5, 40).await;
    new_post("a").insert(&t.db).await.unwrap();
    let before = trail(&t.db).await;
    let migration = audit_migration::partition_by_month();
    migration.down(&sea_orm_migration::SchemaManager::new(&t.db)).await.unwrap();
    assert_eq!(trail(&t.db).await, before);
    let kind =
        "SELECT COUNT(*) FROM pg_class WHERE relname LIKE 'audit_trail%' AND relkind IN ('r', 'p')";
    assert_eq!(number(&t.db, kind).await, 3, "the trail, its door and its schedule");
    assert!(
        t.db.execute_unprepared("DELETE FROM audit_trail").await.is_err(),
        "append-only as before"
    );
    assert!(t.db.execute_unprepared("TRUNCATE audit_trail").await.is_err());
    migration.up(&sea_orm_migration::SchemaManager::new(&t.db)).await.unwrap();
    assert_eq!(trail(&t.db).await, before);
    ByMonthAppendOnly::down(&t.db, None).await.unwrap();
    assert!(t.db.execute_unprepared("SELECT * FROM audit_trail").await.is_err());
}

async fn entries_of_a_month_that_has_no_partition_are_moved_when_it_is_made(t: TestDb) {
    ByMonthAppendOnly::up(&t.db, None).await.unwrap();
    fill(&t.db, "late", 6, 20).await;
    fill(&t.db, "later", 7, 20).await;
    assert_eq!(count(&t, "audit_trail_default").await, 40);
    AuditTrail::create_partitions(&t.db, 6).await.unwrap();
    assert_eq!(count(&t, "audit_trail_default").await, 20);
    assert_eq!(count(&t, &name(6)).await, 20);
    assert_eq!(count(&t, "audit_trail").await, 40);
    assert_eq!(count(&t, "audit_trail_upkeep").await, 0);
}

async fn no_part_of_an_append_only_trail_can_be_changed(t: TestDb) {
    for round in 0..2 {
        if round == 0 {
            ByMonthAppendOnly::up(&t.db, None).await.unwrap();
            fill(&t.db, "old", 0, 20).await;
        } else {
            ByMonthAppendOnly::down(&t.db, None).await.unwrap();
            Plain::up(&t.db, None).await.unwrap();
            fill(&t.db, "old", -4, 20).await;
            AppendOnlyByMonth::up(&t.db, None).await.unwrap();
        }
        AuditTrail::create_partitions(&t.db, 5).await.unwrap();
        fill(&t.db, "new", 5, 5).await;
        fill(&t.db, "far", 50, 5).await;
        for part in names(&t).await.into_iter().chain(["audit_trail".to_owned()]) {
            for statement in ["UPDATE {} SET user_id = 'eve'", "DELETE FROM {}", "TRUNCATE {}"] {
                let statement = statement.replace("{}", &part);
                let empty = !statement.starts_with("TRUNCATE") && count(&t, &part).await == 0;
                for replica in ["", "SET LOCAL session_replication_role = replica;"] {
                    let outcome = t.db.execute_unprepared(&format!("{replica}{statement}")).await;
                    assert!(empty || outcome.is_err(), "{statement}");
                }
            }
        }
        assert_eq!(count(&t, "audit_trail").await, 30);
    }
}

async fn old_months_are_dropped_or_detached(t: TestDb) {
    partitioned(&t).await;
    for away in [-5, -4, -3, -2] {
        make(&t, away).await;
        fill(&t.db, "old", away, 10).await;
    }
    let midnight = |away| month(away).and_hms_opt(0, 0, 0).unwrap().and_utc();
    let gone = AuditTrail::drop_partitions(&t.db, midnight(-4) + TimeDelta::days(3)).await.unwrap();
    assert_eq!(
        gone.iter().map(|gone| &*gone.name).collect::<Vec<_>>(),
        [name(-5)],
        "not the one that is half-way"
    );
    assert_eq!(count(&t, "audit_trail").await, 30);

    let held = AuditConfig::new().retention(Retention::new().keep_record("old", "7"));
    let gone = held.scope(async { AuditTrail::drop_partitions(&t.db, midnight(-3)).await }).await;
    assert!(gone.unwrap().is_empty(), "something in it is held");
    let gone = AuditTrail::detach_partitions(&t.db, midnight(-2)).await.unwrap();
    assert_eq!(gone.iter().map(|gone| &*gone.name).collect::<Vec<_>>(), [name(-4), name(-3)]);
    assert_eq!(count(&t, "audit_trail").await, 10);
    assert_eq!(count(&t, &name(-3)).await, 10, "a table of its own");
}

fn a_year() -> Retention {
    Retention::new().all(Limits::new().max_age_days(365))
}

async fn retention_drops_the_months_that_have_nothing_to_keep(t: TestDb) {
    partitioned(&t).await;
    for away in [-15, -14, -2] {
        make(&t, away).await;
        fill(&t.db, "old", away, 10).await;
    }
    fill(&t.db, "default", -40, 7).await;
    assert!(AuditTrail::prune().exec(&t.db).await.unwrap().partitions.is_empty());
    let prune = AuditTrail::prune().retention(a_year());
    let pruned = prune.exec(&t.db).await.unwrap();
    assert_eq!(pruned.partitions, [name(-15), name(-14)]);
    assert_eq!(pruned.deleted, 7, "what is in no month of its own goes one by one");
    assert_eq!(count(&t, "audit_trail").await, 10);
}

async fn retention_leaves_a_month_with_something_held(t: TestDb) {
    partitioned(&t).await;
    for away in [-16, -15, -14] {
        make(&t, away).await;
        fill(&t.db, "old", away, 10).await;
    }
    fill(&t.db, "invoice", -15, 3).await;
    fill(&t.db, "payment", -14, 2).await;
    let retention = a_year().table("invoice", Limits::new()).keep_table("payment");
    let prune = AuditTrail::prune().retention(retention);
    assert_eq!(prune.plan(&t.db).await.unwrap().total(), 30);
    let pruned = prune.exec(&t.db).await.unwrap();
    assert_eq!(pruned.partitions, [name(-16)]);
    assert_eq!(pruned.deleted, 20);
    assert_eq!(count(&t, "audit_trail").await, 5);
}

async fn the_applications_role_makes_months_only_if_it_may(t: TestDb) {
    ByMonthAppendOnly::up(&t.db, None).await.unwrap();
    let role = Role::create(&t, "app", &["GRANT SELECT, INSERT ON audit_trail TO {role}"]).await;
    let app = role.connect(&t).await;
    assert!(AuditTrail::create_partitions(&app, 6).await.is_err());
    let grant = format!(
        "GRANT EXECUTE ON FUNCTION audit_trail_create_partition(timestamptz) TO \"{}\"",
        role.name()
    );
    sql(&t.db, &grant).await;
    fill(&app, "late", 6, 5).await;
    assert_eq!(AuditTrail::create_partitions(&app, 6).await.unwrap(), [name(4), name(5), name(6)]);
    assert_eq!(count(&t, &name(6)).await, 5);
    for attempt in [
        "SELECT audit_trail_create_partition(now() + interval '25 months')".to_owned(),
        format!("DROP TABLE {}", name(5)),
        format!("ALTER TABLE audit_trail DETACH PARTITION {}", name(5)),
        format!("TRUNCATE {}", name(6)),
        format!("DELETE FROM {}", name(6)),
        // What the function would find first, if it looked there.
        "CREATE TEMP TABLE audit_trail_default (timestamp timestamptz); \
         CREATE TEMP TABLE audit_trail_upkeep (opened_at timestamptz); \
         SELECT audit_trail_create_partition(now() + interval '8 months'); DELETE FROM audit_trail"
            .to_owned(),
    ] {
        assert!(app.execute_unprepared(&attempt).await.is_err(), "{attempt}");
    }
    assert!(AuditTrail::drop_partitions(&app, Utc::now() + TimeDelta::days(400)).await.is_err());
    let pruned = AuditTrail::prune()
        .retention(Retention::new().all(Limits::new().max_age_days(1)))
        .exec(&app)
        .await;
    assert!(pruned.is_ok_and(|pruned| pruned.deleted == 0 && pruned.partitions.is_empty()));
    assert_eq!(count(&t, "audit_trail").await, 5);
    role.remove(&t).await;
}

/// A role that may have months made, and has entries of every month there is, asks for all of 1920 to 2130.
async fn months_are_made_where_the_trail_needs_them_and_nowhere_else(t: TestDb) {
    ByMonthAppendOnly::up(&t.db, None).await.unwrap();
    let role = Role::create(
        &t,
        "app",
        &[
            "GRANT SELECT, INSERT ON audit_trail TO {role}",
            "GRANT EXECUTE ON FUNCTION audit_trail_create_partition(timestamptz) TO {role}",
        ],
    )
    .await;
    let app = role.connect(&t).await;
    sql(
        &app,
        "INSERT INTO audit_trail (id, table_name, record_id, operation, timestamp) \
         SELECT gen_random_uuid(), 'x', '1', 'UPDATE', at FROM generate_series(timestamptz '1920-01-15', '2130-01-15', '1 month') at",
    )
    .await;
    let ask = |at: &str| format!("SELECT audit_trail_create_partition({at})");
    let mut refused = 0;
    for away in -1270..=1240 {
        let asked = app.execute_unprepared(&ask(&format!("'{} 12:00:00+00'", month(away)))).await;
        refused += u32::from(asked.is_err());
    }
    for at in ["'-infinity'", "'infinity'", "NULL", "'4713-01-01 BC'", "'294276-01-01'"] {
        let error = app.execute_unprepared(&ask(at)).await.unwrap_err();
        assert_eq!(answer::code(&error), "P0001", "{error}");
    }
    // The trail begins in this month; it has two years of months to come, and what fits none of them.
    assert_eq!(names(&t).await.len(), 1 + 24 + 1);
    assert_eq!(refused, 1270 + 1240 - 24);
    let error = AuditTrail::create_partitions(&t.db, 25).await.unwrap_err().to_string();
    assert!(error.contains("24 months ahead at most, and 25 were asked for"), "{error}");
    assert!(AuditTrail::create_partitions(&t.db, 24).await.unwrap().is_empty());
    role.remove(&t).await;
}

async fn a_month_that_upkeep_missed_is_made_of_what_it_has(t: TestDb) {
    ByMonthAppendOnly::up(&t.db, None).await.unwrap();
    make(&t, -30).await;
    for away in [-40, -26, -3] {
        fill(&t.db, "late", away, 7).await;
    }
    let ask = async |away: i32| {
        let at = month(away) + TimeDelta::days(20);
        let ask = format!("SELECT audit_trail_create_partition('{at} 12:00:00+00')");
        t.db.execute_unprepared(&ask).await
    };
    ask(-3).await.unwrap();
    assert_eq!(count(&t, &name(-3)).await, 7);
    // A month that nobody needs, one from before the trail, and one that is too long ago.
    ask(-2).await.unwrap();
    assert!(!names(&t).await.contains(&name(-2)));
    ask(-40).await.unwrap_err();
    ask(-26).await.unwrap_err();
    assert_eq!(count(&t, "audit_trail_default").await, 14);
    assert_eq!(count(&t, "audit_trail_upkeep").await, 0);
}

async fn pages_come_from_the_months_that_have_them(t: TestDb) {
    partitioned(&t).await;
    for away in -6..0 {
        make(&t, away).await;
        fill(&t.db, "old", away, 500).await;
    }
    sql(&t.db, "ANALYZE audit_trail").await;
    let from = (month(-2)).and_hms_opt(0, 0, 0).unwrap();
    let to = (month(-1)).and_hms_opt(0, 0, 0).unwrap();
    let plan = format!(
        "EXPLAIN SELECT * FROM audit_trail WHERE timestamp >= '{from}+00' AND timestamp < '{to}+00' \
         ORDER BY timestamp DESC, id DESC LIMIT 20"
    );
    let plan = explain(&t, &plan).await;
    assert!(
        plan.contains(&name(-2)) && !plan.contains(&name(-3)) && !plan.contains("Sort"),
        "{plan}"
    );
    let one = "EXPLAIN SELECT * FROM audit_trail WHERE table_name = 'old' AND record_id = '7' \
               ORDER BY timestamp DESC, id DESC LIMIT 20";
    let plan = explain(&t, one).await;
    let scanned = |away| plan.contains(&format!("Seq Scan on {}", name(away)));
    assert!(!(-6..0).any(scanned), "{plan}");
}

async fn explain(t: &TestDb, sql: &str) -> String {
    let rows =
        t.db.query_all_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql))
            .await
            .unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap() + "\n").collect()
}

/// Prints how long it took, and how long the longest of the writes took that went on meanwhile: the database frees the
/// files once it has let the others go on, and that takes the file system longer for large ones.
async fn dropping_takes_no_longer_for_more_entries(t: TestDb) {
    partitioned(&t).await;
    let (few, many) = if long() { (10_000, 2_000_000) } else { (100, 10_000) };
    let (mut took, mut writes) = (Vec::new(), 0);
    for (away, entries) in [(-9, few), (-8, many), (-7, few), (-6, many)] {
        make(&t, away).await;
        fill(&t.db, "old", away, entries).await;
        sql(&t.db, "CHECKPOINT").await;
        let before = month(away + 1).and_hms_opt(0, 0, 0).unwrap().and_utc();
        let busy = Writers::start(&t.db);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Instant::now();
        let gone = AuditTrail::drop_partitions(&t.db, before).await.unwrap();
        let dropped = begun.elapsed();
        let (written, longest) = busy.stop().await;
        writes += written;
        took.push((entries, dropped, longest));
        assert_eq!(gone.len(), 1);
    }
    println!(
        "dropping a month of so many entries took, and the longest of three writes: {took:.1?}"
    );
    assert_eq!(count(&t, "audit_trail").await, i64::try_from(writes).unwrap());
}
