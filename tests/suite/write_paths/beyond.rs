//! Statements of one's own, the database's doings, and what is none of either.

use audit_migration::MigratorTrait;
use audit_seaorm::{AuditConfig, AuditConnection, AuditContext, AuditTrail, Change, Image};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel,
    QueryFilter, QueryTrait, Statement, StreamTrait, TransactionTrait,
    sea_query::{CommonTableExpression, Expr, ExprTrait, OnConflict, Query},
    sqlx,
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};
use serde_json::json;

use super::{
    builders::{DELETED, INSERTED, UPDATED},
    entities::{Cascading, Counters, counter},
    ground::{Posts, Says, World, entries_are, found_are, on_each},
    table::{Fate, Row},
};
use crate::{
    cascade,
    entities::post,
    rbac,
    support::{Wrapped, entries, new_post, sql},
};

audit_tests::tests! {
    statements_of_sea_query,
    #[only(Sqlite, Postgres)] with_queries,
    raw_sql,
    #[only(Sqlite, MariaDb)] raw_replace,
    #[only(Postgres, MariaDb)] truncate,
    writes_in_reads,
    #[only(Postgres, MariaDb)] procedures,
    the_trail_itself,
    restricted_connections,
    restricted_upserts,
    other_connections,
    statements_on_other_connections,
    schema_changes,
    cascades,
    cascade_delete_ahead_of_cascades,
    update_cascades,
    #[only(Postgres)] partitions,
    triggers,
    #[only(Postgres, MariaDb)] before_triggers,
    #[only(Sqlite, Postgres)] after_triggers,
    defaults,
    #[only(Postgres, MariaDb)] functions_in_a_select,
    #[only(Postgres, MariaDb)] views,
    sqlx_pools,
    other_programs,
    migrations_that_write_records,
    recorded_by_hand,
    without_audit,
}

const INSERT_C: &str = "INSERT INTO post (title, likes, views) VALUES ('c', 0, 0)";
const UPDATE_A: &str = "UPDATE post SET likes = 5 WHERE title = 'a'";
const DELETE_A: &str = "DELETE FROM post WHERE title = 'a'";

fn is_a() -> Expr {
    Expr::col(post::Column::Title).eq("a")
}

async fn statements_of_sea_query(t: TestDb) {
    Posts::create(&t).await;
    let insert = Query::insert()
        .into_table(post::Entity)
        .columns([post::Column::Title, post::Column::Likes, post::Column::Views])
        .values_panic(["c".into(), 0.into(), 0.into()])
        .take();
    let select = Query::select().expr(Expr::val("c")).exprs([Expr::val(0), Expr::val(0)]).take();
    let insert_select = Query::insert()
        .into_table(post::Entity)
        .columns([post::Column::Title, post::Column::Likes, post::Column::Views])
        .select_from(select)
        .unwrap()
        .take();
    on_each!(
        t,
        "statements_of_sea_query",
        Posts,
        INSERTED,
        |db, _a| db.execute(&insert).await,
        |db, _a| db.execute(&insert_select).await
    );
    let update =
        Query::update().table(post::Entity).value(post::Column::Likes, 5).cond_where(is_a()).take();
    on_each!(t, "statements_of_sea_query", Posts, UPDATED, |db, _a| db.execute(&update).await);
    let delete = Query::delete().from_table(post::Entity).cond_where(is_a()).take();
    on_each!(
        t,
        "statements_of_sea_query",
        Posts,
        DELETED,
        |db, _a| db.execute(&delete).await,
        |db, _a| db.query_all(&delete).await
    );
}

async fn with_queries(t: TestDb) {
    Posts::create(&t).await;
    let titles = CommonTableExpression::new()
        .query(post::Entity::find().filter(post::Column::Title.eq("a")).into_query())
        .table_name("gone")
        .to_owned();
    let delete = Query::delete()
        .from_table(post::Entity)
        .cond_where(Expr::cust("id IN (SELECT id FROM gone)"))
        .take()
        .with(titles.into());
    on_each!(t, "with_queries", Posts, DELETED, |db, _a| db.execute(&delete).await);
    if t.backend == Backend::Postgres {
        let cte =
            "WITH gone AS (DELETE FROM post WHERE title = 'a' RETURNING id) SELECT id FROM gone";
        let cte = Statement::from_string(t.db.get_database_backend(), cte);
        on_each!(t, "with_queries", Posts, DELETED, |db, _a| db.query_all_raw(cte.clone()).await);
    }
}

