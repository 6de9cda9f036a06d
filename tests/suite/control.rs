//! Nobody ends an `AuditTransaction` past it, and what its hooks permit ends with them.

use audit_seaorm::{AuditContext, AuditTransaction, Escape};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelBehavior, ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, Statement,
    StreamTrait, TransactionTrait,
};

use crate::{
    entities::post,
    support::{create, new_post, number, sql, trail},
};

audit_tests::tests! {
    raw_statements_that_end_a_transaction_are_refused,
    a_refusal_says_what_to_call,
    no_policy_lets_them_pass,
    what_leaves_the_transaction_alone_passes,
    #[only(MariaDb)] the_schema_does_not_change_inside_of_a_transaction_on_mariadb,
    what_ends_it_behind_a_comment_is_refused,
    #[only(Sqlite)] a_conflict_does_not_roll_back_the_transaction,
    a_hook_that_fails_leaves_no_permit,
    a_hook_that_is_dropped_leaves_no_permit,
    a_statement_that_fails_leaves_no_permit,
    a_permit_ends_with_its_level,
}

/// Hooks that may fail or wait.
mod moody {
    use audit_seaorm::{Auditable, audited};
    use sea_orm::{ActiveValue::Set, entity::prelude::*};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "control_moody")]
    #[auditable(hooks)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique)]
        pub mood: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    #[audited]
    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        async fn before_save<C: ConnectionTrait>(self, _: &C, _: bool) -> Result<Self, DbErr> {
            match &self.mood {
                Set(mood) if mood == "bad" => Err(DbErr::Custom("not today".to_owned())),
                Set(mood) if mood == "undecided" => std::future::pending().await,
                _ => Ok(self),
            }
        }
    }
}

fn moody(mood: &str) -> moody::ActiveModel {
    moody::ActiveModel { mood: Set(mood.to_owned()), ..Default::default() }
}

fn refusal<T>(outcome: Result<T, DbErr>) -> String {
    let error = outcome.err().map(|error| error.to_string());
    let error = error.expect("it is refused");
    assert!(error.starts_with("Custom Error: audit: "), "{error}");
    assert!(error.contains("would part the changes of this AuditTransaction"), "{error}");
    error
}

const CONTROLS: [&str; 10] = [
    "COMMIT",
    "ROLLBACK",
    "BEGIN",
    "START TRANSACTION",
    "SAVEPOINT x",
    "RELEASE SAVEPOINT x",
    "ROLLBACK TO SAVEPOINT x",
    "-- done\n commit",
    "SELECT 1; END",
    "ABORT",
];

