//! What the other tests rely on.

use std::time::Duration;

use audit_tests::{Backend, TestDb, logs, memory};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

audit_tests::tests! {
    every_test_starts_with_an_empty_database,
    no_test_sees_the_tables_of_another,
    another_pool_is_on_the_same_database,
    writers_at_the_same_time_wait_for_each_other,
    #[only(Sqlite)] sqlite_enforces_foreign_keys,
    #[once] logs_are_captured_with_their_fields,
    #[once] logs_of_tests_at_the_same_time_are_kept_apart,
    #[once] #[alone] memory_in_use_is_counted,
}

async fn every_test_starts_with_an_empty_database(t: TestDb) {
    create_the_table(&t).await;
}

async fn no_test_sees_the_tables_of_another(t: TestDb) {
    create_the_table(&t).await;
}

/// Fails if the table is there already, as it is on a database two tests share.
async fn create_the_table(t: &TestDb) {
    t.db.execute_unprepared("CREATE TABLE item (id INTEGER PRIMARY KEY)").await.unwrap();
    insert(&t.db, 1).await;
    assert_eq!(count(&t.db).await, 1);
}

async fn another_pool_is_on_the_same_database(t: TestDb) {
    create_the_table(&t).await;
    let other = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    assert_eq!(count(&other).await, 1);
    assert_eq!(t.path().is_some(), t.backend == Backend::Sqlite);
}

async fn writers_at_the_same_time_wait_for_each_other(t: TestDb) {
    create_the_table(&t).await;
    let writers = (2..=30).map(|id| {
        let db = t.db.clone();
        tokio::spawn(async move { insert(&db, id).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(count(&t.db).await, 30);
}

async fn sqlite_enforces_foreign_keys(t: TestDb) {
    create_the_table(&t).await;
    t.db.execute_unprepared("CREATE TABLE part (item INTEGER REFERENCES item (id))").await.unwrap();
    let orphan = t.db.execute_unprepared("INSERT INTO part VALUES (2)");
    assert!(orphan.await.is_err());
}

async fn logs_are_captured_with_their_fields() {
    let (output, text) = logs::capture(async {
        let span = tracing::info_span!("saving", table = "cake");
        span.in_scope(|| tracing::trace!(rows = 3, "written"));
        7
    })
    .await;
    assert_eq!(output, 7);
    for expected in ["TRACE", "saving", "table=\"cake\"", "written", "rows=3"] {
        assert!(text.contains(expected), "no {expected} in:\n{text}");
    }
}

async fn logs_of_tests_at_the_same_time_are_kept_apart() {
    let log = |name: &'static str| async move {
        for _ in 0..10 {
            tracing::info!("from {name}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let one = tokio::spawn(logs::capture(log("one")));
    let two = tokio::spawn(logs::capture(log("two")));
    let ((), one) = one.await.unwrap();
    let ((), two) = two.await.unwrap();
    assert_eq!(one.matches("from one").count(), 10, "{one}");
    assert_eq!(two.matches("from two").count(), 10, "{two}");
    assert!(!one.contains("from two"), "{one}");
}

async fn memory_in_use_is_counted() {
    const SIZE: usize = 10_000_000;
    let before = memory::live_bytes();
    let kept = vec![1_u8; SIZE];
    assert!(memory::live_bytes() > before + SIZE / 2);
    drop(kept);
    assert!(memory::live_bytes() < before + SIZE / 2);
}

async fn insert(db: &DatabaseConnection, id: i32) {
    db.execute_unprepared(&format!("INSERT INTO item VALUES ({id})")).await.unwrap();
}

async fn count(db: &DatabaseConnection) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM item";
    let backend: DbBackend = db.get_database_backend();
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}