async fn raw_sql(t: TestDb) {
    Posts::create(&t).await;
    let statement = |sql: &str| Statement::from_string(t.db.get_database_backend(), sql);
    on_each!(t, "raw_sql", Posts, INSERTED, |db, _a| db.execute_unprepared(INSERT_C).await);
    on_each!(
        t,
        "raw_sql",
        Posts,
        UPDATED,
        |db, _a| db.execute_raw(statement(UPDATE_A)).await,
        |db, _a| db.query_one_raw(statement(UPDATE_A)).await,
        |db, _a| db.execute_unprepared(&format!("SELECT 1; {UPDATE_A}")).await
    );
    on_each!(
        t,
        "raw_sql",
        Posts,
        DELETED,
        |db, _a| db.query_all_raw(statement(DELETE_A)).await,
        |db, _a| db
            .execute_unprepared("/* SELECT */ delete -- FROM extra\n from post where title = 'a'")
            .await
    );
}

async fn raw_replace(t: TestDb) {
    Posts::create(&t).await;
    let says = Says {
        refusal: &[
            "REPLACE of `post` refused",
            "`Entity::audited().insert_many(..).on_conflict(..)`",
        ],
        ..UPDATED
    };
    on_each!(t, "raw_replace", Posts, says, |db, a| db
        .execute_unprepared(&format!(
            "REPLACE INTO post (id, title, likes, views) VALUES ({}, 'a', 5, 0)",
            a.id
        ))
        .await);
}

async fn truncate(t: TestDb) {
    Posts::create(&t).await;
    let says = Says {
        refusal: &["TRUNCATE of `post` refused", "`Entity::audited().delete_many()` first"],
        ..found_are(&["RowMissing post", "RowMissing post"])
    };
    on_each!(t, "truncate", Posts, says, |db, _a| db
        .execute_unprepared("TRUNCATE TABLE post")
        .await);
}

async fn writes_in_reads(t: TestDb) {
    Posts::create(&t).await;
    let statement = |sql: String| Statement::from_string(t.db.get_database_backend(), sql);
    let delete = || statement(format!("{DELETE_A} RETURNING *"));
    on_each!(
        t,
        "writes_in_reads",
        Posts,
        DELETED,
        |db, _a| post::Model::find_by_statement(delete()).all(db).await,
        |db, _a| post::Entity::find().from_raw_sql(delete()).one(db).await
    );
    if t.backend != Backend::MariaDb {
        let update = || statement(format!("{UPDATE_A} RETURNING *"));
        on_each!(t, "writes_in_reads", Posts, UPDATED, |db, _a| post::Entity::find()
            .from_raw_sql(update())
            .all(db)
            .await);
    }
    let guarded = AuditConnection::new(t.db.clone());
    let stream = guarded.stream_raw(delete()).await.map(drop).unwrap_err().to_string();
    assert!(stream.contains("DELETE of `post` refused"), "{stream}");
}

async fn procedures(t: TestDb) {
    Posts::create(&t).await;
    let call = if t.backend == Backend::Postgres {
        format!("DO $$ BEGIN {UPDATE_A}; END $$")
    } else {
        sql(&t.db, &format!("CREATE PROCEDURE touch() {UPDATE_A}")).await;
        "CALL touch()".to_owned()
    };
    let says = Says { refusal: &["refused", "Write its statements out"], ..UPDATED };
    on_each!(t, "procedures", Posts, says, |db, _a| db.execute_unprepared(&call).await);
}

async fn functions_in_a_select(t: TestDb) {
    Posts::create(&t).await;
    let function = if t.backend == Backend::Postgres {
        format!("CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS $$ {UPDATE_A}; SELECT 1 $$")
    } else {
        format!("CREATE FUNCTION touch() RETURNS int BEGIN {UPDATE_A}; RETURN 1; END")
    };
    sql(&t.db, &function).await;
    on_each!(t, "functions_in_a_select", Posts, UPDATED, |db, _a| db
        .execute_unprepared("SELECT touch()")
        .await);
}

