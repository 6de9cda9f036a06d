//! The connection to the database.

use std::time::Duration;

use audit_seaorm::AuditConnection;
use sea_orm::{ConnectOptions, Database, DbErr, sqlx::sqlite::SqliteJournalMode};
use sea_orm_migration::MigratorTrait;

use crate::migration::Migrator;

/// Opens the database and brings its tables up to date. What would go past the trail is refused from then on.
pub(crate) async fn open(url: String) -> Result<AuditConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(16).sqlx_logging(false).map_sqlx_sqlite_opts(|sqlite| {
        // Readers wait for no writer, and writers for one another.
        sqlite.journal_mode(SqliteJournalMode::Wal).busy_timeout(Duration::from_secs(30))
    });
    let db = Database::connect(options).await?;
    Migrator::up(&db, None).await?;
    Ok(AuditConnection::new(db))
}