async fn raw_statements_that_end_a_transaction_are_refused(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    new_post("b").insert(&nested).await.unwrap();
    for text in CONTROLS {
        let statement = || Statement::from_string(t.db.get_database_backend(), text);
        for txn in [&txn, &nested] {
            refusal(txn.execute_unprepared(text).await);
            refusal(txn.execute_raw(statement()).await);
            refusal(txn.query_one_raw(statement()).await);
            refusal(txn.query_all_raw(statement()).await);
            refusal(txn.stream_raw(statement()).await.map(drop));
        }
    }
    nested.rollback().await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

/// What the guard takes for a string must be one to the database.
async fn what_ends_it_behind_a_comment_is_refused(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    for text in [
        "SELECT 'a' ||-- '\n'b'; COMMIT; -- '",
        "SELECT 'a' ||/* ' */ 'b'; COMMIT; -- '",
        "SELECT 'a\\'; COMMIT; -- '",
        "CREATE TABLE other (begin int); COMMIT",
    ] {
        refusal(txn.execute_unprepared(text).await);
    }
    txn.rollback().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 0);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

async fn a_refusal_says_what_to_call(t: TestDb) {
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for (text, advice) in [
        ("commit", "COMMIT refused"),
        ("COMMIT", "Call `commit()`"),
        ("ROLLBACK", "Call `rollback()`"),
        ("SAVEPOINT x", "Call `begin()`"),
    ] {
        let error = refusal(txn.execute_unprepared(text).await);
        assert!(error.contains(advice), "{error}");
    }
    txn.rollback().await.unwrap();
}

/// It would part other changes from their entries.
async fn no_policy_lets_them_pass(t: TestDb) {
    let db = audit_seaorm::AuditConnection::new(t.db.clone()).on_escape(Escape::Allow);
    let txn = db.begin().await.unwrap();
    refusal(AuditContext::without_audit(txn.execute_unprepared("COMMIT")).await);
    txn.rollback().await.unwrap();
}

async fn what_leaves_the_transaction_alone_passes(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    sql(&txn, "SELECT 'COMMIT', CASE WHEN 1 = 1 THEN 1 ELSE 2 END; SELECT 2 -- ROLLBACK").await;
    match t.backend {
        Backend::Sqlite | Backend::Postgres => sql(&txn, "CREATE TABLE other (a int)").await,
        Backend::MariaDb => sql(&txn, "CREATE TEMPORARY TABLE other (a int)").await,
    }
    if t.backend == Backend::Sqlite {
        let body = "INSERT INTO other VALUES (1); INSERT INTO other VALUES (2)";
        sql(&txn, &format!("CREATE TRIGGER x AFTER INSERT ON post BEGIN {body}; END")).await;
    }
    new_post("a").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn the_schema_does_not_change_inside_of_a_transaction_on_mariadb(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    for text in [
        "CREATE TABLE other (a int)",
        "ALTER TABLE post ADD other int",
        "TRUNCATE other",
        "SET autocommit = 1",
        "SELECT 1 /*! ; COMMIT */",
        "IF 1 THEN COMMIT; END IF",
    ] {
        refusal(txn.execute_unprepared(text).await);
    }
    let error = refusal(txn.execute_unprepared("CREATE TABLE other (a int)").await);
    assert!(error.contains("ahead of the transaction or after it"), "{error}");
    txn.rollback().await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    sql(&audit_seaorm::AuditConnection::new(t.db.clone()), "CREATE TABLE other (a int)").await;
}

async fn a_conflict_does_not_roll_back_the_transaction(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "CREATE TABLE other (a int UNIQUE)").await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    sql(&txn, "INSERT OR IGNORE INTO other VALUES (1), (1)").await;
    refusal(txn.execute_unprepared("INSERT OR ROLLBACK INTO other VALUES (1)").await);
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

/// The statement that the hooks of several rows wait for, from somebody else.
async fn assert_no_permit(db: &impl ConnectionTrait) {
    let error = moody::Entity::insert(moody("good")).exec(db).await.unwrap_err().to_string();
    assert!(error.contains("INSERT of `control_moody` refused"), "{error}");
}

async fn a_hook_that_fails_leaves_no_permit(t: TestDb) {
    create!(t, moody::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    ActiveModelBehavior::before_save(moody("good"), &txn, true).await.unwrap();
    ActiveModelBehavior::before_save(moody("bad"), &txn, true).await.unwrap_err();
    assert_no_permit(&txn).await;
    txn.rollback().await.unwrap();
}

async fn a_hook_that_is_dropped_leaves_no_permit(t: TestDb) {
    create!(t, moody::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    ActiveModelBehavior::before_save(moody("good"), &txn, true).await.unwrap();
    let waiting = ActiveModelBehavior::before_save(moody("undecided"), &txn, true);
    let moment = std::time::Duration::from_millis(1);
    tokio::time::timeout(moment, waiting).await.unwrap_err();
    assert_no_permit(&txn).await;
    txn.rollback().await.unwrap();
}

async fn a_statement_that_fails_leaves_no_permit(t: TestDb) {
    create!(t, moody::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    moody("good").insert(&txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    ActiveModelBehavior::before_save(moody("good"), &nested, true).await.unwrap();
    ActiveModelBehavior::before_save(moody("better"), &nested, true).await.unwrap();
    let error = moody::Entity::insert(moody("good")).exec(&nested).await.unwrap_err().to_string();
    assert!(!error.contains("refused"), "{error}");
    assert_no_permit(&nested).await;
    nested.rollback().await.unwrap();
    txn.rollback().await.unwrap();
}

async fn a_permit_ends_with_its_level(t: TestDb) {
    create!(t, moody::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    ActiveModelBehavior::before_save(moody("good"), &nested, true).await.unwrap();
    nested.commit().await.unwrap();
    assert_no_permit(&txn).await;
    txn.rollback().await.unwrap();
}