async fn views(t: TestDb) {
    Posts::create(&t).await;
    sql(&t.db, "CREATE VIEW everything AS SELECT * FROM post").await;
    on_each!(t, "views", Posts, UPDATED, |db, _a| db
        .execute_unprepared("UPDATE everything SET likes = 5 WHERE title = 'a'")
        .await);
}

/// Makes `body` the trigger of a table, with its `event`: `AFTER INSERT ON visit`.
async fn trigger(t: &TestDb, event: &str, when: &str, body: &str) {
    match t.backend {
        Backend::Sqlite | Backend::MariaDb => {
            sql(&t.db, &format!("CREATE TRIGGER tr {event} FOR EACH ROW BEGIN {body}; END")).await;
        }
        Backend::Postgres => {
            sql(
                &t.db,
                &format!(
                    "CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS $$ \
                     BEGIN {body}; RETURN NEW; END $$"
                ),
            )
            .await;
            let trigger =
                format!("CREATE TRIGGER tr {event} FOR EACH ROW {when} EXECUTE FUNCTION tr()");
            sql(&t.db, &trigger).await;
        }
    }
}

async fn triggers(t: TestDb) {
    Posts::create(&t).await;
    sql(&t.db, "CREATE TABLE visit (day int)").await;
    trigger(&t, "AFTER INSERT ON visit", "", UPDATE_A).await;
    on_each!(t, "triggers", Posts, UPDATED, |db, _a| db
        .execute_unprepared("INSERT INTO visit VALUES (1)")
        .await);
}

fn liked(a: post::Model) -> post::ActiveModel {
    post::ActiveModel { likes: Set(1), ..a.into_active_model() }
}

async fn before_triggers(t: TestDb) {
    Posts::create(&t).await;
    let body =
        if t.backend == Backend::Postgres { "NEW.likes := 100" } else { "SET NEW.likes = 100" };
    trigger(&t, "BEFORE UPDATE ON post", "", body).await;
    on_each!(t, "before_triggers", Posts, entries_are(&["UPDATE post"]), |db, a| liked(a)
        .update(db)
        .await);
    let entry = entries(&t.db).await.pop().unwrap();
    assert_eq!(entry.new_values.unwrap()["likes"], 100);
}

async fn after_triggers(t: TestDb) {
    Posts::create(&t).await;
    let body = "UPDATE post SET likes = 100 WHERE id = NEW.id";
    trigger(&t, "AFTER UPDATE ON post", "WHEN (pg_trigger_depth() = 0)", body).await;
    let says = Says { entries: &["UPDATE post"], ..UPDATED };
    on_each!(t, "after_triggers", Posts, says, |db, a| liked(a).update(db).await);
}

async fn defaults(t: TestDb) {
    Counters::create(&t).await;
    let row = || counter::ActiveModel { name: Set("a".to_owned()), ..Default::default() };
    on_each!(
        t,
        "defaults",
        Counters,
        entries_are(&["CREATE counter"]),
        |db, _seed| row().insert(db).await,
        |db, _seed| counter::Entity::audited().insert(row()).exec(db).await
    );
    let entry = entries(&t.db).await.pop().unwrap();
    assert_eq!(entry.new_values.unwrap()["count"], 7);
}

/// What the database does to the children has no entry; what SeaORM does to them has.
async fn cascades(t: TestDb) {
    Cascading::create(&t).await;
    let says = Says {
        entries: &["DELETE team"],
        refusal: &["DELETE of `team` refused", "`cascade_delete`", "RESTRICT"],
        findings: &["RowMissing player", "RowDiffers fan"],
    };
    on_each!(t, "cascades", Cascading, says, |db, team| team.delete(db).await);
    let cascades = AuditConnection::new(t.db.clone()).cascades().await.unwrap();
    let mut children: Vec<_> = cascades.iter().map(|it| it.child.as_str()).collect();
    children.sort_unstable();
    assert_eq!(children, ["fan", "player"]);
}

