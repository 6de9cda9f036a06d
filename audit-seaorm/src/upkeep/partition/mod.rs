//! The months that `PostgreSQL` keeps apart.

mod leave;
mod list;

pub(super) use leave::{Leave, take_away};
pub use list::Partition;
pub(crate) use list::months_ahead;
pub(super) use list::{is_owner, is_partitioned, list};

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, Statement,
    TransactionOptions, prelude::DateTimeUtc,
};

use super::patience::patiently;
use crate::{
    AuditPool, AuditTrail, capture::shield, error::AuditError, own_transaction::OwnTransaction,
};

/// How long others may have to wait behind us for a lock, and how often it is tried. Who waits for a whole table lets
/// everybody wait behind it.
const PATIENCE: &str = "SET LOCAL lock_timeout = '500ms'";
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// As `audit_trail_create_partition` has it: each partition makes reading slower, also an empty one.
const MOST_AHEAD: u32 = 24;

impl AuditTrail {
    /// The partitions of `audit_trail`, the oldest first and the one for what fits no other last.
    ///
    /// # Errors
    ///
    /// Those of the database, and if the table has no partitions: see
    /// [`partition_by_month`](https://docs.rs/audit-migration/latest/audit_migration/fn.partition_by_month.html).
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn partitions(db: &impl AuditPool) -> Result<Vec<Partition>, DbErr> {
        let db = db.guarded().into_inner();
        require(&db).await?;
        list(&db).await
    }

    /// Makes the partitions of this month and of so many months after it, at most 24, where they are missing, and tells their
    /// names.
    ///
    /// Run it more often than the months run out: entries of a month that has none go to `audit_trail_default`, and are
    /// moved when it is made. [`AuditUpkeep`](crate::AuditUpkeep) runs it on its schedule.
    ///
    /// ```
    /// use audit_seaorm::AuditTrail;
    /// use sea_orm::{Database, DbErr};
    /// # use audit_migration::MigratorTrait;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// match AuditTrail::create_partitions(&db, 3).await {
    ///     Ok(made) => println!("made {made:?}"),
    ///     // Here on SQLite: `… let AuditTrail::prune delete what is too old`
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the database, and if the table has no partitions, or more months are asked for.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, some are made.
    pub async fn create_partitions(
        db: &impl AuditPool,
        months_ahead: u32,
    ) -> Result<Vec<String>, DbErr> {
        let db = db.guarded().into_inner();
        require(&db).await?;
        create(&db, months_ahead).await
    }

    /// Drops the partitions whose entries are all older than this moment, whatever the limits of the
    /// [`Retention`](crate::Retention) say. One that has an entry which the configuration in force holds (`keep_table`,
    /// `keep_record`, `keep_user`) stays. The time it takes does not depend on how many entries go, unless something is
    /// held.
    ///
    /// The database's role has to own the table. `append_only` does not keep from it.
    ///
    /// # Errors
    ///
    /// Those of the database, and if the table has no partitions.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, some are gone; each as a whole or not at all.
    pub async fn drop_partitions(
        db: &impl AuditPool,
        before: DateTimeUtc,
    ) -> Result<Vec<Partition>, DbErr> {
        let db = db.guarded().into_inner();
        require(&db).await?;
        leave::before(&db, before, Leave::Drop).await
    }

    /// As [`drop_partitions`](Self::drop_partitions), except that each remains as a table of its own, which nothing of the
    /// trail reads: to be archived, or attached again.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    pub async fn detach_partitions(
        db: &impl AuditPool,
        before: DateTimeUtc,
    ) -> Result<Vec<Partition>, DbErr> {
        let db = db.guarded().into_inner();
        require(&db).await?;
        leave::before(&db, before, Leave::Detach).await
    }
}

async fn require(db: &DatabaseConnection) -> Result<(), DbErr> {
    if is_partitioned(db).await? {
        return Ok(());
    }
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    Err(if postgres { AuditError::NotPartitioned } else { AuditError::NoPartitionsHere }.into())
}

pub(super) async fn create(
    db: &DatabaseConnection,
    months_ahead: u32,
) -> Result<Vec<String>, DbErr> {
    if months_ahead > MOST_AHEAD {
        return Err(AuditError::MonthsAhead { most: MOST_AHEAD, asked: months_ahead }.into());
    }
    let mut made = Vec::new();
    for month in 0..=months_ahead {
        made.extend(patiently(ATTEMPTS, PAUSE, || create_month(db, month)).await?);
    }
    Ok(made)
}

/// To its end, even if it is dropped half-way.
async fn create_month(db: &DatabaseConnection, month: u32) -> Result<Option<String>, DbErr> {
    let sql = format!(
        "SELECT audit_trail_create_partition(now() + pg_catalog.make_interval(months => {month}))"
    );
    let db = db.clone();
    let begin = async move { OwnTransaction::on(&db, TransactionOptions::default()).await };
    shield::run(begin, async move |txn| {
        let outcome = query_patiently(&txn, sql).await;
        txn.finish(outcome).await
    })
    .await
}

async fn query_patiently(txn: &DatabaseTransaction, sql: String) -> Result<Option<String>, DbErr> {
    txn.execute_unprepared(PATIENCE).await?;
    let row = txn.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.map_or(Ok(None), |row| row.try_get_by_index(0))
}
