//! Which foreign keys an `AuditConnection` knows: those of every schema, under every name, and those that come
//! later.

use audit_seaorm::{AuditConnection, AuditTransaction};
use audit_tests::{Backend, TestDb};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, TransactionTrait};

use crate::support::{migrate, number, sql, trail};

audit_tests::tests! {
    #[only(Postgres, MariaDb)] a_cascade_in_another_schema_is_seen,
    #[only(Postgres, MariaDb)] a_cascade_by_way_of_other_schemas_is_seen,
    #[only(MariaDb)] keys_of_another_database_do_not_matter,
    a_cascade_between_tables_with_odd_names_is_seen,
    a_cascade_by_a_key_of_several_columns_is_seen,
    a_cascade_within_a_table_is_seen,
    #[only(Postgres)] a_key_of_a_partition_is_one_of_its_table,
    a_key_that_the_connection_creates_is_seen,
    #[only(Sqlite, Postgres)] a_key_that_a_transaction_creates_is_seen_in_it_and_after_it,
    a_key_that_another_process_creates_is_seen_once_asked_for,
    a_key_that_is_dropped_is_forgotten,
}

macro_rules! entity {
    ($module:ident, [$($table:tt)+], {$($(#[$key:ident])? $field:ident: $type:ty),*}) => {
        #[allow(dead_code, reason = "an entity is written as applications write it")]
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
            #[sea_orm($($table)+)]
            pub struct Model {
                $($(#[sea_orm($key, auto_increment = false)])? pub $field: $type,)*
            }
        }
    };
}

const ELSEWHERE: &str = "Cascade elsewhere";
const THIRD: &str = "Cascade-third";

entity!(far_blog, [table_name = "keys_blog", schema_name = "Cascade elsewhere"], {#[primary_key] id: i32});
entity!(far_post, [table_name = "keys_post", schema_name = "Cascade elsewhere"], {#[primary_key] id: i32, blog_id: i32});
entity!(third_note, [table_name = "keys_note", schema_name = "Cascade-third"], {#[primary_key] id: i32, box_id: i32});
entity!(odd_parent, [table_name = "Keys Select"], {#[primary_key] id: i32});
entity!(odd_child, [table_name = "leading"], {#[primary_key] id: i32, from: i32});
entity!(pair, [table_name = "keys_pair"], {#[primary_key] b: i32, #[primary_key] a: i32});
entity!(half, [table_name = "keys_half"], {#[primary_key] id: i32, one: i32, two: i32});
entity!(node, [table_name = "keys_node"], {#[primary_key] id: i32, parent: Option<i32>});
entity!(parent, [table_name = "keys_parent"], {#[primary_key] id: i32});
entity!(child, [table_name = "keys_child"], {#[primary_key] id: i32, parent_id: i32});

#[track_caller]
fn refused<T>(outcome: Result<T, DbErr>, words: &str) {
    let error = outcome.err().map(|error| error.to_string()).expect("it is refused");
    assert!(error.contains("the database w") || error.contains("the database m"), "{error}");
    assert!(error.contains(words), "{error}");
}

/// Runs these with the right quotes, `""` being a name's.
async fn run(t: &TestDb, texts: &[&str]) {
    for text in texts {
        let text =
            if t.backend == Backend::MariaDb { text.replace('"', "`") } else { (*text).to_owned() };
        sql(&t.db, &text).await;
    }
}

/// Two schemas beside that of the connection; databases, on `MariaDB`.
async fn other_schemas(t: &TestDb) {
    drop_other_schemas(t).await;
    let word = if t.backend == Backend::MariaDb { "DATABASE" } else { "SCHEMA" };
    for schema in [ELSEWHERE, THIRD] {
        run(t, &[&format!("CREATE {word} \"{schema}\"")]).await;
    }
    migrate(t).await;
    run(
        t,
        &[
            "CREATE TABLE \"Cascade elsewhere\".keys_blog (id int PRIMARY KEY)",
            "CREATE TABLE \"Cascade elsewhere\".keys_post (id int PRIMARY KEY, blog_id int, \
             FOREIGN KEY (blog_id) REFERENCES \"Cascade elsewhere\".keys_blog (id) ON DELETE CASCADE)",
            "CREATE TABLE \"Cascade elsewhere\".keys_box (id int PRIMARY KEY, blog_id int, \
             FOREIGN KEY (blog_id) REFERENCES \"Cascade elsewhere\".keys_blog (id) ON DELETE CASCADE)",
            "CREATE TABLE \"Cascade-third\".keys_note (id int PRIMARY KEY, box_id int, \
             FOREIGN KEY (box_id) REFERENCES \"Cascade elsewhere\".keys_box (id) ON DELETE CASCADE)",
            "INSERT INTO \"Cascade elsewhere\".keys_blog VALUES (1), (2), (3)",
            "INSERT INTO \"Cascade elsewhere\".keys_post VALUES (1, 1)",
            "INSERT INTO \"Cascade elsewhere\".keys_box VALUES (1, 2)",
            "INSERT INTO \"Cascade-third\".keys_note VALUES (1, 1)",
        ],
    )
    .await;
}

async fn drop_other_schemas(t: &TestDb) {
    for schema in [THIRD, ELSEWHERE] {
        match t.backend {
            Backend::MariaDb => run(t, &[&format!("DROP DATABASE IF EXISTS \"{schema}\"")]).await,
            _ => run(t, &[&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")]).await,
        }
    }
}

async fn a_cascade_in_another_schema_is_seen(t: TestDb) {
    let _turn = SCHEMAS.lock().await;
    other_schemas(&t).await;
    let db = AuditConnection::new(t.db.clone());
    refused(far_blog::Entity::audited().delete_by_id(1).exec(&db).await, "keys_post");
    let txn = db.begin().await.unwrap();
    refused(far_blog::Entity::audited().delete_by_id(1).exec(&txn).await, "keys_post");
    txn.rollback().await.unwrap();
    far_blog::Entity::audited().delete_by_id(3).exec(&db).await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
    drop_other_schemas(&t).await;
}

async fn a_cascade_by_way_of_other_schemas_is_seen(t: TestDb) {
    let _turn = SCHEMAS.lock().await;
    other_schemas(&t).await;
    let db = AuditConnection::new(t.db.clone());
    refused(far_blog::Entity::audited().delete_by_id(2).exec(&db).await, "keys_note");
    let quote = if t.backend == Backend::MariaDb { "`" } else { "\"" };
    let text = format!("DELETE FROM {quote}Cascade elsewhere{quote}.keys_box WHERE id = 7");
    refused(db.execute_unprepared(&text).await, "keys_note");
    assert!(trail(&t.db).await.is_empty());
    drop_other_schemas(&t).await;
}

/// The databases of `MariaDB` belong to the server, and not to a test.
static SCHEMAS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Tables of the same names as the entities', which no entity means.
async fn keys_of_another_database_do_not_matter(t: TestDb) {
    let _turn = SCHEMAS.lock().await;
    drop_other_schemas(&t).await;
    migrate(&t).await;
    run(
        &t,
        &[
            "CREATE DATABASE \"Cascade elsewhere\"",
            "CREATE TABLE \"Cascade elsewhere\".keys_parent (id int PRIMARY KEY)",
            "CREATE TABLE \"Cascade elsewhere\".keys_child (id int PRIMARY KEY, parent_id int, \
             FOREIGN KEY (parent_id) REFERENCES \"Cascade elsewhere\".keys_parent (id) ON DELETE CASCADE)",
            "CREATE TABLE keys_parent (id int PRIMARY KEY)",
            "INSERT INTO keys_parent VALUES (1)",
            "INSERT INTO \"Cascade elsewhere\".keys_parent VALUES (1)",
            "INSERT INTO \"Cascade elsewhere\".keys_child VALUES (1, 1)",
        ],
    )
    .await;
    let db = AuditConnection::new(t.db.clone());
    parent::Entity::audited().delete_by_id(1).exec(&db).await.unwrap();
    assert!(db.cascades().await.unwrap().iter().all(|key| key.child != "keys_child"));
    drop_other_schemas(&t).await;
}

async fn a_cascade_between_tables_with_odd_names_is_seen(t: TestDb) {
    migrate(&t).await;
    run(
        &t,
        &[
            "CREATE TABLE \"Keys Select\" (id int PRIMARY KEY)",
            "CREATE TABLE \"leading\" (id int PRIMARY KEY, \"from\" int, \
             FOREIGN KEY (\"from\") REFERENCES \"Keys Select\" (id) ON DELETE SET NULL)",
            "INSERT INTO \"Keys Select\" VALUES (1), (2)",
            "INSERT INTO \"leading\" VALUES (1, 1)",
        ],
    )
    .await;
    let db = AuditConnection::new(t.db.clone());
    refused(odd_parent::Entity::audited().delete_by_id(1).exec(&db).await, "`leading` (from)");
    odd_parent::Entity::audited().delete_by_id(2).exec(&db).await.unwrap();
}

async fn a_cascade_by_a_key_of_several_columns_is_seen(t: TestDb) {
    migrate(&t).await;
    run(
        &t,
        &[
            "CREATE TABLE keys_pair (a int, b int, PRIMARY KEY (b, a))",
            "CREATE TABLE keys_half (id int PRIMARY KEY, one int, two int, \
             FOREIGN KEY (two, one) REFERENCES keys_pair (b, a) ON DELETE CASCADE)",
            "INSERT INTO keys_pair (a, b) VALUES (1, 2), (2, 1)",
            "INSERT INTO keys_half (id, one, two) VALUES (1, 1, 2)",
        ],
    )
    .await;
    let db = AuditConnection::new(t.db.clone());
    refused(pair::Entity::audited().delete_by_id((2, 1)).exec(&db).await, "(two, one)");
    pair::Entity::audited().delete_by_id((1, 2)).exec(&db).await.unwrap();
}

async fn a_cascade_within_a_table_is_seen(t: TestDb) {
    migrate(&t).await;
    run(
        &t,
        &[
            "CREATE TABLE keys_node (id int PRIMARY KEY, parent int, \
             FOREIGN KEY (parent) REFERENCES keys_node (id) ON DELETE CASCADE)",
            "INSERT INTO keys_node VALUES (1, NULL)",
            "INSERT INTO keys_node VALUES (2, 1)",
        ],
    )
    .await;
    let db = AuditConnection::new(t.db.clone());
    refused(node::Entity::audited().delete_by_id(1).exec(&db).await, "keys_node");
    node::Entity::audited().delete_by_id(2).exec(&db).await.unwrap();
    node::Entity::audited().delete_by_id(1).exec(&db).await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 2);
}

/// The key is of one partition alone, at either end.
async fn a_key_of_a_partition_is_one_of_its_table(t: TestDb) {
    migrate(&t).await;
    run(
        &t,
        &[
            "CREATE TABLE keys_parent (id int PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE TABLE keys_low PARTITION OF keys_parent FOR VALUES FROM (0) TO (100)",
            "CREATE TABLE keys_child (id int, parent_id int, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
            "CREATE TABLE keys_first PARTITION OF keys_child FOR VALUES FROM (0) TO (100)",
            "ALTER TABLE keys_first ADD FOREIGN KEY (parent_id) REFERENCES keys_low (id) ON DELETE CASCADE",
            "INSERT INTO keys_parent VALUES (1), (2)",
            "INSERT INTO keys_child VALUES (1, 1)",
        ],
    )
    .await;
    let db = AuditConnection::new(t.db.clone());
    refused(parent::Entity::audited().delete_by_id(1).exec(&db).await, "`keys_child` (parent_id)");
    parent::Entity::audited().delete_by_id(2).exec(&db).await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM keys_child").await, 1);
}

const CHILD: &str = "CREATE TABLE keys_child (id int PRIMARY KEY, parent_id int, \
                     CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES keys_parent (id) \
                     ON DELETE CASCADE)";

/// Parents, of which one is deleted, so that the keys are known.
async fn parents(t: &TestDb) -> AuditConnection {
    migrate(t).await;
    run(
        t,
        &[
            "CREATE TABLE keys_parent (id int PRIMARY KEY)",
            "INSERT INTO keys_parent VALUES (1), (2), (9)",
        ],
    )
    .await;
    let db = AuditConnection::new(t.db.clone());
    parent::Entity::audited().delete_by_id(9).exec(&db).await.unwrap();
    db
}

async fn insert_child(db: &(impl ConnectionTrait + TransactionTrait)) {
    child::ActiveModel { id: Set(1), parent_id: Set(1) }.insert(db).await.unwrap();
}

async fn a_key_that_the_connection_creates_is_seen(t: TestDb) {
    let db = parents(&t).await;
    db.execute_unprepared(CHILD).await.unwrap();
    insert_child(&db).await;
    refused(parent::Entity::audited().delete_by_id(1).exec(&db).await, "keys_child");
    refused(parent::Entity::audited().delete_many().exec(&db.clone()).await, "keys_child");
    let txn = AuditTransaction::begin(&db).await.unwrap();
    refused(parent::Entity::audited().delete_by_id(1).exec(&txn).await, "keys_child");
    txn.rollback().await.unwrap();
    parent::Entity::audited().delete_by_id(2).exec(&db).await.unwrap();
}

/// `MariaDB` takes no change of the schema in a transaction.
async fn a_key_that_a_transaction_creates_is_seen_in_it_and_after_it(t: TestDb) {
    let db = parents(&t).await;
    let txn = db.begin().await.unwrap();
    txn.execute_unprepared(CHILD).await.unwrap();
    insert_child(&txn).await;
    refused(parent::Entity::audited().delete_by_id(1).exec(&txn).await, "keys_child");
    txn.commit().await.unwrap();
    refused(parent::Entity::audited().delete_by_id(1).exec(&db).await, "keys_child");
}

async fn a_key_that_another_process_creates_is_seen_once_asked_for(t: TestDb) {
    let db = parents(&t).await;
    sql(&t.db, CHILD).await;
    insert_child(&db).await;
    assert_eq!(db.cascades().await.unwrap().len(), 1);
    refused(parent::Entity::audited().delete_by_id(1).exec(&db).await, "keys_child");
}

async fn a_key_that_is_dropped_is_forgotten(t: TestDb) {
    let db = parents(&t).await;
    db.execute_unprepared(CHILD).await.unwrap();
    insert_child(&db).await;
    refused(parent::Entity::audited().delete_by_id(1).exec(&db).await, "keys_child");
    db.execute_unprepared("ALTER TABLE keys_child RENAME TO keys_former").await.unwrap();
    parent::Entity::audited().delete_by_id(1).exec(&db).await.unwrap();
}
