use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QueryResult, Statement,
};
use serde::Serialize;

use crate::{
    AuditPool, AuditTrail, database_clock,
    entity::{Column, Entity},
    measure,
    trail::moment,
};

/// How large the trail is, and how fast it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TrailSize {
    /// About how many entries it has: as the database counted them last, and on `SQLite` from the first row to the last.
    pub entries: u64,
    /// About how much room it takes, indexes included, in bytes.
    pub bytes: u64,
    /// How many entries came within the last 24 hours.
    pub entries_per_day: u64,
}

impl TrailSize {
    /// About how much room the entries of the last 24 hours take, in bytes, if they are as large as the others.
    #[must_use]
    pub fn bytes_per_day(&self) -> u64 {
        let bytes = u128::from(self.bytes) * u128::from(self.entries_per_day);
        u64::try_from(bytes / u128::from(self.entries.max(1))).unwrap_or(u64::MAX)
    }
}

impl AuditTrail {
    /// How large the trail is, and how fast it grows; it also sets the gauges of the feature `metrics`. It counts the entries
    /// of a day by their index, so it is for once a minute rather than for once a second.
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// # use audit_migration::MigratorTrait;
    /// use audit_seaorm::AuditTrail;
    /// use sea_orm::{Database, DbErr};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let size = AuditTrail::size(&db).await?;
    /// println!("{} entries, {} bytes more each day", size.entries, size.bytes_per_day());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn size(db: &impl AuditPool) -> Result<TrailSize, DbErr> {
        measured(&db.guarded().into_inner()).await
    }
}

pub(crate) async fn measured(db: &DatabaseConnection) -> Result<TrailSize, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => SQLITE,
        DbBackend::MySql => MYSQL,
        _ => POSTGRES,
    };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    let number = |row: &QueryResult, column| {
        Ok::<_, DbErr>(row.try_get_by_index::<i64>(column)?.unsigned_abs())
    };
    let (entries, bytes) = match &row {
        Some(row) => (number(row, 0)?, number(row, 1)?),
        None => (0, 0),
    };
    let day = moment(backend, database_clock::time(db).await? - TimeDelta::days(1));
    let entries_per_day = Entity::find().filter(Column::Timestamp.gte(day)).count(db).await?;
    let size = TrailSize { entries: entries.max(entries_per_day), bytes, entries_per_day };
    measure::size(&size);
    Ok(size)
}

/// Rows are numbered as they come, and the oldest go first.
const SQLITE: &str = "SELECT COALESCE(MAX(rowid) - MIN(rowid) + 1, 0), (SELECT COALESCE(SUM(pgsize), 0) FROM dbstat('main', 1) \
    WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = 'audit_trail')) FROM audit_trail";

const MYSQL: &str = "SELECT CAST(table_rows AS SIGNED), CAST(data_length + index_length AS SIGNED) \
    FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'audit_trail'";

/// Of a table that was never looked at, the count is -1.
const POSTGRES: &str = "SELECT COALESCE(SUM(GREATEST(reltuples, 0)), 0)::bigint, COALESCE(SUM(pg_total_relation_size(oid)), 0)::bigint \
    FROM pg_class WHERE relkind = 'r' AND (oid = 'audit_trail'::regclass \
    OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit_trail'::regclass))";
