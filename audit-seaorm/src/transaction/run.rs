use sea_orm::DbErr;

use super::AuditTransaction;
use crate::AuditPool;

impl AuditTransaction {
    /// Runs `work` in a transaction: commits if it is `Ok`, rolls back if it is an error.
    ///
    /// # Errors
    ///
    /// That of `work`, or those of [`begin`](Self::begin) and [`commit`](Self::commit).
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, either all of it is committed or nothing.
    ///
    /// ```
    /// use audit_seaorm::AuditTransaction;
    /// use sea_orm::{ConnectionTrait, Database, DbErr};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// let answer = AuditTransaction::run(&db, async |txn| {
    ///     txn.execute_unprepared("SELECT 1").await?;
    ///     Ok::<_, DbErr>(42)
    /// });
    /// assert_eq!(answer.await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<T, E, F>(db: &impl AuditPool, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&Self) -> Result<T, E>,
        E: From<DbErr>,
    {
        let txn = Self::begin(db).await?;
        match work(&txn).await {
            Ok(value) => {
                txn.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The reason matters more than a rollback that failed too: the connection is lost
                // then, and the database has taken everything back already.
                let _ = txn.rollback().await;
                Err(error)
            }
        }
    }
}
