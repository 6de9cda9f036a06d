use std::sync::Arc;

use audit_core::{AuditConfig, Operation, Stamp};
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, SqliteTransactionMode, TransactionOptions,
    prelude::Uuid,
    sea_query::{Expr, Query},
};

use tracing::Instrument;

use super::{
    Executor,
    ground::Ground,
    opened::{Opened, Source},
    pauses::Pauses,
    sent::Sent,
    shield,
    turn::Turn,
    write::{Answer, Job, Recorded, Write},
};
use crate::{
    engine::{PoolId, require_transactions},
    error::Place,
    guard::Guard,
    measure::{Step, added},
    writer::{Backlog, Held, Recorder, Sink},
};

/// Writes a row and its entry as one, on whatever the caller passed.
pub(crate) fn perform<W: Write, C: ConnectionTrait>(
    write: W,
    recorder: Recorder<W::Entity>,
    sent: Sent,
    db: &C,
) -> BoxFuture<'_, Result<W::Output, DbErr>> {
    let (job, db) = (Box::new(Recorded { write, recorder }), Executor::of(db));
    Box::pin(async move {
        let answer = perform_job(job, db).await.map_err(|error| sent.error(db, error))?;
        let answer = answer.downcast::<W::Output>();
        answer.map(|output| *output).map_err(|_| DbErr::Type("audit: another output".to_owned()))
    })
}

