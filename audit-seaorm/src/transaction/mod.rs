//! A transaction that keeps its entries until it commits.

mod connection;
mod core;
mod ledger;
mod levels;
mod run;

use std::{fmt, sync::Arc};

use audit_core::AuditConfig;
use sea_orm::{DbBackend, DbErr, SqliteTransactionMode, TransactionOptions};
use tracing::Instrument;

pub(crate) use self::{connection::within, core::Core, ledger::Broken};
use self::{ledger::Ledger, levels::OpenLevel};
use crate::{
    AuditPool,
    capture::{Answer, Job, shield},
    engine::PoolId,
    error::AuditError,
    guard::Permits,
    own_transaction::OwnTransaction,
    writer::Backlog,
};

/// A database transaction that writes the entries of its changes in few statements just before it
/// commits, and groups them by [`transaction_id`](crate::AuditEntry::transaction_id).
///
/// All of `SeaORM` runs on it. A write of an audited entity costs no savepoint here and no statement for
/// its entry. Dropping it rolls back.
///
/// A write that is dropped half-way comes to its end all the same, and a commit waits for it. A change
/// whose entry cannot be made breaks the transaction: from then on it refuses everything but
/// [`rollback`](Self::rollback), with an error that says why.
///
/// Nobody else ends it or a part of it: `COMMIT`, `ROLLBACK`, `SAVEPOINT` and the like in raw SQL are
/// refused, with an error that names the method to call. So is, on `MariaDB`, what commits unasked, as
/// changes of the schema do there. Where the database rolls all of it back by itself, as `MariaDB` does
/// after a deadlock and `SQLite` after `ON CONFLICT ROLLBACK`, the transaction refuses what follows.
///
/// On `SQLite` it begins as a writing transaction (`BEGIN IMMEDIATE`), since it is there to write: two of
/// them wait for each other instead of failing.
///
/// ```
/// use audit_seaorm::{AuditTrail, AuditTransaction};
/// use sea_orm::{ActiveValue::Set, Database, DbErr, IntoActiveModel};
/// # use audit_migration::MigratorTrait;
/// # mod post {
/// #     use sea_orm::entity::prelude::*;
/// #     #[sea_orm::model]
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
/// #     #[sea_orm(table_name = "post")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub title: String,
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
/// # audit_migration::Migrator::up(&db, None).await?;
/// let txn = AuditTransaction::begin(&db).await?;
/// for title in ["one", "two"] {
///     let post = post::ActiveModel { title: Set(title.to_owned()), ..Default::default() };
///     post.insert(&txn).await?;
/// }
/// txn.commit().await?;
///
/// let one = AuditTrail::find_for_record(&db, post::Entity, 1).await?;
/// let two = AuditTrail::find_for_record(&db, post::Entity, 2).await?;
/// assert_eq!(one[0].transaction_id, two[0].transaction_id);
/// # Ok(())
/// # }
/// ```
pub struct AuditTransaction {
    core: Arc<Core>,
}

impl AuditTransaction {
    /// Begins a transaction on a pool.
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, nothing is begun.
    pub async fn begin(db: &impl AuditPool) -> Result<Self, DbErr> {
        Self::begin_with_options(db, TransactionOptions::default()).await
    }

    /// Begins a transaction on a pool, with an isolation level, an access mode, or a mode of `SQLite`'s.
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, nothing is begun.
    pub async fn begin_with_options(
        db: &impl AuditPool,
        mut options: TransactionOptions,
    ) -> Result<Self, DbErr> {
        let mode = options.sqlite_transaction_mode.get_or_insert(SqliteTransactionMode::Immediate);
        let pool = db.guarded();
        pool.learn().await?;
        let guard = pool.guard().of_transaction();
        let pool = pool.into_inner();
        let deferred = pool.get_database_backend() == DbBackend::Sqlite
            && *mode == SqliteTransactionMode::Deferred;
        let config = AuditConfig::current();
        let backlog = Backlog::reserve(&config, pool.get_database_backend()).await;
        let pool_id = PoolId::of(&pool);
        let begin = async move { OwnTransaction::on(&pool, options).await };
        let core = Core {
            inner: shield::run(begin, async |txn| Ok(txn)).await?,
            level: OpenLevel::outermost(),
            ledger: Arc::new(Ledger::default()),
            config,
            guard,
            permits: Permits::default(),
            pool: pool_id,
            deferred,
            backlog,
            parent: None,
        };
        Ok(Self { core: Arc::new(core) })
    }

    async fn nested(&self, options: TransactionOptions) -> Result<Self, DbErr> {
        let caller = Arc::new(());
        let waiting = Arc::downgrade(&caller);
        let step = self.step(async move |core| {
            let parent = Some(Arc::clone(&core));
            let nested = Arc::new(Core { parent, ..core.nested(options).await? });
            if waiting.strong_count() == 0 {
                nested.take_back().await;
                return Err(DbErr::Custom("audit: dropped while it began".to_owned()));
            }
            Ok(nested)
        });
        let step = std::pin::pin!(step);
        // Declared after the step, so gone before what remains of it runs as a task.
        let present = Some(caller);
        let core = step.await;
        drop(present);
        Ok(Self { core: core? })
    }

