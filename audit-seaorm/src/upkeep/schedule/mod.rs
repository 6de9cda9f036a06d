//! Upkeep as a task in the background, which several instances of an application share.

mod handle;
mod lease;
mod report;
mod turn;

use std::{fmt, time::Duration};

use audit_core::{AuditConfig, Retention};
use sea_orm::DatabaseConnection;

pub(crate) use self::turn::last_run;
pub use self::{
    handle::UpkeepHandle,
    report::{Turn, UpkeepError, UpkeepReport},
};
use crate::AuditPool;

const DAY: Duration = Duration::from_hours(24);
const MONTHS_AHEAD: u32 = 3;

/// What the trail needs done again and again: its [`Retention`] and, where it is partitioned, the months to come.
///
/// Every instance of an application can [`start`](Self::start) it. They agree by the table `audit_trail_schedule`, with the
/// database's clock: one of them does the work when it is due, and the others do not. An instance that is killed at it
/// is waited for five minutes.
///
/// ```
/// use std::time::Duration;
///
/// use audit_seaorm::{AuditUpkeep, Limits, Retention, Turn};
/// use sea_orm::{Database, DbErr};
/// # use audit_migration::MigratorTrait;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # audit_migration::Migrator::up(&db, None).await?;
/// let upkeep = AuditUpkeep::new(&db)
///     .retention(Retention::new().all(Limits::new().max_age_days(730)))
///     .every(Duration::from_secs(6 * 60 * 60));
/// let handle = upkeep.clone().start(); // in the background, from now on
/// // …
/// handle.stop().await;
///
/// // Or by hand, as from a cron job:
/// match upkeep.run().await? {
///     Turn::Done(report) => println!("{} entries deleted", report.pruned.deleted),
///     other => println!("nothing to do: {other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is done until it is started: `start`, `run`"]
pub struct AuditUpkeep {
    db: DatabaseConnection,
    retention: Retention,
    every: Duration,
    months_ahead: u32,
}

impl AuditUpkeep {
    /// Applies the retention of the configuration in force here, once a day, and makes three months ahead. Without a limit
    /// in that retention, which is the default, it deletes nothing.
    pub fn new(db: &impl AuditPool) -> Self {
        Self {
            db: db.guarded().into_inner(),
            retention: AuditConfig::current().get_retention().clone(),
            every: DAY,
            months_ahead: MONTHS_AHEAD,
        }
    }

    /// Another retention.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How much time passes from the end of one run to the next, whichever instance does it; a second at least.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.max(Duration::from_secs(1));
        self
    }

    /// How many months after the present one have a partition, where the trail has partitions; at most 24.
    pub fn months_ahead(mut self, months: u32) -> Self {
        self.months_ahead = months;
        self
    }
}

impl fmt::Debug for AuditUpkeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditUpkeep")
            .field("retention", &self.retention)
            .field("every", &self.every)
            .field("months_ahead", &self.months_ahead)
            .finish_non_exhaustive()
    }
}
