//! Entities whose table depends on who asks.

use std::time::Duration;

use audit_seaorm::{
    AuditConnection, AuditContext, AuditTrail, AuditTransaction, Change, Image, RestoreError,
};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, Schema, TransactionTrait,
    sea_query::Expr,
};

use crate::support::{assert_lines, migrate, number, sql, trail};

audit_tests::tests! {
    each_write_goes_to_the_table_of_its_task_and_says_so,
    #[only(Postgres, MariaDb)] each_write_goes_to_the_schema_of_its_task_and_says_so,
    every_read_asks_for_the_table_of_its_task,
    a_guard_knows_each_table_that_the_entity_has_named,
    #[only(Postgres, MariaDb)] a_write_that_is_dropped_half_way_stays_in_its_table,
    #[only(Postgres)] tenants_by_search_path_share_a_trail_and_see_their_own,
    #[only(Postgres)] a_baseline_by_search_path_is_of_the_table_that_is_found,
}

/// By hand, with a table that is named by the task.
mod note {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    tokio::task_local! {
        pub static TABLE: &'static str;
        pub static SCHEMA: String;
    }

    #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
    pub struct Entity;

    impl EntityName for Entity {
        fn schema_name(&self) -> Option<&str> {
            // Kept for ever: there are two.
            SCHEMA.try_with(|schema| &*schema.clone().leak()).ok()
        }

