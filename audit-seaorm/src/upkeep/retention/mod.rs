//! What is older than it has to be.

mod age;
mod chunk;
mod counts;
mod known;
mod plan;
mod report;
mod rules;
mod tables;

use std::{fmt, sync::Arc};

use audit_core::{AuditConfig, Retention};
use sea_orm::{DatabaseConnection, DbErr};
use tracing::Instrument;

use self::chunk::Chunks;
pub use self::{plan::PrunePlan, report::Pruned};
use super::partition;
use crate::{AuditPool, AuditTrail, error::AuditError};
pub(super) use {known::check, rules::Rules};

/// How many entries are deleted at once, at most, unless [`Prune::chunk`] says otherwise.
const CHUNK: u64 = 1000;

type OnProgress = Arc<dyn Fn(&Pruned) + Send + Sync>;

/// Deletes the entries of the trail that its [`Retention`] does not keep; made by [`AuditTrail::prune`].
///
/// An entry goes if it is beyond one of the limits of its table, and is not held.
#[derive(Clone)]
#[must_use = "nothing is deleted until it is executed: `exec`"]
pub struct Prune {
    retention: Retention,
    chunk: u64,
    on_progress: Option<OnProgress>,
}

impl AuditTrail {
    /// Deletes what the [`Retention`] of the configuration in force does not keep: nothing, unless it sets a limit.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, Limits, Retention};
    /// # use audit_seaorm::{Change, Image};
    /// # use audit_migration::MigratorTrait;
    /// use sea_orm::{Database, DbErr};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// # for id in ["1", "1", "2"] {
    /// #     AuditTrail::record(&db, Change::delete("book", id, Image::new())).await?;
    /// # }
    /// let newest = Retention::new().table("book", Limits::new().newest_per_record(1));
    /// let prune = AuditTrail::prune().retention(newest);
    ///
    /// let plan = prune.plan(&db).await?; // deletes nothing
    /// assert_eq!(plan.total(), 1);
    /// assert_eq!(plan.by_table()["book"], 1);
    ///
    /// let pruned = prune.on_progress(|so_far| println!("{} deleted", so_far.deleted)).exec(&db).await?;
    /// assert_eq!(pruned.deleted, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prune() -> Prune {
        let retention = AuditConfig::current().get_retention().clone();
        Prune { retention, chunk: CHUNK, on_progress: None }
    }
}

impl Prune {
    /// Another retention than that of the configuration in force.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How many entries are deleted at once, at most: from 1 to 10,000, and 1,000 by default. Fewer are where these take
    /// longer than a twentieth of a second, or 15 ms on `SQLite`, where every writer waits for it.
    pub fn chunk(mut self, entries: u64) -> Self {
        self.chunk = entries.clamp(1, chunk::MAX);
        self
    }

    /// Is told after each chunk what has gone so far. It runs between the chunks, so it should be quick.
    pub fn on_progress(mut self, tell: impl Fn(&Pruned) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(tell));
        self
    }

    /// Counts what would go, in one statement that reads the whole trail, and deletes nothing.
    ///
    /// # Errors
    ///
    /// Those of the database, if a limit is zero, and if the retention names a table that neither the program nor the
    /// trail has.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn plan(&self, db: &impl AuditPool) -> Result<PrunePlan, DbErr> {
        let db = db.guarded().into_inner();
        plan::count(&db, &self.rules(&db).await?).await
    }

    /// Deletes what is not kept, the oldest first, in short transactions of their own with pauses between them, so that
    /// nobody waits long; past the triggers of the migration `append_only`, for which the role needs what
    /// `docs/operations.md` says. Where the trail is partitioned, a month that has nothing to keep is dropped as a whole,
    /// if the role owns the table.
    ///
    /// What has gone leaves gaps: records whose first entries are gone are, to [`verify`](AuditTrail::verify) and
    /// [`as_of`](AuditTrail::as_of), older than the trail.
    ///
    /// # Errors
    ///
    /// Those of the database; what has been deleted until then is gone. Nothing is deleted if a limit is zero, or if the
    /// retention names a table that neither the program nor the trail has: a misspelt `keep_table` would hold nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, some chunks are gone, each as a whole or not at all.
    pub async fn exec(&self, db: &impl AuditPool) -> Result<Pruned, DbErr> {
        let db = db.guarded().into_inner();
        self.run(&db).instrument(tracing::info_span!("audit.prune")).await
    }

    async fn run(&self, db: &DatabaseConnection) -> Result<Pruned, DbErr> {
        let rules = self.rules(db).await?;
        let tell = self.on_progress.as_deref();
        let mut chunks = Chunks::new(db, &rules, self.chunk, tell).await?;
        if partition::is_partitioned(db).await? {
            age::drop_months(&mut chunks).await?;
        }
        // In this order an entry that goes makes no other one newer among those that are counted later.
        age::delete(&mut chunks).await?;
        counts::delete_per_table(&mut chunks).await?;
        counts::delete_per_record(&mut chunks).await?;
        Ok(chunks.into_report())
    }

    async fn rules(&self, db: &DatabaseConnection) -> Result<Rules, DbErr> {
        let rules = Rules::new(db, &self.retention).ok_or(AuditError::RetentionKeepsNothing)?;
        known::check(db, &self.retention).await?;
        Ok(rules)
    }
}

impl fmt::Debug for Prune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prune")
            .field("retention", &self.retention)
            .field("chunk", &self.chunk)
            .finish_non_exhaustive()
    }
}
