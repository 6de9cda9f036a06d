use std::sync::Arc;

use audit_core::{AuditConfig, AuditEntry, Operation};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, TransactionOptions, prelude::Uuid,
};

use super::{
    ledger::{Broken, Ledger, changed_nothing},
    levels::{Levels, OpenLevel},
};
use crate::{
    capture::{Answer, Executor, Ground, Job},
    engine::{PoolId, require_transactions},
    guard::{self, Guard, Passage, Permits, SchemaChange},
    measure::{Step, added},
    own_transaction::OwnTransaction,
    registry::TableName,
    writer::{Backlog, Sink, Slot, store_all},
};
#[cfg(feature = "stream")]
use crate::{database_error::Transaction, own_transaction};

/// One level of a transaction. It is shared with the writes that are under way, so that one whose
/// caller has left can still come to its end.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) inner: OwnTransaction,
    /// Declared after the savepoint, so that it goes with it.
    pub(super) level: OpenLevel,
    pub(super) ledger: Arc<Ledger>,
    pub(super) config: Arc<AuditConfig>,
    pub(super) guard: Guard,
    pub(super) permits: Permits,
    pub(super) pool: PoolId,
    pub(super) deferred: bool,
    /// The way into the queue, of the outermost level.
    pub(super) backlog: Option<Backlog>,
    /// Held so that levels end from the innermost outwards, whoever holds the last share. Declared
    /// last, so that it goes after the savepoint of this level.
    pub(super) parent: Option<Arc<Core>>,
}

impl Core {
    /// `SQLx` answers a savepoint that fails, as one in an aborted transaction of `PostgreSQL`, by taking
    /// back the level around it. What followed would commit by itself.
    pub(super) async fn nested(&self, options: TransactionOptions) -> Result<Self, DbErr> {
        let begun = OwnTransaction::within(&*self.inner, options).await;
        if begun.is_err() {
            self.ledger.set_broken(Broken::Unclear);
        }
        Ok(Self {
            inner: begun?,
            level: OpenLevel::nested(&self.ledger.levels),
            ledger: Arc::clone(&self.ledger),
            config: Arc::clone(&self.config),
            guard: self.guard.clone(),
            permits: Permits::default(),
            pool: self.pool.clone(),
            deferred: self.deferred,
            backlog: None,
            parent: None,
        })
    }

    /// Gives a share back. Whose was the last one, because its owner has left meanwhile, rolls back, and
    /// so on outwards: `SeaORM` panics when a transaction is dropped while another task uses the
    /// connection.
    pub(super) async fn take_back(self: Arc<Self>) {
        let mut level = Some(self);
        while let Some(core) = level.and_then(Arc::into_inner) {
            // There is nobody left to tell, and a lost connection has taken everything back.
            level = core.roll_back().await.1;
        }
    }

    /// Ends a level, and leaves that above it.
    pub(super) async fn roll_back(self) -> (Result<(), DbErr>, Option<Arc<Self>>) {
        let Self { inner, level, parent, .. } = self;
        let outcome = inner.roll_back().await;
        drop(level);
        (outcome, parent)
    }

    pub(super) async fn perform(&self, mut job: Box<dyn Job>) -> Result<Answer, DbErr> {
        if let Some(table) = job.recorded_table() {
            self.require_transactions(table).await?;
        }
        if job.has_steps() {
            return self.perform_apart(job).await;
        }
        let outcome = job.run(self.ground()).await;
        let given_up = self.ledger.take_given_up();
        if let Err(error) = &outcome
            && (self.inner.is_gone(error).await || !(given_up || changed_nothing(error)))
        {
            self.ledger.set_broken(Broken::Unclear);
        }
        outcome
    }

    /// See [`engine`](crate::engine).
    pub(crate) async fn require_transactions(&self, table: TableName) -> Result<(), DbErr> {
        require_transactions(&*self.inner, &self.pool, table).await
    }

    /// In a savepoint, so that a failure half-way leaves nothing of it.
    async fn perform_apart(&self, mut job: Box<dyn Job>) -> Result<Answer, DbErr> {
        let savepoint = self.nested(TransactionOptions::default()).await?;
        match job.run(savepoint.ground()).await {
            Ok(output) => {
                savepoint.release().await?;
                Ok(output)
            }
            Err(error) => {
                let gone = self.inner.is_gone(&error).await;
                let (rolled_back, _) = savepoint.roll_back().await;
                if gone || rolled_back.is_err() {
                    self.ledger.set_broken(Broken::Unclear);
                }
                Err(error)
            }
        }
    }

