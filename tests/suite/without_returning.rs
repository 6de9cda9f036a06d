//! A server of `MariaDB`'s family that does not know `RETURNING`.

use audit_seaorm::Operation;
use audit_tests::TestDb;
use sea_orm::TransactionTrait;

use crate::{
    entities::post,
    support::{create, entries, new_post, sql},
};

audit_tests::tests! {
    #[alone] #[only(MariaDb)] a_server_without_returning_is_asked_the_other_way,
}

/// `MySQL` does not know `RETURNING` and says so by a syntax error, here by a trigger's that speaks once.
/// From then on this process asks no more, so this is the last test in the list.
async fn a_server_without_returning_is_asked_the_other_way(t: TestDb) {
    create!(t, post::Entity);
    sql(
        &t.db,
        "CREATE TRIGGER refuse_once BEFORE INSERT ON post FOR EACH ROW BEGIN \
         IF @refused IS NULL THEN SET @refused = 1; SIGNAL SQLSTATE '42000' \
         SET MESSAGE_TEXT = 'You have an error in your SQL syntax'; END IF; END",
    )
    .await;
    let txn = t.db.begin().await.unwrap();
    let post = new_post("a").insert(&txn).await.unwrap();
    post.delete(&txn).await.unwrap();
    txn.commit().await.unwrap();
    let operations: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.operation).collect();
    assert_eq!(operations, [Operation::Create, Operation::Delete]);
}
