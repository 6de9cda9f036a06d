//! Whether auditing works, as the health function tells.

use std::time::Duration;

use audit_seaorm::{
    AuditConfig, AuditTrail, AuditUpkeep, AuditWriter, Background, HealthProblem, Retention,
};
use audit_tests::{Backend, TestDb};
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};

use crate::{
    entities::post,
    support::{Role, create, entries, migrate, new_post, partition, sql},
};

audit_tests::tests! {
    where_all_is_well_it_says_so_and_leaves_nothing,
    a_missing_table_is_told_of_with_what_to_run,
    a_database_that_refuses_entries_is_told_of,
    a_database_that_does_not_answer_is_told_of,
    #[only(Postgres)] a_role_that_may_not_write_is_told_of,
    #[only(Postgres)] months_that_run_out_are_told_of,
    it_tells_when_upkeep_was_done,
    it_tells_how_the_writer_in_the_background_is_doing,
}

async fn where_all_is_well_it_says_so_and_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    assert!(AuditTrail::health(&t.db).await.newest_entry.is_none());
    new_post("a").insert(&t.db).await.unwrap();
    let health = AuditTrail::health(&t.db).await;
    assert!(health.is_working(), "{health}");
    assert_eq!(health.to_string(), "auditing works");
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 1, "its own entry is gone again");
    assert_eq!(health.newest_entry, Some(entries[0].timestamp));
    assert!(health.counters.written >= 1);
    let json = serde_json::to_value(&health).unwrap();
    assert_eq!(json["problems"], serde_json::json!([]));
}

async fn a_missing_table_is_told_of_with_what_to_run(t: TestDb) {
    let health = AuditTrail::health(&t.db).await;
    assert!(matches!(health.problems[..], [HealthProblem::CannotWrite(_)]), "{health}");
    assert!(health.to_string().contains("audit_migration::Migrator::up"), "{health}");
}

async fn a_database_that_refuses_entries_is_told_of(t: TestDb) {
    migrate(&t).await;
    let column = match t.backend {
        Backend::Sqlite => "ALTER TABLE audit_trail RENAME COLUMN reason TO why",
        Backend::Postgres => "ALTER TABLE audit_trail ADD COLUMN place text NOT NULL",
        Backend::MariaDb => {
            "ALTER TABLE audit_trail ADD COLUMN place INT NOT NULL CHECK (place > 0)"
        }
    };
    sql(&t.db, column).await;
    let health = AuditTrail::health(&t.db).await;
    assert!(matches!(health.problems[..], [HealthProblem::CannotWrite(_)]), "{health}");
}

async fn a_database_that_does_not_answer_is_told_of(t: TestDb) {
    migrate(&t).await;
    let txn = t.db.begin().await.unwrap();
    let lock = match t.backend {
        Backend::Sqlite => "CREATE TABLE taken (id INTEGER)",
        Backend::Postgres => "LOCK TABLE audit_trail",
        Backend::MariaDb => "SELECT * FROM audit_trail FOR UPDATE",
    };
    txn.query_all_raw(Statement::from_string(txn.get_database_backend(), lock)).await.unwrap();
    let health = AuditTrail::health(&t.db).await;
    txn.rollback().await.unwrap();
    assert!(matches!(health.problems[..], [HealthProblem::NoAnswer(_)]), "{health}");
    assert!(t.db.get_database_backend() != DbBackend::Sqlite || health.newest_entry.is_none());
    let health = AuditTrail::health(&t.db).await;
    assert!(health.is_working(), "{health}");
}

async fn a_role_that_may_not_write_is_told_of(t: TestDb) {
    migrate(&t).await;
    let role = Role::create(&t, "reader", &["GRANT SELECT ON audit_trail TO {role}"]).await;
    let health = AuditTrail::health(&role.connect(&t).await).await;
    match &health.problems[..] {
        [HealthProblem::CannotWrite(told)] => assert!(told.contains("audit_trail"), "{health}"),
        _ => panic!("{health}"),
    }
    sql(&t.db, &format!("GRANT INSERT ON audit_trail TO \"{}\"", role.name())).await;
    let health = AuditTrail::health(&role.connect(&t).await).await;
    assert!(health.is_working(), "{health}: it needs no right to the schedule");
    role.remove(&t).await;
}

async fn months_that_run_out_are_told_of(t: TestDb) {
    migrate(&t).await;
    partition(&t.db).await;
    assert_eq!(AuditTrail::health(&t.db).await.months_ahead, Some(3));
    let ahead = "SELECT string_agg(format('DROP TABLE %I', name), ';') FROM audit_trail_partitions() WHERE starts > now()";
    let row =
        t.db.query_one_raw(Statement::from_string(DbBackend::Postgres, ahead))
            .await
            .unwrap()
            .unwrap();
    sql(&t.db, &row.try_get_by_index::<String>(0).unwrap()).await;
    let health = AuditTrail::health(&t.db).await;
    assert_eq!(health.problems, [HealthProblem::MonthsRunOut]);
    AuditTrail::create_partitions(&t.db, 1).await.unwrap();
    assert!(AuditTrail::health(&t.db).await.is_working());
}

async fn it_tells_when_upkeep_was_done(t: TestDb) {
    migrate(&t).await;
    assert!(AuditTrail::health(&t.db).await.last_upkeep.is_none());
    let before = chrono::Utc::now() - chrono::TimeDelta::seconds(1);
    AuditUpkeep::new(&t.db).retention(Retention::new()).run().await.unwrap();
    let last = AuditTrail::health(&t.db).await.last_upkeep.unwrap();
    assert!(last > before && last <= chrono::Utc::now() + chrono::TimeDelta::seconds(1), "{last}");
}

async fn it_tells_how_the_writer_in_the_background_is_doing(t: TestDb) {
    create!(t, post::Entity);
    assert!(AuditTrail::health(&t.db).await.writer.is_none());
    let settings = Background::new().interval(Duration::from_mins(10));
    let writer = AuditWriter::start_without_last_resort(&t.db, settings);
    let config = AuditConfig::new().background(&writer);
    config.clone().scope(async { new_post("a").insert(&t.db).await }).await.unwrap();
    let health = config.clone().scope(AuditTrail::health(&t.db)).await;
    let status = health.writer.unwrap();
    assert_eq!((status.queued, status.is_running), (1, true));
    assert!(status.oldest.is_some() && health.is_working(), "{health}");
    writer.shutdown().await.unwrap();
    let health = config.scope(AuditTrail::health(&t.db)).await;
    assert!(health.problems.contains(&HealthProblem::WriterEnded), "{health}");
    assert_eq!(entries(&t.db).await.len(), 1);
}
