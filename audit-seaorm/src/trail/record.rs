use audit_core::Change;
use sea_orm::{ConnectionTrait, DbErr};

use super::AuditTrail;
use crate::writer::record_by_hand;

impl AuditTrail {
    /// Records a change that no hook can see: one made by raw SQL, by another program, or to a table
    /// that has no entity.
    ///
    /// The context and the configuration in force apply as to any other change, and the rules of the entities of that table:
    /// a column that one of them redacts or skips is, also under a former name of it. Pass the transaction that makes the
    /// change, so that both commit together, and call it after the change: the time of the entry is that of the
    /// database's clock now, which a query of its own asks on `PostgreSQL` and `MariaDB`.
    ///
    /// # Errors
    ///
    /// Those of the database, unless the configuration says
    /// [`FailurePolicy::Continue`](crate::FailurePolicy::Continue); and a change of `audit_trail`
    /// itself is refused.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the entry is there or not, as the transaction will tell.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, Change, Image};
    /// use sea_orm::{ConnectionTrait, Database, DbErr, TransactionTrait};
    /// use audit_migration::MigratorTrait;
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// let db = Database::connect("sqlite::memory:").await?;
    /// audit_migration::Migrator::up(&db, None).await?;
    /// # db.execute_unprepared("CREATE TABLE rate (code TEXT, value INT)").await?;
    ///
    /// let txn = db.begin().await?;
    /// txn.execute_unprepared("UPDATE rate SET value = 3 WHERE code = 'EUR'").await?;
    /// let image = |value: i32| Image::from_iter([("value".to_owned(), json!(value))]);
    /// AuditTrail::record(&txn, Change::update("rate", "EUR", image(2), image(3))).await?;
    /// txn.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn record<C: ConnectionTrait>(db: &C, change: Change) -> Result<(), DbErr> {
        record_by_hand(db, change).await
    }
}
