use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, TransactionTrait},
};

/// Makes the table `audit_trail` append-only in the database itself: UPDATE, DELETE and TRUNCATE are refused by triggers,
/// whoever asks. It is not one of [`migrations`](crate::migrations): see [`append_only`](crate::append_only).
///
/// # The way in
///
/// Upkeep has to delete what is too old. A transaction that has a row of its own in the table `audit_trail_upkeep`
/// passes, and takes that row away again before it commits; nobody else sees the row. (On `MariaDB` a statement of somebody
/// else waits for that, and is refused then.) So whoever may write to that table
/// may change the trail: grant it to the role that does upkeep, and to no other.
///
/// # What it does not keep from
///
/// Whoever owns the table can drop it, or the triggers. Let a role own it that the application does not log in as.
/// `TRUNCATE` has no trigger on `MariaDB`: a foreign key of `audit_trail_upkeep` refuses it there, unless
/// `foreign_key_checks` are off; it needs the right to `DROP`, which an application needs not.
#[derive(Clone, Copy, Debug)]
pub struct AppendOnly;

impl MigrationName for AppendOnly {
    fn name(&self) -> &'static str {
        "m20261125_000001_append_only"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AppendOnly {
    /// In one transaction, or, on MySQL, where every DDL statement commits by itself, such that it can be run again.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Sqlite => in_transaction(manager, SQLITE).await,
            DbBackend::MySql => run(manager.get_connection(), MYSQL).await,
            _ => run(manager.get_connection(), POSTGRES).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Sqlite => in_transaction(manager, SQLITE_DOWN).await,
            DbBackend::MySql => run(manager.get_connection(), MYSQL_DOWN).await,
            _ => run(manager.get_connection(), POSTGRES_DOWN).await,
        }
    }
}

async fn in_transaction(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let txn = manager.get_connection().begin().await?;
    run(&txn, statements).await?;
    txn.commit().await
}

async fn run(db: &impl ConnectionTrait, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// The third trigger is for `INSERT OR REPLACE`, whose deletions set off no trigger of their own.
const SQLITE: &[&str] = &[
    "CREATE TABLE audit_trail_upkeep (opened_at TEXT NOT NULL)",
    "CREATE TRIGGER audit_trail_no_update BEFORE UPDATE ON audit_trail \
     WHEN NOT EXISTS (SELECT 1 FROM audit_trail_upkeep) \
     BEGIN SELECT RAISE(ABORT, 'audit_trail is append-only: UPDATE refused'); END",
    "CREATE TRIGGER audit_trail_no_delete BEFORE DELETE ON audit_trail \
     WHEN NOT EXISTS (SELECT 1 FROM audit_trail_upkeep) \
     BEGIN SELECT RAISE(ABORT, 'audit_trail is append-only: DELETE refused'); END",
    "CREATE TRIGGER audit_trail_no_replace BEFORE INSERT ON audit_trail \
     WHEN EXISTS (SELECT 1 FROM audit_trail WHERE id = NEW.id) \
     BEGIN SELECT RAISE(ABORT, 'audit_trail is append-only: this id is there already'); END",
];

const SQLITE_DOWN: &[&str] = &[
    "DROP TRIGGER audit_trail_no_replace",
    "DROP TRIGGER audit_trail_no_delete",
    "DROP TRIGGER audit_trail_no_update",
    "DROP TABLE audit_trail_upkeep",
];

/// The function looks at `audit_trail_upkeep` with its owner's rights, since the application has none there. Row by row,
/// so that it holds for partitions as well; `ALWAYS`, so that it holds for `session_replication_role = replica`.
const POSTGRES: &[&str] = &[
    "CREATE TABLE audit_trail_upkeep (opened_at timestamptz NOT NULL)",
    "CREATE FUNCTION audit_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER \
     SET search_path = pg_catalog, pg_temp AS $$ \
     DECLARE upkeep boolean; \
     BEGIN \
     EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.audit_trail_upkeep)', TG_ARGV[0]) INTO upkeep; \
     IF NOT upkeep THEN \
     RAISE EXCEPTION 'audit_trail is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege'; \
     END IF; \
     IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; \
     RETURN NEW; \
     END $$",
    "DO $$ BEGIN \
     EXECUTE format('CREATE TRIGGER audit_trail_no_change BEFORE UPDATE OR DELETE ON audit_trail \
     FOR EACH ROW EXECUTE FUNCTION audit_trail_is_append_only(%L)', current_schema()); \
     EXECUTE format('CREATE TRIGGER audit_trail_no_truncate BEFORE TRUNCATE ON audit_trail \
     FOR EACH STATEMENT EXECUTE FUNCTION audit_trail_is_append_only(%L)', current_schema()); \
     END $$",
    "ALTER TABLE audit_trail ENABLE ALWAYS TRIGGER audit_trail_no_change",
    "ALTER TABLE audit_trail ENABLE ALWAYS TRIGGER audit_trail_no_truncate",
    POSTGRES_PARTITIONS,
];

/// `TRUNCATE` of a partition sets off no trigger of the table that it is a part of.
const POSTGRES_PARTITIONS: &str = "DO $$ BEGIN \
     IF to_regproc('audit_trail_guard_partition') IS NOT NULL THEN \
     PERFORM audit_trail_guard_partition(inhrelid) FROM pg_inherits WHERE inhparent = 'audit_trail'::regclass; \
     END IF; END $$";

const POSTGRES_DOWN: &[&str] = &[
    "DO $$ DECLARE part regclass; BEGIN \
     FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit_trail'::regclass LOOP \
     EXECUTE format('DROP TRIGGER IF EXISTS audit_trail_no_truncate ON %s', part); \
     END LOOP; END $$",
    "DROP TRIGGER audit_trail_no_truncate ON audit_trail",
    "DROP TRIGGER audit_trail_no_change ON audit_trail",
    "DROP FUNCTION audit_trail_is_append_only()",
    "DROP TABLE audit_trail_upkeep",
];

const MYSQL: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS audit_trail_upkeep (opened_at DATETIME(6) NOT NULL, entry BINARY(16), \
     CONSTRAINT audit_trail_no_truncate FOREIGN KEY (entry) REFERENCES audit_trail (id))",
    "DROP TRIGGER IF EXISTS audit_trail_no_update",
    "CREATE TRIGGER audit_trail_no_update BEFORE UPDATE ON audit_trail FOR EACH ROW \
     IF NOT EXISTS (SELECT 1 FROM audit_trail_upkeep) THEN \
     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_trail is append-only: UPDATE refused'; END IF",
    "DROP TRIGGER IF EXISTS audit_trail_no_delete",
    "CREATE TRIGGER audit_trail_no_delete BEFORE DELETE ON audit_trail FOR EACH ROW \
     IF NOT EXISTS (SELECT 1 FROM audit_trail_upkeep) THEN \
     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_trail is append-only: DELETE refused'; END IF",
];

const MYSQL_DOWN: &[&str] = &[
    "DROP TRIGGER IF EXISTS audit_trail_no_delete",
    "DROP TRIGGER IF EXISTS audit_trail_no_update",
    "DROP TABLE IF EXISTS audit_trail_upkeep",
];