async fn cascade_delete_ahead_of_cascades(t: TestDb) {
    Cascading::create(&t).await;
    let says = entries_are(&["DELETE player", "UPDATE fan", "DELETE team"]);
    on_each!(t, "cascade_delete_ahead_of_cascades", Cascading, says, |db, team| team
        .cascade_delete(db)
        .await);
}

async fn update_cascades(t: TestDb) {
    Row::named("update_cascades").assert_everywhere(Fate::OutOfSight, t.backend);
    cascade::an_update_cascades_out_of_sight(&t).await;
}

async fn partitions(t: TestDb) {
    Row::named("partitions").assert_everywhere(Fate::OutOfSight, t.backend);
    Posts::create(&t).await;
    Posts::seed(&t).await;
    sql(&t.db, "CREATE TABLE post_2024 () INHERITS (post)").await;
    let insert = "INSERT INTO post_2024 (id, title, likes, views) VALUES (9, 'c', 0, 0)";
    sql(&AuditConnection::new(t.db.clone()), insert).await;
    assert_eq!(entries(&t.db).await.len(), 2);
    assert_eq!(Posts::findings(&t.db).await, INSERTED.findings);
}

async fn sqlx_pools(t: TestDb) {
    Row::named("sqlx_pools").assert_everywhere(Fate::OutOfSight, t.backend);
    Posts::create(&t).await;
    Posts::seed(&t).await;
    let guarded = AuditConnection::new(t.db.clone());
    match t.backend {
        Backend::Sqlite => {
            let pool = guarded.inner().get_sqlite_connection_pool();
            sqlx::query(UPDATE_A).execute(pool).await.map(drop)
        }
        Backend::Postgres => {
            let pool = guarded.inner().get_postgres_connection_pool();
            sqlx::query(UPDATE_A).execute(pool).await.map(drop)
        }
        Backend::MariaDb => {
            let pool = guarded.inner().get_mysql_connection_pool();
            sqlx::query(UPDATE_A).execute(pool).await.map(drop)
        }
    }
    .unwrap();
    assert_eq!(entries(&t.db).await.len(), 2);
    assert_eq!(Posts::findings(&t.db).await, UPDATED.findings);
}

async fn other_programs(t: TestDb) {
    Row::named("other_programs").assert_everywhere(Fate::OutOfSight, t.backend);
    Posts::create(&t).await;
    Posts::seed(&t).await;
    let other = t.connect_with(|_| {}).await;
    sql(&other, UPDATE_A).await;
    assert_eq!(entries(&t.db).await.len(), 2);
    assert_eq!(Posts::findings(&t.db).await, UPDATED.findings);
}

async fn restricted_connections(t: TestDb) {
    Row::named("restricted_connections").assert_everywhere(Fate::Recorded, t.backend);
    Posts::create(&t).await;
    let a = Posts::seed(&t).await;
    let [db, ..] = rbac::users(&t.db).await;
    new_post("c").insert(&db).await.unwrap();
    liked(a.clone()).update(&db).await.unwrap();
    let txn = db.begin().await.unwrap();
    a.delete(&txn).await.unwrap();
    txn.commit().await.unwrap();
    post::Entity::audited().delete_many().exec(&db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 2 + 5);
    assert!(Posts::findings(&t.db).await.is_empty());
}

async fn restricted_upserts(t: TestDb) {
    Row::named("restricted_upserts").assert_everywhere(Fate::Refused, t.backend);
    Posts::create(&t).await;
    Posts::seed(&t).await;
    let [db, ..] = rbac::users(&t.db).await;
    let on_title =
        OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned();
    let upsert = post::Entity::audited().insert(new_post("a")).on_conflict(on_title);
    let mut outcomes = vec![upsert.exec(&db).await.map(drop)];
    if t.backend == Backend::MariaDb {
        outcomes.push(post::Entity::audited().insert(new_post("c")).exec(&db).await.map(drop));
    }
    for outcome in outcomes {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("of `post` needs SeaORM's own DatabaseConnection"), "{error}");
    }
    assert_eq!(entries(&t.db).await.len(), 2);
    assert!(Posts::findings(&t.db).await.is_empty());
}