/// Boxed, so that the futures of applications do not contain all of this: the compiler goes 128 levels deep into one
/// and no further, and slowly.
fn perform_job(job: Box<dyn Job>, db: Executor<'_>) -> BoxFuture<'_, Result<Answer, DbErr>> {
    let operation = job.operation();
    let span = tracing::debug_span!("audit.write", table = job.table(), %operation);
    Box::pin(perform_in_span(job, db).instrument(span))
}

async fn perform_in_span(mut job: Box<dyn Job>, db: Executor<'_>) -> Result<Answer, DbErr> {
    job.require_user()?;
    match db {
        Executor::Pool(pool) => on_pool(job, Source::Plain(pool.clone()), None).await,
        Executor::Guarded(guarded) => {
            if job.operation() != Operation::Create {
                guarded.learn().await?;
            }
            let guard = guarded.guard().of_transaction();
            on_pool(job, Source::Plain(guarded.inner().clone()), Some(guard)).await
        }
        Executor::Audit(txn) => txn.perform(job).await,
        Executor::Transaction(txn) => on_transaction(job, db, Turn::take(txn).await).await,
        #[cfg(feature = "rbac")]
        Executor::Restricted(pool) => on_pool(job, Source::Restricted(pool.clone()), None).await,
        #[cfg(feature = "rbac")]
        Executor::RestrictedTransaction(txn) => {
            on_transaction(job, db, Turn::take(txn).await).await
        }
        Executor::Unknown(unknown) => {
            job.escape(Place::Unknown(unknown.name()))?;
            job.run(Ground::of_caller(db)).await
        }
    }
}

async fn on_transaction(
    mut job: Box<dyn Job>,
    txn: Executor<'_>,
    turn: Turn,
) -> Result<Answer, DbErr> {
    let outcome = Unit::on_transaction(txn, turn).await?.perform(&mut *job).await;
    if outcome.is_err() && txn.is_typed() {
        // Where no text of ours passes, MariaDB knows the savepoint no more after a deadlock, and SeaORM queues a second
        // rollback to it: its failure goes to this statement and not to the caller's next one.
        let _ = txn.query_one(&Query::select().expr(Expr::val(1)).take()).await;
    }
    outcome
}

async fn on_pool(job: Box<dyn Job>, pool: Source, guard: Option<Guard>) -> Result<Answer, DbErr> {
    // The role of a restricted pool must be allowed to write the entry.
    let background = if pool.executor().is_typed() { None } else { job.background() };
    let units = Units { pool, guard, background };
    let begin = async move { units.begin().await.map(|unit| (units, unit)) };
    shield::run(begin, |(units, unit)| units.perform(job, unit)).await
}

/// The units of one job on a pool: others may be in the way of the first.
struct Units {
    pool: Source,
    guard: Option<Guard>,
    background: Option<Arc<AuditConfig>>,
}

impl Units {
    async fn begin(&self) -> Result<Unit, DbErr> {
        let backlog = match &self.background {
            Some(config) => {
                Backlog::reserve(config, self.pool.executor().get_database_backend()).await
            }
            None => None,
        };
        Unit::on_pool(&self.pool, self.guard.clone(), backlog).await
    }

    /// Again where the database rolled it back in favour of somebody else, as it says without doubt: nothing of it is
    /// committed, and the hooks of the application are not part of it.
    async fn perform(self, mut job: Box<dyn Job>, mut unit: Unit) -> Result<Answer, DbErr> {
        let mut pauses = Pauses::default();
        loop {
            let outcome = unit.perform(&mut *job).await;
            let Some(pause) = outcome.as_ref().err().and_then(|error| pauses.after(error)) else {
                return outcome;
            };
            tracing::debug!(table = job.table(), ?pause, "others were in the way: once more");
            tokio::time::sleep(pause).await;
            unit = self.begin().await?;
        }
    }
}

/// What one operation does, as a whole: a transaction of its own on a pool, a savepoint on a
/// transaction. Dropping it takes everything back.
struct Unit {
    txn: Opened,
    pool: PoolId,
    group: Option<Uuid>,
    guard: Option<Guard>,
    later: Option<Later>,
    // Declared last, so that the next in line finds the savepoint gone.
    turn: Option<Turn>,
}

/// The entries that will be written after the commit, and their way there.
struct Later {
    held: Held,
    backlog: Backlog,
}

impl Unit {
    /// `BEGIN IMMEDIATE` on `SQLite`, where the lock of a row is the lock of the file.
    async fn on_pool(
        pool: &Source,
        guard: Option<Guard>,
        backlog: Option<Backlog>,
    ) -> Result<Self, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let txn = added(Step::Begin, pool.begin(options)).await?;
        let pool = pool.id();
        let group = Stamp::next().id;
        let later =
            backlog.map(|backlog| Later { held: Held::new(group, backlog.policy()), backlog });
        Ok(Self { txn, pool, group: Some(group), guard, later, turn: None })
    }

    async fn on_transaction(txn: Executor<'_>, turn: Turn) -> Result<Self, DbErr> {
        let txn = added(Step::Begin, Opened::within(txn)).await?;
        let pool = PoolId::default();
        Ok(Self { txn, pool, group: None, guard: None, later: None, turn: Some(turn) })
    }

    async fn perform(self, job: &mut dyn Job) -> Result<Answer, DbErr> {
        let outcome = self.run(job).await;
        self.finish(outcome).await
    }

    async fn run(&self, job: &mut dyn Job) -> Result<Answer, DbErr> {
        if let Some(table) = job.recorded_table() {
            require_transactions(&self.txn.executor(), &self.pool, table).await?;
        }
        job.run(self.ground()).await
    }

    fn ground(&self) -> Ground<'_> {
        let on_callers_transaction = self.turn.is_some();
        let db = self.txn.executor();
        Ground {
            db,
            sink: match &self.later {
                Some(later) => Sink::Held(&later.held),
                None => Sink::Connection(self.group),
            },
            deferred: on_callers_transaction && db.get_database_backend() == DbBackend::Sqlite,
            guard: self.guard.as_ref(),
        }
    }

    /// Commits what succeeded and takes back what did not.
    async fn finish<O>(self, outcome: Result<O, DbErr>) -> Result<O, DbErr> {
        match outcome {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(error) => self.take_back(error).await,
        }
    }

    async fn commit(mut self) -> Result<(), DbErr> {
        let Some(Later { held, backlog }) = self.later.take() else {
            return self.txn.commit().await;
        };
        let slot = match backlog.place(held.take()) {
            Ok(slot) => slot,
            Err(entries) => match held.write(self.txn.executor(), entries).await {
                Ok(()) => None,
                Err(error) => return self.take_back(error).await,
            },
        };
        let outcome = self.txn.commit().await;
        // Nothing is waited for in between: whoever has committed has said so.
        if let Some(slot) = slot {
            slot.settle(&outcome);
        }
        outcome
    }

    async fn take_back<O>(self, error: DbErr) -> Result<O, DbErr> {
        // The reason matters more than a rollback that failed too: then the connection is lost, and
        // the database has taken everything back already.
        let _ = self.txn.roll_back_after(&error).await;
        Err(error)
    }
}