    /// Ends a level of nesting: its changes and its entries become those of the level above.
    pub(super) async fn release(self) -> Result<(), DbErr> {
        let ledger = Arc::clone(&self.ledger);
        let Self { inner, level, config, .. } = self;
        let excess = ledger.levels.take_excess();
        let stored = store_all(&inner, config.failure_policy(), excess).await;
        let gone = match &stored {
            Ok(()) => false,
            Err(error) => inner.is_gone(error).await,
        };
        let released = inner.finish(stored).await;
        match &released {
            Ok(()) => level.release(),
            Err(error) if gone || !changed_nothing(error) => ledger.set_broken(Broken::Unclear),
            // The savepoint is rolled back, and its entries with it: the parent can go on.
            Err(_) => {}
        }
        released
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            db: Executor::Transaction(&self.inner),
            sink: Sink::Buffer(self),
            deferred: self.deferred,
            guard: Some(&self.guard),
        }
    }

    /// Whether a statement of the caller's own may run.
    pub(super) async fn admit(&self, sql: &str) -> Result<Option<SchemaChange>, DbErr> {
        self.ledger.check()?;
        let passage = Passage {
            backend: self.inner.get_database_backend(),
            returning: self.inner.support_returning(),
            permits: Some(&self.permits),
        };
        // What names an audited table is told of that first.
        let change = self.guard.admit(self.unguarded(), sql, passage).await?;
        guard::refuse_control(passage.backend, sql)?;
        Ok(change)
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The connection past the guard, for what capture has to say.
    pub(crate) fn unguarded(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Lets the statement pass that `SeaORM` is about to send, because a hook sees to its entry.
    pub(crate) fn permit(&self, table: &str, operation: Operation) {
        self.permits.leave(table, operation);
    }

    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    /// Keeps an entry for the commit, or writes out what has grown too large to keep.
    pub(crate) async fn keep(&self, entry: AuditEntry) -> Result<(), DbErr> {
        if !self.ledger.levels.push(entry) {
            return Ok(());
        }
        self.write(Levels::take).await
    }

    /// Writes all entries that are kept, also those of the levels around this one.
    pub(super) async fn write_out(&self) -> Result<(), DbErr> {
        self.write(Levels::take_all).await
    }

    /// Takes places in the queue for the entries that are left, or writes them.
    pub(super) async fn place_or_write(&mut self) -> Result<Option<Slot>, DbErr> {
        let Some(backlog) = self.backlog.take() else {
            return self.write_out().await.map(|()| None);
        };
        let entries = self.ledger.levels.take_all();
        if !entries.is_empty() {
            self.require_open().await?;
        }
        match backlog.place(entries) {
            Ok(slot) => Ok(slot),
            Err(entries) => {
                let stored = store_all(&self.inner, self.config.failure_policy(), entries);
                added(Step::Entry, stored).await.map(|()| None)
            }
        }
    }

    /// `PostgreSQL` answers the `COMMIT` of a transaction in which a statement has failed by rolling it back, and calls
    /// that no error. It is one of any other statement, as of that which would write the entries here.
    async fn require_open(&self) -> Result<(), DbErr> {
        if self.inner.get_database_backend() == DbBackend::Postgres {
            self.inner.execute_unprepared("SELECT 1").await?;
        }
        Ok(())
    }

    /// Whoever fails here, or is dropped, has taken entries that are not written.
    async fn write(&self, take: fn(&Levels) -> Vec<AuditEntry>) -> Result<(), DbErr> {
        let unfinished = self.ledger.unfinished(Broken::EntryFailed);
        let entries = take(&self.ledger.levels);
        let stored = store_all(&self.inner, self.config.failure_policy(), entries);
        added(Step::Entry, stored).await?;
        unfinished.done();
        Ok(())
    }

    /// Tells that the write which has the turn fails ahead of its statement: it has changed nothing.
    pub(crate) fn give_up(&self) {
        self.ledger.give_up();
    }

    /// Does what belongs to a change that has been made. Dropped half-way, all can only be rolled back.
    pub(crate) async fn follow_up<T>(&self, work: impl Future<Output = T>) -> T {
        let unfinished = self.ledger.unfinished(Broken::Cancelled);
        let outcome = work.await;
        unfinished.done();
        outcome
    }

    /// Tells that a change has been made which will have no entry.
    pub(crate) fn entry_failed(&self) {
        self.ledger.set_broken(Broken::EntryFailed);
    }

    /// Notes that a statement which is not ours has ended the transaction.
    pub(super) async fn heed<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &outcome
            && self.inner.is_gone(error).await
        {
            self.ledger.set_broken(Broken::Unclear);
        }
        outcome
    }

    /// The same of an item of a stream, during which nothing can be asked.
    #[cfg(feature = "stream")]
    pub(super) fn heed_at_once(&self, error: &DbErr) {
        if own_transaction::after(error) != Transaction::Stands {
            self.ledger.set_broken(Broken::Unclear);
        }
    }

    pub(crate) fn group(&self) -> Uuid {
        self.ledger.group()
    }

    pub(crate) fn is_deferred(&self) -> bool {
        self.deferred
    }
}