    /// Writes the entries and commits. A nested transaction hands its entries to its parent instead.
    ///
    /// # Errors
    ///
    /// Those of the database; if a change of this transaction has no entry; if a nested transaction is
    /// still open. In each case all of it is rolled back.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, either all of it is committed or nothing.
    pub async fn commit(self) -> Result<(), DbErr> {
        let core = self.into_core();
        let ledger = Arc::clone(&core.ledger);
        let begin = async move { Ok(ledger.turn().await) };
        let span = tracing::debug_span!("audit.commit", transaction_id = %core.group());
        let commit = shield::run(begin, async move |_turn| {
            // Nobody but the writes under way shares it, and none is under way.
            let core = Arc::into_inner(core).ok_or(AuditError::NestedTransactionOpen)?;
            match core.parent.clone() {
                Some(parent) => hand_over(core, parent).await,
                None => write_and_commit(core).await,
            }
        });
        commit.instrument(span).await
    }

    /// Rolls back: neither changes nor entries remain. Dropping does the same, a little later.
    ///
    /// # Errors
    ///
    /// Those of the database, and if a nested transaction is still open.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, it rolls back all the same.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let core = self.into_core();
        let ledger = Arc::clone(&core.ledger);
        let begin = async move { Ok(ledger.turn().await) };
        shield::run(begin, async move |_turn| {
            let core = Arc::into_inner(core).ok_or(AuditError::NestedTransactionOpen)?;
            let (outcome, parent) = core.roll_back().await;
            if let Some(parent) = parent {
                parent.take_back().await;
            }
            outcome
        })
        .await
    }

    /// Writes the entries gathered so far, for a look at them before the commit.
    /// [`AuditTrail`](crate::AuditTrail) does so by itself when it reads through this transaction.
    ///
    /// # Errors
    ///
    /// Those of the database, unless the configuration says
    /// [`FailurePolicy::Continue`](crate::FailurePolicy::Continue). The transaction then refuses to go
    /// on.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, it writes them all the same.
    pub async fn flush(&self) -> Result<(), DbErr> {
        self.step(async |core| core.write_out().await).await
    }

    pub(crate) async fn perform(&self, job: Box<dyn Job>) -> Result<Answer, DbErr> {
        self.step(async move |core| core.perform(job).await).await
    }

    /// Takes the turn for something that must not be left half done, and does it to its end. Futures
    /// joined on the transaction share one connection, and a before-image must not be read while
    /// another of them writes.
    async fn step<T, F>(
        &self,
        work: impl FnOnce(Arc<Core>) -> F + Send + 'static,
    ) -> Result<T, DbErr>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DbErr>> + Send + 'static,
    {
        let core = Arc::clone(&self.core);
        let ledger = Arc::clone(&core.ledger);
        let waiting = Arc::clone(&ledger);
        let begin = async move { Ok(waiting.turn().await) };
        shield::run(begin, async move |turn| {
            ledger.check()?;
            let unfinished = ledger.unfinished(Broken::Cancelled);
            let outcome = work(Arc::clone(&core)).await;
            unfinished.done();
            // The share in the transaction ends here, ahead of the turn: see `commit`.
            core.take_back().await;
            drop(turn);
            outcome
        })
        .await
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    fn into_core(self) -> Arc<Core> {
        Arc::clone(&self.core)
    }
}

impl Drop for AuditTransaction {
    fn drop(&mut self) {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.inner.about_to_drop();
        }
    }
}

async fn hand_over(core: Core, parent: Arc<Core>) -> Result<(), DbErr> {
    core.ledger.check()?;
    let ledger = Arc::clone(&core.ledger);
    let unfinished = ledger.unfinished(Broken::Cancelled);
    let outcome = core.release().await;
    unfinished.done();
    parent.take_back().await;
    outcome
}

async fn write_and_commit(mut core: Core) -> Result<(), DbErr> {
    let placed = match core.ledger.check() {
        Ok(()) => core.place_or_write().await,
        Err(broken) => Err(broken),
    };
    let slot = match placed {
        Ok(slot) => slot,
        Err(error) => {
            core.inner.roll_back().await?;
            return Err(error);
        }
    };
    let outcome = core.inner.commit().await;
    // Nothing is waited for in between: whoever has committed has said so.
    if let Some(slot) = slot {
        slot.settle(&outcome);
    }
    outcome
}

impl fmt::Debug for AuditTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditTransaction")
            .field("transaction_id", &self.core.group())
            .field("nested", &self.core.parent.is_some())
            .finish_non_exhaustive()
    }
}
