//! The table: made, taken back, fit for the entity, and quick to read.

use audit_seaorm::{AuditTrail, entity};
use audit_tests::{Backend, TestDb};
use sea_orm::{ConnectionTrait, Iden, Iterable, Statement, TransactionTrait};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::{
    entities::post,
    support::{create, entries, migrate, new_post, number, sql},
};

audit_tests::tests! {
    up_then_down_leaves_nothing,
    up_twice_is_up_once,
    it_runs_inside_the_applications_own_migrator,
    it_runs_in_a_transaction_of_the_callers,
    the_table_has_the_columns_of_the_entity,
    every_way_of_reading_has_its_index,
    each_table_has_a_primary_key,
}

/// All that there are, on a database that can have them.
struct All;

impl MigratorTrait for All {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = audit_migration::migrations();
        migrations.extend([audit_migration::append_only()]);
        migrations
    }
}

/// Without one `SeaORM`'s own generator of entities fails on the whole database.
async fn each_table_has_a_primary_key(t: TestDb) {
    All::up(&t.db, None).await.unwrap();
    if t.backend == Backend::Postgres {
        crate::support::partition(&t.db).await;
    }
    let names = match t.backend {
        Backend::Sqlite => {
            "SELECT name, (SELECT COUNT(*) FROM pragma_table_info(m.name) WHERE pk > 0) \
             FROM sqlite_master m WHERE type = 'table' AND name LIKE 'audit_trail%'"
        }
        Backend::Postgres => {
            "SELECT relname::text, (SELECT COUNT(*) FROM pg_index WHERE indrelid = c.oid AND indisprimary) \
             FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace \
             AND relname LIKE 'audit_trail%'"
        }
        Backend::MariaDb => {
            "SELECT CAST(table_name AS CHAR), (SELECT COUNT(*) FROM information_schema.table_constraints k \
             WHERE k.table_schema = t.table_schema AND k.table_name = t.table_name \
             AND k.constraint_type = 'PRIMARY KEY') \
             FROM information_schema.tables t WHERE table_schema = DATABASE() AND table_name LIKE 'audit_trail%' AND table_type = 'BASE TABLE'"
        }
    };
    let statement = Statement::from_string(t.db.get_database_backend(), names);
    let rows = t.db.query_all_raw(statement).await.unwrap();
    let keys: Vec<(String, i64)> = rows
        .iter()
        .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
        .collect();
    for table in ["audit_trail", "audit_trail_upkeep", "audit_trail_schedule"] {
        assert!(keys.iter().any(|(name, _)| name == table), "{keys:?}");
    }
    assert!(keys.iter().all(|(_, columns)| *columns > 0), "{keys:?}");
    sql(&t.db, "INSERT INTO audit_trail_upkeep (opened_at) VALUES (CURRENT_TIMESTAMP)").await;
    sql(&t.db, "INSERT INTO audit_trail_upkeep (opened_at) VALUES (CURRENT_TIMESTAMP)").await;
}

