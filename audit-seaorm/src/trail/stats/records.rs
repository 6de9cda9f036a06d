use sea_orm::{ConnectionTrait, DbErr, prelude::DateTimeUtc};
use serde::{Deserialize, Serialize};

use super::{
    DEFAULT_TOP, OperationStats,
    ranking::{Ranked, key, ranking},
};
use crate::{
    entity::Column,
    trail::{AuditQuery, AuditTrail},
};

/// What happened to one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordActivity {
    /// The audited table, as in [`AuditEntry::table_name`](crate::AuditEntry::table_name).
    pub table_name: String,
    /// The primary key as text, as in [`AuditEntry::record_id`](crate::AuditEntry::record_id).
    pub record_id: String,
    /// How much.
    pub operations: OperationStats,
    /// When last; none if no time of these entries can be read.
    pub last: Option<DateTimeUtc>,
}

impl RecordActivity {
    fn read(line: &Ranked) -> Result<Self, DbErr> {
        let row = &line.row;
        Ok(Self {
            table_name: key(row, Column::TableName).unwrap_or_default(),
            record_id: key(row, Column::RecordId).unwrap_or_default(),
            operations: OperationStats::read(row)?,
            last: line.last,
        })
    }
}

impl AuditQuery {
    /// The records with the most of these entries, those that are gone included: [`DEFAULT_TOP`] of them unless
    /// [`limit`](Self::limit) was called, from the place on that [`offset`](Self::offset) says, whatever the
    /// cursor. One statement.
    ///
    /// # Errors
    ///
    /// As [`operation_stats`](Self::operation_stats).
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn most_changed<C: ConnectionTrait>(
        &self,
        db: &C,
    ) -> Result<Vec<RecordActivity>, DbErr> {
        let keys = [Column::TableName, Column::RecordId];
        let rows = ranking(db, self, &keys, DEFAULT_TOP, None).await?;
        rows.iter().map(RecordActivity::read).collect()
    }
}

impl AuditTrail {
    /// The [`DEFAULT_TOP`] records with the most entries from one moment until before another, the most changed
    /// one first. For more of them, or those of one table or the like, see [`AuditQuery::most_changed`].
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
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let image = |price: i32| Image::from_iter([("price".to_owned(), json!(price))]);
    /// AuditTrail::record(&db, Change::create("book", "1", image(10))).await?;
    /// AuditTrail::record(&db, Change::create("book", "2", image(10))).await?;
    /// AuditTrail::record(&db, Change::update("book", "1", image(10), image(12))).await?;
    ///
    /// let soon = Utc::now() + TimeDelta::minutes(1);
    /// let records = AuditTrail::most_changed(&db, soon - TimeDelta::days(1), soon).await?;
    /// assert_eq!((&*records[0].record_id, records[0].operations.total()), ("1", 2));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn most_changed<C: ConnectionTrait>(
        db: &C,
        from: DateTimeUtc,
        to: DateTimeUtc,
    ) -> Result<Vec<RecordActivity>, DbErr> {
        Self::query().from(from).to(to).most_changed(db).await
    }
}
