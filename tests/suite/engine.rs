//! Tables without transactions are refused by name, on every way.

use audit_migration::MigratorTrait as _;
use audit_seaorm::{AuditConnection, AuditContext, AuditTrail, AuditTransaction};
use audit_tests::{TestDb, connect};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseConnection, DbErr, EntityTrait,
    IntoActiveModel, ModelTrait, QueryFilter, TransactionTrait, prelude::Expr,
    sea_query::OnConflict,
};

use crate::{
    entities::post,
    support::{create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    #[only(MariaDb)] a_table_without_transactions_is_refused_on_every_way,
    #[only(MariaDb)] a_table_of_the_same_name_in_another_database_is_another_table,
    #[only(MariaDb)] the_engine_is_asked_for_once,
    #[only(MariaDb)] a_trail_without_transactions_is_refused_and_reported,
    #[only(MariaDb)] the_trail_has_transactions_whatever_the_default_is,
    #[only(MariaDb)] a_trail_that_databases_share_is_refused_for_tables_without_a_schema,
}

#[track_caller]
fn refused<T>(outcome: Result<T, DbErr>, engine: &str) {
    let error = outcome.err().expect("refused").to_string();
    for part in ["`post`", engine, "ENGINE=InnoDB"] {
        assert!(error.contains(part), "{error}");
    }
}

async fn a_table_without_transactions_is_refused_on_every_way(t: TestDb) {
    for engine in ["MyISAM", "Aria"] {
        create_in(&t, engine).await;
        let post = unseen_post(&t.db, "there").await;
        let liked = || {
            let mut row = post.clone().into_active_model();
            row.likes = Set(1);
            row
        };
        refused(new_post("a").insert(&t.db).await, engine);
        refused(liked().update(&t.db).await, engine);
        refused(ActiveModelTrait::update(liked(), &t.db).await, engine);
        refused(post.clone().delete(&t.db).await, engine);
        refused(new_post("a").insert(&AuditConnection::new(t.db.clone())).await, engine);
        let builders = post::Entity::audited();
        refused(builders.insert_many([new_post("a"), new_post("b")]).exec(&t.db).await, engine);
        let on_conflict =
            OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned();
        let upsert = post::Entity::audited().insert(new_post("there")).on_conflict(on_conflict);
        refused(upsert.exec(&t.db).await, engine);
        let update = post::Entity::audited().update_many();
        let update = update.col_expr(post::Column::Likes, Expr::val(1));
        refused(update.filter(post::Column::Id.gt(0)).exec(&t.db).await, engine);
        refused(post::Entity::audited().delete_many().exec(&t.db).await, engine);

        let txn = t.db.begin().await.unwrap();
        refused(new_post("a").insert(&txn).await, engine);
        refused(ActiveModelTrait::insert(new_post("a"), &txn).await, engine);
        refused(ModelTrait::delete(post.clone(), &txn).await, engine);
        txn.commit().await.unwrap();
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        refused(new_post("a").insert(&txn).await, engine);
        refused(ActiveModelTrait::insert(new_post("a"), &txn).await, engine);
        refused(liked().update(&txn).await, engine);
        txn.commit().await.unwrap();
        refused(AuditTrail::verify(&t.db, post::Entity).await, engine);

        assert_eq!(post::Entity::find().all(&t.db).await.unwrap(), [post]);
        assert!(entries(&t.db).await.is_empty());
        sql(&t.db, "DROP TABLE post").await;
    }
}

async fn create_in(t: &TestDb, engine: &str) {
    create!(t, post::Entity);
    sql(&t.db, &format!("ALTER TABLE post ENGINE={engine}")).await;
}

async fn a_table_of_the_same_name_in_another_database_is_another_table(t: TestDb) {
    create!(t, post::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    let (server, name) = t.url().rsplit_once('/').unwrap();
    let other_name = format!("{name}_other");
    sql(&t.db, &format!("CREATE DATABASE {other_name}")).await;
    let other = connect(t.backend, &format!("{server}/{other_name}"), |_| {}).await.unwrap();
    audit_migration::Migrator::up(&other, None).await.unwrap();
    other.get_schema_builder().register(post::Entity).apply(&other).await.unwrap();
    sql(&other, "ALTER TABLE post ENGINE=MyISAM").await;
    refused(new_post("a").insert(&other).await, "MyISAM");
    refused(
        AuditTransaction::run(&other, async |txn| new_post("a").insert(txn).await).await,
        "MyISAM",
    );
    new_post("b").insert(&t.db).await.unwrap();
    assert_eq!(number(&other, "SELECT COUNT(*) FROM post").await, 0);
    other.close().await.unwrap();
    sql(&t.db, &format!("DROP DATABASE {other_name}")).await;
}

/// How many statements read something on this connection, this one among them.
async fn reads(db: &DatabaseConnection) -> i64 {
    let reads = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.SESSION_STATUS \
                 WHERE VARIABLE_NAME = 'COM_SELECT'";
    number(db, reads).await
}

async fn the_engine_is_asked_for_once(t: TestDb) {
    create!(t, post::Entity);
    let db = t
        .connect_with(|options| {
            options.max_connections(1).test_before_acquire(false);
        })
        .await;
    let insert = async |title: &str| {
        let before = reads(&db).await;
        new_post(title).insert(&db).await.unwrap();
        let txn = AuditTransaction::begin(&db).await.unwrap();
        new_post(&format!("{title}, too")).insert(&txn).await.unwrap();
        txn.commit().await.unwrap();
        reads(&db).await - before - 1
    };
    // Of this table, and of the trail, which may also be a view.
    assert_eq!(insert("first").await, insert("second").await + 3);
    assert_eq!(insert("third").await, insert("fourth").await);
}

async fn a_trail_without_transactions_is_refused_and_reported(t: TestDb) {
    create!(t, post::Entity);
    assert!(AuditTrail::health(&t.db).await.is_working());
    // Without its indexes, which are too long for Aria.
    sql(&t.db, "CREATE TABLE aria ENGINE=Aria AS SELECT * FROM audit_trail").await;
    sql(&t.db, "RENAME TABLE audit_trail TO innodb, aria TO audit_trail").await;
    // Another pool, which has not asked yet.
    let db = t.connect_with(|_| {}).await;
    let error = new_post("a").insert(&db).await.unwrap_err().to_string();
    assert!(error.contains("`audit_trail` is stored by Aria"), "{error}");
    let health = AuditTrail::health(&db).await;
    assert!(health.to_string().contains("`audit_trail` is stored by Aria"), "{health}");
    assert!(AuditTrail::verify(&db, post::Entity).await.is_err());
    assert!(entries(&db).await.is_empty());
    assert_eq!(number(&db, "SELECT COUNT(*) FROM post").await, 0);
    AuditContext::without_audit(new_post("b").insert(&db)).await.unwrap();
}

async fn the_trail_has_transactions_whatever_the_default_is(t: TestDb) {
    let db = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    sql(&db, "SET SESSION default_storage_engine = Aria").await;
    audit_migration::Migrator::up(&db, None).await.unwrap();
    assert!(AuditTrail::health(&db).await.is_working());
}

async fn a_trail_that_databases_share_is_refused_for_tables_without_a_schema(t: TestDb) {
    create!(t, post::Entity);
    new_post("of the first").insert(&t.db).await.unwrap();
    let (server, first) = t.url().rsplit_once('/').unwrap();
    let second = format!("{first}_second");
    for text in [
        format!("CREATE DATABASE {second}"),
        format!("CREATE TABLE {second}.post LIKE {first}.post"),
        format!("CREATE VIEW {second}.audit_trail AS SELECT * FROM {first}.audit_trail"),
    ] {
        sql(&t.db, &text).await;
    }
    let db = connect(t.backend, &format!("{server}/{second}"), |_| {}).await.unwrap();
    let refusal = "audit_trail is a view in this database";
    let error = new_post("a").insert(&db).await.unwrap_err().to_string();
    assert!(error.contains(refusal), "{error}");
    let in_transaction = async |txn: &AuditTransaction| new_post("a").insert(txn).await;
    let error = AuditTransaction::run(&db, in_transaction).await.unwrap_err().to_string();
    assert!(error.contains(refusal), "{error}");
    let restore = AuditTrail::restore(post::Entity, 1, entries(&t.db).await[0].timestamp);
    AuditContext::without_audit(new_post("b").insert(&db)).await.unwrap();
    restore.exec(&db).await.unwrap_err();
    let row = post::Entity::find_by_id(1).one(&db).await.unwrap().unwrap();
    assert_eq!(row.title, "b", "no record of the other database is put in its place");
    assert!(AuditTrail::verify(&db, post::Entity).await.is_err());
    sql(&t.db, &format!("DROP DATABASE {second}")).await;
    assert_eq!(entries(&t.db).await.len(), 1);
}
