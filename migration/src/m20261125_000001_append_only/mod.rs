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
            _ => run(manager.get_connection(), &[POSTGRES]).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Sqlite => in_transaction(manager, SQLITE_DOWN).await,
            DbBackend::MySql => run(manager.get_connection(), MYSQL_DOWN).await,
            _ => run(manager.get_connection(), &[POSTGRES_DOWN]).await,
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
    "CREATE TABLE audit_trail_upkeep (id INTEGER PRIMARY KEY, opened_at TEXT NOT NULL)",
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

const POSTGRES: &str = include_str!("append_only.sql");
const POSTGRES_DOWN: &str = include_str!("down.sql");

/// The triggers look at the door through a view: a temporary table of anybody's takes the place of a table, and not of
/// what a view reads.
const MYSQL: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS audit_trail_upkeep (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, \
     opened_at DATETIME(6) NOT NULL, entry BINARY(16), \
     CONSTRAINT audit_trail_no_truncate FOREIGN KEY (entry) REFERENCES audit_trail (id))",
    "CREATE OR REPLACE VIEW audit_trail_door AS SELECT 1 AS opened FROM audit_trail_upkeep",
    "DROP TRIGGER IF EXISTS audit_trail_no_update",
    "CREATE TRIGGER audit_trail_no_update BEFORE UPDATE ON audit_trail FOR EACH ROW \
     IF NOT EXISTS (SELECT 1 FROM audit_trail_door) THEN \
     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_trail is append-only: UPDATE refused'; END IF",
    "DROP TRIGGER IF EXISTS audit_trail_no_delete",
    "CREATE TRIGGER audit_trail_no_delete BEFORE DELETE ON audit_trail FOR EACH ROW \
     IF NOT EXISTS (SELECT 1 FROM audit_trail_door) THEN \
     SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_trail is append-only: DELETE refused'; END IF",
];

const MYSQL_DOWN: &[&str] = &[
    "DROP TRIGGER IF EXISTS audit_trail_no_delete",
    "DROP TRIGGER IF EXISTS audit_trail_no_update",
    "DROP VIEW IF EXISTS audit_trail_door",
    "DROP TABLE IF EXISTS audit_trail_upkeep",
];