/// `Wrapped` is of the test's own making.
async fn other_connections(t: TestDb) {
    Row::named("other_connections").assert_everywhere(Fate::Refused, t.backend);
    Posts::create(&t).await;
    let a = Posts::seed(&t).await;
    let txn = t.db.begin().await.unwrap();
    let db = Wrapped::new(&txn);
    for outcome in [
        new_post("c").insert(&db).await.map(drop),
        liked(a.clone()).update(&db).await.map(drop),
        a.delete(&db).await.map(drop),
        post::Entity::audited().delete_many().exec(&db).await.map(drop),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("of `post` refused") && error.contains("Wrapped"), "{error}");
        assert!(error.contains("Pass SeaORM's own"), "{error}");
    }
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 2);
    assert!(Posts::findings(&t.db).await.is_empty());
}

async fn statements_on_other_connections(t: TestDb) {
    Row::named("statements_on_other_connections").assert_everywhere(Fate::OutOfSight, t.backend);
    Posts::create(&t).await;
    let a = Posts::seed(&t).await;
    let txn = t.db.begin().await.unwrap();
    post::Entity::delete_by_id(a.id).exec(&Wrapped::new(&txn)).await.unwrap();
    txn.rollback().await.unwrap();
    let [db, ..] = rbac::users(&t.db).await;
    post::Entity::delete_by_id(a.id).exec(&db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 2);
    assert_eq!(Posts::findings(&t.db).await, DELETED.findings);
}

/// The application's own migrations, of which one writes records.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = audit_migration::migrations();
        migrations.push(Box::new(Seeds));
        migrations
    }
}

struct Seeds;

impl MigrationName for Seeds {
    fn name(&self) -> &'static str {
        "m20990101_000001_seeds"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Seeds {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        new_post("c").insert(db).await?;
        post::Entity::audited().insert_many(["d", "e"].map(new_post)).exec(db).await.map(drop)
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

async fn migrations_that_write_records(t: TestDb) {
    Row::named("migrations_that_write_records").assert_everywhere(Fate::Recorded, t.backend);
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    Migrator::up(AuditConnection::new(t.db.clone()).inner(), None).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 3);
    assert!(Posts::findings(&t.db).await.is_empty());
}

async fn schema_changes(t: TestDb) {
    Posts::create(&t).await;
    let says = Says { refusal: &["CREATE refused", "MariaDB commits before"], ..Says::default() };
    on_each!(t, "schema_changes", Posts, says, |db, _a| {
        db.execute_unprepared("CREATE TABLE IF NOT EXISTS extra (id int)").await?;
        db.execute_unprepared("CREATE INDEX IF NOT EXISTS by_likes ON post (likes)").await
    });
}

async fn recorded_by_hand(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "recorded_by_hand", Posts, entries_are(&["UPDATE post"]), |db, a| {
        AuditContext::without_audit(db.execute_unprepared(UPDATE_A)).await?;
        let likes = |likes: i32| Image::from_iter([("likes".to_owned(), json!(likes))]);
        AuditTrail::record(db, Change::update("post", a.id.to_string(), likes(0), likes(5))).await
    });
}

async fn without_audit(t: TestDb) {
    Posts::create(&t).await;
    let excluded = AuditConfig::new().exclude_table("post");
    on_each!(
        t,
        "without_audit",
        Posts,
        UPDATED,
        |db, a| AuditContext::without_audit(liked(a).update(db)).await,
        |db, _a| AuditContext::without_audit(db.execute_unprepared(UPDATE_A)).await,
        |db, a| excluded.clone().scope(liked(a).update(db)).await
    );
}

async fn the_trail_itself(t: TestDb) {
    Posts::create(&t).await;
    let says = Says {
        refusal: &["UPDATE of audit_trail refused", "AuditTrail::record(..)"],
        findings: &["EntryUnreadable post"],
        entries: &[],
    };
    on_each!(t, "the_trail_itself", Posts, says, |db, a| db
        .execute_unprepared(&format!(
            "UPDATE audit_trail SET new_values = NULL WHERE record_id = '{}'",
            a.id
        ))
        .await);
}
