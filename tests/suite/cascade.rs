//! Deletes that make the database change audited records by itself, on an `AuditConnection`.

use audit_seaorm::{AuditConnection, AuditContext, AuditTransaction, Escape};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, TransactionTrait,
};

use crate::support::{assert_lines, migrate, number, sql, trail};

audit_tests::tests! {
    a_delete_that_would_delete_children_is_refused,
    a_delete_that_would_detach_children_is_refused,
    a_delete_of_a_parent_without_children_is_recorded,
    children_that_are_deleted_first_are_recorded,
    the_transaction_of_a_connection_knows_the_keys,
    generic_code_is_refused_as_well,
    the_refusal_names_the_key_and_the_way_out,
    a_cascade_by_way_of_another_table_is_seen,
    a_parent_that_is_not_audited_is_not_deleted_by_statement,
    a_warning_lets_it_pass,
    where_nothing_is_recorded_the_database_may,
    on_a_plain_pool_nothing_is_known,
    #[only(Postgres, MariaDb)] a_child_that_comes_at_the_same_time_is_seen,
}

macro_rules! entity {
    ($module:ident, $table:literal, {$($field:ident: $type:ty),*}) => {
        #[allow(dead_code, reason = "an entity is written as applications write it")]
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i32,
                $(pub $field: $type,)*
            }
        }
    };
}

entity!(blog, "cascade_blog", {code: i32});
entity!(article, "cascade_article", {blog_id: Option<i32>});
entity!(note, "cascade_note", {box_id: i32});

/// A blog has articles, which go or stay, and boxes, which nobody audits, of notes. Owners are not audited.
async fn set_up(t: &TestDb, action: &str) -> AuditConnection {
    migrate(t).await;
    for text in [
        "CREATE TABLE cascade_other (name varchar(20))",
        "CREATE TABLE cascade_owner (id int PRIMARY KEY)",
        "CREATE TABLE cascade_blog (id int PRIMARY KEY, code int NOT NULL UNIQUE, owner_id int, \
         CONSTRAINT of_owner FOREIGN KEY (owner_id) REFERENCES cascade_owner (id) ON DELETE SET NULL)",
        &format!(
            "CREATE TABLE cascade_article (id int PRIMARY KEY, blog_id int, \
             CONSTRAINT of_blog FOREIGN KEY (blog_id) REFERENCES cascade_blog (code) ON DELETE {action})"
        ),
        "CREATE TABLE cascade_box (id int PRIMARY KEY, blog_id int, \
         CONSTRAINT box_of FOREIGN KEY (blog_id) REFERENCES cascade_blog (id) ON DELETE CASCADE)",
        "CREATE TABLE cascade_note (id int PRIMARY KEY, box_id int NOT NULL, \
         CONSTRAINT note_of FOREIGN KEY (box_id) REFERENCES cascade_box (id) ON DELETE CASCADE)",
        "INSERT INTO cascade_owner VALUES (1), (2)",
        "INSERT INTO cascade_blog VALUES (1, 10, 1), (2, 20, NULL), (3, 30, NULL)",
        "INSERT INTO cascade_article VALUES (1, 10)",
        "INSERT INTO cascade_box VALUES (1, 2), (2, 3)",
        "INSERT INTO cascade_note VALUES (1, 1)",
    ] {
        sql(&t.db, text).await;
    }
    AuditConnection::new(t.db.clone())
}

#[track_caller]
fn refused<T>(outcome: Result<T, DbErr>, words: &str) -> String {
    let error = outcome.err().map(|error| error.to_string()).expect("it is refused");
    assert!(error.starts_with("Custom Error: audit: DELETE of `cascade_"), "{error}");
    assert!(error.contains(words), "{error}");
    error
}