        fn table_name(&self) -> &'static str {
            TABLE.try_with(|table| *table).unwrap_or("tenant_note")
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel, Auditable)]
    pub struct Model {
        pub id: i32,
        pub text: String,
        pub pos: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
    pub enum Column {
        Id,
        Text,
        Pos,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DerivePrimaryKey)]
    pub enum PrimaryKey {
        Id,
    }

    impl PrimaryKeyTrait for PrimaryKey {
        type ValueType = i32;

        fn auto_increment() -> bool {
            false
        }
    }

    impl ColumnTrait for Column {
        type EntityName = Entity;

        fn def(&self) -> ColumnDef {
            match self {
                Self::Id | Self::Pos => ColumnType::Integer.def(),
                Self::Text => ColumnType::Text.def(),
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}

fn note(text: &str) -> note::ActiveModel {
    note::ActiveModel { id: Set(1), text: Set(text.to_owned()), pos: Set(0) }
}

async fn in_table<T>(table: &'static str, work: impl Future<Output = T>) -> T {
    note::TABLE.scope(table, work).await
}

async fn in_schema<T>(schema: &str, work: impl Future<Output = T>) -> T {
    note::SCHEMA.scope(schema.to_owned(), work).await
}

async fn create_table(t: &TestDb) {
    let backend = t.db.get_database_backend();
    let table = Schema::new(backend).create_table_from_entity(note::Entity);
    t.db.execute(&table).await.unwrap();
}

/// Writes of every kind to one record; `text` is its last value.
async fn write(db: &DatabaseConnection, text: &str) -> Result<(), DbErr> {
    let first = note("first").insert(db).await?;
    let mut changed = first.into_active_model();
    changed.text = Set(text.to_owned());
    changed.update(db).await?;
    let moved = note::Entity::audited().update_many().col_expr(note::Column::Pos, Expr::val(7));
    moved.filter(note::Column::Id.eq(1)).exec(db).await?;
    AuditTransaction::run(db, async |txn| {
        note::ActiveModel { id: Set(2), ..note(text) }.insert(txn).await?;
        note::Entity::audited().delete_by_id(2).exec(txn).await?;
        Ok(())
    })
    .await
}

fn written(table: &str, text: &str) -> Vec<String> {
    [
        format!(r#"CREATE {table} 1 by nobody: none -> {{"id":1,"pos":0,"text":"first"}}"#),
        format!(r#"UPDATE {table} 1 by nobody: {{"text":"first"}} -> {{"text":"{text}"}}"#),
        format!(r#"UPDATE {table} 1 by nobody: {{"pos":0}} -> {{"pos":7}}"#),
        format!(r#"CREATE {table} 2 by nobody: none -> {{"id":2,"pos":0,"text":"{text}"}}"#),
        format!(r#"DELETE {table} 2 by nobody: {{"id":2,"pos":0,"text":"{text}"}} -> none"#),
    ]
    .into()
}

async fn each_write_goes_to_the_table_of_its_task_and_says_so(t: TestDb) {
    migrate(&t).await;
    let mut expected = Vec::new();
    for (table, text) in [("tenant_a", "of a"), ("tenant_b", "of b")] {
        in_table(table, async {
            create_table(&t).await;
            write(&t.db, text).await.unwrap();
        })
        .await;
        expected.extend(written(table, text));
    }
    assert_eq!(trail(&t.db).await, expected);
    for (table, text) in [("tenant_a", "of a"), ("tenant_b", "of b")] {
        in_table(table, async {
            let row = note::Entity::find_by_id(1).one(&t.db).await.unwrap();
            assert_eq!(row, Some(note::Model { id: 1, text: text.to_owned(), pos: 7 }));
            assert!(AuditTrail::verify(&t.db, note::Entity).await.unwrap().is_clean());
        })
        .await;
    }
}

/// Two schemas, or databases on MariaDB, which end with the test.
async fn schemas(t: &TestDb) -> [String; 2] {
    let own = t.url().rsplit('/').next().unwrap();
    let schemas = ["a", "b"].map(|tenant| format!("{own}_{tenant}"));
    for schema in &schemas {
        sql(&t.db, &format!("CREATE SCHEMA {schema}")).await;
        in_schema(schema, create_table(t)).await;
    }
    schemas
}

async fn remove(t: &TestDb, schemas: &[String]) {
    let cascade = if t.backend == Backend::Postgres { " CASCADE" } else { "" };
    for schema in schemas {
        sql(&t.db, &format!("DROP SCHEMA {schema}{cascade}")).await;
    }
}

async fn each_write_goes_to_the_schema_of_its_task_and_says_so(t: TestDb) {
    migrate(&t).await;
    let schemas = schemas(&t).await;
    let mut expected = Vec::new();
    for (schema, text) in schemas.iter().zip(["of a", "of b"]) {
        in_schema(schema, write(&t.db, text)).await.unwrap();
        expected.extend(written(&format!("{schema}.tenant_note"), text));
    }
    let found = trail(&t.db).await;
    for (schema, text) in schemas.iter().zip(["of a", "of b"]) {
        in_schema(schema, async {
            let row = note::Entity::find_by_id(1).one(&t.db).await.unwrap();
            assert_eq!(row, Some(note::Model { id: 1, text: text.to_owned(), pos: 7 }));
            assert!(AuditTrail::verify(&t.db, note::Entity).await.unwrap().is_clean());
        })
        .await;
    }
    remove(&t, &schemas).await;
    assert_eq!(found, expected);
}

async fn every_read_asks_for_the_table_of_its_task(t: TestDb) {
    migrate(&t).await;
    for (table, text) in [("tenant_a", "of a"), ("tenant_b", "of b")] {
        in_table(table, async {
            create_table(&t).await;
            write(&t.db, text).await.unwrap();
        })
        .await;
    }
    let now = chrono::Utc::now() + chrono::TimeDelta::seconds(1);
    in_table("tenant_a", async {
        let found = AuditTrail::find_for_record(&t.db, note::Entity, 1).await.unwrap();
        assert!(found.iter().all(|entry| entry.table_name == "tenant_a"), "{found:?}");
        assert_eq!(found.len(), 3);
        let then = AuditTrail::as_of(&t.db, note::Entity, 1, now).await.unwrap();
        assert_eq!(then.unwrap().text, "of a");
        // Of the other table nothing is put back by an entity that names this one.
        let of_b = AuditTrail::query().table("tenant_b").all(&t.db).await.unwrap();
        let undo = AuditTrail::restore_transaction(of_b[0].transaction_id.unwrap());
        undo.exec(&t.db).await.unwrap_err();
        let first = note::Entity::find_by_id(1).one(&t.db).await.unwrap();
        assert_eq!(first.unwrap().text, "of a");
    })
    .await;
}

async fn a_guard_knows_each_table_that_the_entity_has_named(t: TestDb) {
    migrate(&t).await;
    let guarded = AuditConnection::new(t.db.clone());
    for table in ["tenant_c", "tenant_d"] {
        let text = format!("UPDATE {table} SET text = 'unseen'");
        in_table(table, async {
            create_table(&t).await;
            note("first").insert(&t.db).await.unwrap();
            let refused = guarded.execute_unprepared(&text).await.unwrap_err().to_string();
            assert!(refused.contains(table), "{refused}");
        })
        .await;
        // Whoever asks later asks for another table.
        guarded.execute_unprepared(&text).await.unwrap_err();
    }
    let unseen = "SELECT count(*) FROM tenant_c WHERE text = 'unseen'";
    assert_eq!(number(&t.db, unseen).await, 0);
}

/// The rest of a write that is dropped runs in a task of its own, where nothing names the table any more.
async fn a_write_that_is_dropped_half_way_stays_in_its_table(t: TestDb) {
    migrate(&t).await;
    for table in ["tenant_a", "tenant_note"] {
        in_table(table, async {
            create_table(&t).await;
            note("first").insert(&t.db).await.unwrap();
        })
        .await;
    }
    let blocker = t.db.begin().await.unwrap();
    sql(&blocker, "UPDATE tenant_a SET pos = 1").await;
    in_table("tenant_a", async {
        let changed =
            note::ActiveModel { id: Set(1), text: Set("dropped".to_owned()), pos: NotSet };
        let update = changed.update(&t.db);
        tokio::time::timeout(Duration::from_millis(300), update).await.unwrap_err();
    })
    .await;
    blocker.rollback().await.unwrap();
    // The dropped write waits for the row, and so does this one behind it.
    sql(&t.db, "UPDATE tenant_a SET pos = 0").await;
    let of_a = number(&t.db, "SELECT count(*) FROM tenant_a WHERE text = 'dropped'").await;
    let of_default = number(&t.db, "SELECT count(*) FROM tenant_note WHERE text = 'first'").await;
    assert_eq!(of_default, 1, "the table of another task is as it was");
    let updates: Vec<_> =
        trail(&t.db).await.into_iter().filter(|line| line.starts_with("UPDATE")).collect();
    let of_a = usize::try_from(of_a).unwrap();
    assert_lines(
        &updates,
        &[r#"UPDATE tenant_a 1 by nobody: {"text":"first"} -> {"text":"dropped"}"#][..of_a],
    );
}

/// A pool for a tenant, whose tables are found first.
async fn tenant(t: &TestDb, schema: &str) -> DatabaseConnection {
    t.connect_with(|options| {
        options.set_schema_search_path(format!("\"{schema}\",public"));
    })
    .await
}

async fn tenants_by_search_path_share_a_trail_and_see_their_own(t: TestDb) {
    migrate(&t).await;
    let mut tenants = Vec::new();
    for (schema, text) in [("t_a", "of a"), ("Of \"B\".x", "of b")] {
        sql(&t.db, &format!("CREATE SCHEMA \"{}\"", schema.replace('"', "\"\""))).await;
        let db = tenant(&t, &schema.replace('"', "\"\"")).await;
        let table = Schema::new(DbBackend::Postgres).create_table_from_entity(note::Entity);
        db.execute(&table).await.unwrap();
        write(&db, text).await.unwrap();
        tenants.push((db, format!("{schema}.tenant_note"), text));
    }
    let expected = tenants.iter().flat_map(|(_, table, text)| written(table, text));
    assert_eq!(trail(&t.db).await, expected.collect::<Vec<_>>());

    let later = chrono::Utc::now() + chrono::TimeDelta::days(1);
    for (db, table, text) in &tenants {
        let found = AuditTrail::find_for_record(db, note::Entity, 1).await.unwrap();
        assert!(found.len() == 3 && found.iter().all(|entry| entry.table_name == *table));
        assert_eq!(AuditTrail::query().table("tenant_note").count(db).await.unwrap(), 5);
        let then = AuditTrail::as_of(db, note::Entity, 1, later).await.unwrap().unwrap();
        assert_eq!(then.text, *text);
        assert!(AuditTrail::verify(db, note::Entity).await.unwrap().is_clean());
        let restore = AuditTrail::restore(note::Entity, 1, found[2].timestamp);
        restore.exec(db).await.unwrap();
        let row = note::Entity::find_by_id(1).one(db).await.unwrap().unwrap();
        assert_eq!((&*row.text, row.pos), ("first", 0));
        // By hand, and by SeaORM's own statements between the hooks.
        let change = Change::create("tenant_note", "by hand", Image::new());
        AuditTrail::record(db, change).await.unwrap();
        let txn = db.begin().await.unwrap();
        generic_insert(note::ActiveModel { id: Set(3), ..note(text) }, &txn).await;
        txn.commit().await.unwrap();
        assert_eq!(AuditTrail::query().table("tenant_note").count(db).await.unwrap(), 8);
    }
    // What one tenant did is not undone in the table of another.
    let of_a = AuditTrail::find_for_record(&tenants[0].0, note::Entity, 1).await.unwrap();
    let undo = || AuditTrail::restore_transaction(of_a[0].transaction_id.unwrap());
    let refused = undo().exec(&tenants[1].0).await.unwrap_err();
    assert!(
        matches!(&refused, RestoreError::NoEntity { table } if table == "t_a.tenant_note"),
        "{refused}"
    );
    undo().exec(&tenants[0].0).await.unwrap();
    let row = note::Entity::find_by_id(1).one(&tenants[0].0).await.unwrap().unwrap();
    assert_eq!((&*row.text, row.pos), ("of a", 7));
}

async fn generic_insert<A>(row: A, db: &impl ConnectionTrait)
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    row.insert(db).await.unwrap();
}

async fn a_baseline_by_search_path_is_of_the_table_that_is_found(t: TestDb) {
    migrate(&t).await;
    sql(&t.db, "CREATE SCHEMA t_a").await;
    create_table(&t).await;
    let db = tenant(&t, "t_a").await;
    let table = Schema::new(DbBackend::Postgres).create_table_from_entity(note::Entity);
    db.execute(&table).await.unwrap();
    AuditContext::without_audit(note("unseen").insert(&db)).await.unwrap();
    AuditTrail::baseline(note::Entity).exec(&db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[r#"BASELINE t_a.tenant_note 1 by nobody: none -> {"id":1,"pos":0,"text":"unseen"}"#],
    );
    for db in [&db, &t.db] {
        assert!(AuditTrail::verify(db, note::Entity).await.unwrap().is_clean());
    }
    let again = AuditTrail::baseline(note::Entity).exec(&db).await.unwrap();
    assert_eq!(again.written, 0);
}
