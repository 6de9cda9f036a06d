//! A server of `MariaDB`'s family that does not know `RETURNING`.

use audit_seaorm::Operation;
use audit_tests::TestDb;
use sea_orm::{DatabaseTransaction, DbErr, EntityTrait, TransactionTrait};

use crate::{
    entities::post,
    support::{create, entries, new_post, number, sql},
};

audit_tests::tests! {
    #[only(MariaDb)] a_server_without_returning_is_asked_the_other_way,
}

/// `MySQL` does not know `RETURNING` and says so by a syntax error, here by a trigger's that speaks once. What one server
/// refuses is asked of another all the same, which a process may have a pool of as well.
async fn a_server_without_returning_is_asked_the_other_way(t: TestDb) {
    create!(t, post::Entity);
    sql(
        &t.db,
        "CREATE TRIGGER refuse_once BEFORE INSERT ON post FOR EACH ROW BEGIN \
         IF @refused IS NULL THEN SET @refused = 1; SIGNAL SQLSTATE '42000' \
         SET MYSQL_ERRNO = 1064, MESSAGE_TEXT = 'Fehler in der SQL-Syntax'; END IF; END",
    )
    .await;
    let txn = t.db.begin().await.unwrap();
    let refused = looks(&txn, new_post("a").insert(&txn)).await;
    let asked = looks(&txn, new_post("b").insert(&txn)).await;
    assert_eq!(asked, 1, "the storage engine is asked for, and the insert gives the row back");
    assert!(refused > asked, "the row is read after the insert");
    post::Entity::find_by_id(1).one(&txn).await.unwrap().unwrap().delete(&txn).await.unwrap();
    txn.commit().await.unwrap();
    let operations: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.operation).collect();
    assert_eq!(operations, [Operation::Create, Operation::Create, Operation::Delete]);
}

/// How many SELECTs this takes.
async fn looks<T>(txn: &DatabaseTransaction, work: impl Future<Output = Result<T, DbErr>>) -> i64 {
    const LOOKS: &str = "SELECT CAST(VARIABLE_VALUE AS SIGNED) \
        FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'COM_SELECT'";
    let before = number(txn, LOOKS).await;
    work.await.unwrap();
    // The question itself is one.
    number(txn, LOOKS).await - before - 1
}