/// The word that the refusal has: `SQLite` does not keep the names of constraints.
fn key(t: &TestDb, name: &'static str) -> &'static str {
    if t.backend == Backend::Sqlite { "a foreign key: " } else { name }
}

async fn blog(id: i32, t: &TestDb) -> blog::Model {
    blog::Entity::find_by_id(id).one(&t.db).await.unwrap().unwrap()
}

async fn assert_untouched(t: &TestDb) {
    assert!(trail(&t.db).await.is_empty());
    for (table, rows) in [("blog", 3), ("box", 2), ("note", 1), ("owner", 2)] {
        assert_eq!(number(&t.db, &format!("SELECT COUNT(*) FROM cascade_{table}")).await, rows);
    }
    let linked = "SELECT COUNT(*) FROM cascade_article WHERE blog_id = 10";
    assert_eq!(number(&t.db, linked).await, 1);
}

async fn a_delete_that_would_delete_children_is_refused(t: TestDb) {
    assert_deletes_are_refused(&t, "CASCADE").await;
}

async fn a_delete_that_would_detach_children_is_refused(t: TestDb) {
    assert_deletes_are_refused(&t, "SET NULL").await;
}

async fn assert_deletes_are_refused(t: &TestDb, action: &str) {
    let db = set_up(t, action).await;
    let words = key(t, "of_blog: `cascade_article` (blog_id) refers to `cascade_blog` ON DELETE");
    refused(blog(1, t).await.delete(&db).await, words);
    refused(blog::Entity::audited().delete_by_id(1).exec(&db).await, words);
    refused(blog::Entity::audited().delete_many().exec(&db).await, "");
    let some = blog::Entity::audited().delete_many().filter(blog::Column::Code.lt(15));
    refused(some.exec_with_returning(&db).await, words);
    assert_untouched(t).await;
}

async fn a_delete_of_a_parent_without_children_is_recorded(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    blog(3, &t).await.delete(&db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[r#"DELETE cascade_blog 3 by nobody: {"code":30,"id":3} -> none"#],
    );
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM cascade_box").await, 1);
}

async fn children_that_are_deleted_first_are_recorded(t: TestDb) {
    let db = set_up(&t, "SET NULL").await;
    let txn = db.begin().await.unwrap();
    article::Entity::audited().delete_by_id(1).exec(&txn).await.unwrap();
    note::Entity::audited().delete_many().exec(&txn).await.unwrap();
    assert_eq!(blog::Entity::audited().delete_many().exec(&txn).await.unwrap().rows_affected, 3);
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 5);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM cascade_blog").await, 0);
}

async fn the_transaction_of_a_connection_knows_the_keys(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    refused(blog(1, &t).await.delete(&nested).await, key(&t, "of_blog: "));
    let row = article::ActiveModel { id: Set(2), blog_id: Set(Some(30)) };
    row.insert(&nested).await.unwrap();
    refused(blog(3, &t).await.delete(&nested).await, key(&t, "of_blog: "));
    nested.rollback().await.unwrap();
    refused(blog::Entity::audited().delete_many().exec(&txn).await, "");
    txn.rollback().await.unwrap();
    assert_untouched(&t).await;
}

async fn generic_code_is_refused_as_well(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    let txn = db.begin().await.unwrap();
    refused(ModelTrait::delete(blog(1, &t).await, &txn).await, key(&t, "of_blog: "));
    ModelTrait::delete(blog(3, &t).await, &txn).await.unwrap();
    txn.rollback().await.unwrap();
    assert_untouched(&t).await;
}

async fn the_refusal_names_the_key_and_the_way_out(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    let error = refused(blog(1, &t).await.delete(&db).await, "DELETE of `cascade_blog` refused");
    assert_eq!(
        error.replace("a foreign key: ", "of_blog: "),
        "Custom Error: audit: DELETE of `cascade_blog` refused: the database would change audited records \
         by itself, with no entry of it: of_blog: `cascade_article` (blog_id) refers to `cascade_blog` ON \
         DELETE CASCADE. Delete these records first or let go of the parent, as `cascade_delete` and the \
         `delete` of ActiveModelEx do, or make the foreign key RESTRICT or NO ACTION"
    );
}

async fn a_cascade_by_way_of_another_table_is_seen(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    let error = refused(blog(2, &t).await.delete(&db).await, key(&t, "note_of: "));
    assert!(error.contains("`cascade_box` (blog_id) refers to `cascade_blog`"), "{error}");
    refused(
        db.execute_unprepared("DELETE FROM cascade_box WHERE id = 2").await,
        key(&t, "note_of: "),
    );
    assert_untouched(&t).await;
}

async fn a_parent_that_is_not_audited_is_not_deleted_by_statement(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    let txn = db.begin().await.unwrap();
    let text = "DELETE FROM cascade_owner WHERE id = 2";
    let words = "the database may change audited records by itself";
    refused(db.execute_unprepared(text).await, words);
    refused(txn.execute_unprepared(&format!("SELECT 1; {text}")).await, words);
    if t.backend != Backend::Postgres {
        refused(db.execute_unprepared("REPLACE INTO cascade_owner VALUES (1)").await, words);
    }
    sql(&txn, "UPDATE cascade_owner SET id = 2 WHERE id = 2").await;
    sql(&txn, "DELETE FROM cascade_other WHERE name = 'cascade_owner'").await;
    txn.commit().await.unwrap();
    assert_untouched(&t).await;
    AuditContext::without_audit(db.execute_unprepared(text)).await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM cascade_owner").await, 1);
}

async fn a_warning_lets_it_pass(t: TestDb) {
    let db = set_up(&t, "CASCADE").await.on_escape(Escape::Warn);
    let work = async { blog(1, &t).await.delete(&db).await.unwrap() };
    let (_, logs) = audit_tests::logs::capture(work).await;
    assert_eq!(logs.matches("audited write escaped").count(), 1, "{logs}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM cascade_article").await, 0);
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn where_nothing_is_recorded_the_database_may(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    AuditContext::without_audit(async {
        blog(1, &t).await.delete(&db).await.unwrap();
        blog::Entity::audited().delete_by_id(2).exec(&db).await.unwrap();
        blog::Entity::audited().delete_many().exec(&db).await.unwrap();
    })
    .await;
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM cascade_note").await, 0);
    assert_lines(&trail(&t.db).await, &[]);
}

async fn on_a_plain_pool_nothing_is_known(t: TestDb) {
    set_up(&t, "CASCADE").await;
    blog(1, &t).await.delete(&t.db).await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM cascade_article").await, 0);
    assert_eq!(trail(&t.db).await.len(), 1);
}

/// Committed after the transaction took its first look, and before it locked the parent.
async fn a_child_that_comes_at_the_same_time_is_seen(t: TestDb) {
    let db = set_up(&t, "CASCADE").await;
    let txn = db.begin().await.unwrap();
    assert_eq!(article::Entity::find().all(&txn).await.unwrap().len(), 1);
    sql(&t.db, "INSERT INTO cascade_article VALUES (2, 30)").await;
    refused(blog(3, &t).await.delete(&txn).await, "of_blog: ");
    txn.rollback().await.unwrap();
}

/// What `ON UPDATE` does is out of sight; an `AuditConnection` says so ahead of its first update.
pub(crate) async fn an_update_cascades_out_of_sight(t: &TestDb) {
    let db = set_up(t, "NO ACTION ON UPDATE CASCADE").await;
    let mut row = blog(1, t).await.into_active_model();
    row.code = Set(11);
    let (updated, logs) = audit_tests::logs::capture(row.update(&db)).await;
    updated.unwrap();
    assert!(logs.contains("ON UPDATE CASCADE"), "{logs}");
    assert_eq!(trail(&t.db).await.len(), 1);
    let followed = "SELECT COUNT(*) FROM cascade_article WHERE blog_id = 11";
    assert_eq!(number(&t.db, followed).await, 1);
}
