use sea_orm::{ConnectionTrait, DbErr, prelude::DateTimeUtc};
use serde::{Deserialize, Serialize};

use super::{
    OperationStats,
    ranking::{Ranked, key, ranking},
};
use crate::{
    entity::Column,
    trail::{AuditQuery, AuditTrail},
};

/// What happened to the records of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableActivity {
    /// The audited table, as in [`AuditEntry::table_name`](crate::AuditEntry::table_name).
    pub table_name: String,
    /// How much.
    pub operations: OperationStats,
    /// When last; none if no time of these entries can be read.
    pub last: Option<DateTimeUtc>,
}

impl TableActivity {
    fn read(line: &Ranked) -> Result<Self, DbErr> {
        let row = &line.row;
        Ok(Self {
            table_name: key(row, Column::TableName).unwrap_or_default(),
            operations: OperationStats::read(row)?,
            last: line.last,
        })
    }
}

impl AuditQuery {
    /// How many of these entries each table has, the one with the most first: all tables that have any, unless
    /// [`limit`](Self::limit) or [`offset`](Self::offset) was called, whatever the cursor. One statement.
    ///
    /// # Errors
    ///
    /// As [`operation_stats`](Self::operation_stats).
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn table_activity<C: ConnectionTrait>(
        &self,
        db: &C,
    ) -> Result<Vec<TableActivity>, DbErr> {
        let rows = ranking(db, self, &[Column::TableName], u64::MAX, None).await?;
        rows.iter().map(TableActivity::read).collect()
    }
}

impl AuditTrail {
    /// How much happened in each table from one moment until before another, the busiest one first. For what
    /// one user did, or the like, see [`AuditQuery::table_activity`].
    ///
    /// # Errors
    ///
    /// As [`AuditQuery::operation_stats`].
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, Change, Image};
    /// # use audit_migration::MigratorTrait;
    /// use chrono::{TimeDelta, Utc};
    /// # use sea_orm::{Database, DbErr};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// AuditTrail::record(&db, Change::create("author", "1", Image::new())).await?;
    /// AuditTrail::record(&db, Change::create("book", "1", Image::new())).await?;
    /// AuditTrail::record(&db, Change::delete("book", "1", Image::new())).await?;
    ///
    /// let soon = Utc::now() + TimeDelta::minutes(1);
    /// let tables = AuditTrail::table_activity(&db, soon - TimeDelta::days(1), soon).await?;
    /// assert_eq!((&*tables[0].table_name, tables[0].operations.deletes), ("book", 1));
    /// assert_eq!((&*tables[1].table_name, tables[1].operations.total()), ("author", 1));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn table_activity<C: ConnectionTrait>(
        db: &C,
        from: DateTimeUtc,
        to: DateTimeUtc,
    ) -> Result<Vec<TableActivity>, DbErr> {
        Self::query().from(from).to(to).table_activity(db).await
    }
}