async fn tables(t: &TestDb) -> i64 {
    number(
        &t.db,
        match t.backend {
            Backend::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
            Backend::Postgres => {
                "SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            }
            Backend::MariaDb => {
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
        },
    )
    .await
}

async fn up_then_down_leaves_nothing(t: TestDb) {
    let before = tables(&t).await;
    audit_migration::Migrator::up(&t.db, None).await.unwrap();
    assert!(tables(&t).await > before);
    audit_migration::Migrator::down(&t.db, None).await.unwrap();
    assert_eq!(tables(&t).await, before);
    audit_migration::Migrator::up(&t.db, None).await.unwrap();
    create!(t, post::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1);
}

async fn up_twice_is_up_once(t: TestDb) {
    audit_migration::Migrator::up(&t.db, None).await.unwrap();
    let made = tables(&t).await;
    audit_migration::Migrator::up(&t.db, None).await.unwrap();
    assert_eq!(tables(&t).await, made);
}

struct Application;

impl MigratorTrait for Application {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        audit_migration::migrations()
    }
}

async fn it_runs_inside_the_applications_own_migrator(t: TestDb) {
    Application::up(&t.db, None).await.unwrap();
    sql(&t.db, "SELECT * FROM seaql_migrations").await;
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    new_post("a").insert(&t.db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1);
    Application::down(&t.db, None).await.unwrap();
    assert!(t.db.execute_unprepared("SELECT * FROM audit_trail").await.is_err());
}

async fn it_runs_in_a_transaction_of_the_callers(t: TestDb) {
    let txn = t.db.begin().await.unwrap();
    audit_migration::Migrator::up(&txn, None).await.unwrap();
    txn.commit().await.unwrap();
    let txn = t.db.begin().await.unwrap();
    audit_migration::Migrator::down(&txn, None).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(tables(&t).await, 0);
}

async fn the_table_has_the_columns_of_the_entity(t: TestDb) {
    migrate(&t).await;
    let columns = match t.backend {
        Backend::Sqlite => "SELECT name FROM pragma_table_info('audit_trail')",
        Backend::Postgres => {
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_name = 'audit_trail' ORDER BY ordinal_position"
        }
        Backend::MariaDb => {
            "SELECT column_name FROM information_schema.columns \
             WHERE table_name = 'audit_trail' AND table_schema = DATABASE() ORDER BY ordinal_position"
        }
    };
    let statement = Statement::from_string(t.db.get_database_backend(), columns);
    let rows = t.db.query_all_raw(statement).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let expected: Vec<_> =
        entity::Column::iter().map(|column| column.unquoted().to_owned()).collect();
    assert_eq!(found, expected);
}

/// Each index is there for one query, which uses it and sorts nothing.
async fn every_way_of_reading_has_its_index(t: TestDb) {
    create!(t, post::Entity);
    fill(&t).await;
    for (index, filter) in [
        ("idx_audit_trail_record", "table_name = 'post' AND record_id = '7'"),
        ("idx_audit_trail_user", "user_id = '7'"),
        ("idx_audit_trail_time", "timestamp > '2026-01-01' AND timestamp < '2026-01-02'"),
        ("idx_audit_trail_operation", "operation = 'DELETE'"),
    ] {
        let query = format!(
            "SELECT * FROM audit_trail WHERE {filter} ORDER BY timestamp DESC, id DESC LIMIT 50"
        );
        let plan = explain(&t, &query).await;
        assert!(plan.contains(index), "{query}\n{plan}");
        for sort in ["Sort", "filesort", "TEMP B-TREE"] {
            assert!(!plan.contains(sort), "{query}\n{plan}");
        }
    }
    // What `find_for_record` really sends.
    let found = AuditTrail::find_for_record(&t.db, post::Entity, 7).await.unwrap();
    assert_eq!(found.len(), 10);
}

/// Ten thousand entries: a thousand records, eight users, one deletion in a hundred.
pub(crate) async fn fill(t: &TestDb) {
    let (numbers, id, hex) = match t.backend {
        Backend::Sqlite => (
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)",
            "randomblob(16)",
            "strftime('%Y-%m-%dT%H:%M:%f000+00:00', '2026-01-01', (i * 60) || ' seconds')",
        ),
        Backend::Postgres => (
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)",
            "gen_random_uuid()",
            "timestamptz '2026-01-01Z' + i * interval '1 minute'",
        ),
        Backend::MariaDb => (
            "",
            "UNHEX(REPLACE(UUID(), '-', ''))",
            "TIMESTAMP '2026-01-01 00:00:00' + INTERVAL i MINUTE",
        ),
    };
    let from = match t.backend {
        Backend::MariaDb => "(SELECT seq AS i FROM seq_0_to_9999) n",
        _ => "n",
    };
    let insert = format!(
        "INSERT INTO audit_trail (id, table_name, record_id, operation, user_id, timestamp) \
         {numbers} SELECT {id}, 'post', {record}, \
         CASE WHEN i % 100 = 0 THEN 'DELETE' ELSE 'UPDATE' END, {user}, {hex} FROM {from}",
        record = text(t.backend, "i % 1000"),
        user = text(t.backend, "i % 8"),
    );
    sql(&t.db, &insert).await;
    let analyze = if t.backend == Backend::MariaDb {
        "ANALYZE TABLE audit_trail"
    } else {
        "ANALYZE audit_trail"
    };
    sql(&t.db, analyze).await;
}

fn text(backend: Backend, number: &str) -> String {
    let kind = if backend == Backend::MariaDb { "CHAR" } else { "TEXT" };
    format!("CAST({number} AS {kind})")
}

pub(crate) async fn explain(t: &TestDb, query: &str) -> String {
    let (explain, columns) = match t.backend {
        Backend::Sqlite => ("EXPLAIN QUERY PLAN", vec!["detail"]),
        Backend::Postgres => ("EXPLAIN", vec!["QUERY PLAN"]),
        Backend::MariaDb => ("EXPLAIN", vec!["key", "Extra"]),
    };
    let statement =
        Statement::from_string(t.db.get_database_backend(), format!("{explain} {query}"));
    let rows = t.db.query_all_raw(statement).await.unwrap();
    let cells = rows.iter().flat_map(|row| {
        columns
            .iter()
            .map(|column| row.try_get::<Option<String>>("", column).unwrap().unwrap_or_default())
    });
    cells.collect::<Vec<_>>().join("\n")
}
