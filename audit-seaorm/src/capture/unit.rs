use std::sync::Arc;

use audit_core::{AuditConfig, Operation, Stamp};
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionSession, TransactionTrait,
    prelude::Uuid,
    sea_query::{Expr, Query},
};

use tracing::Instrument;

use super::{Executor, escape::escaped, ground::Ground, shield, turn::Turn, write::Write};
use crate::{
    error::Place,
    guard::Guard,
    measure::{Step, added},
    writer::{Backlog, Held, Recorder, Sink},
};

/// Writes a row and its entry as one, on whatever the caller passed.
///
/// Boxed, so that the futures of applications do not contain all of this: the compiler goes 128 levels deep into one
/// and no further, and slowly.
pub(crate) fn perform<W: Write, C: ConnectionTrait>(
    write: W,
    recorder: Recorder<W::Entity>,
    db: &C,
) -> BoxFuture<'_, Result<W::Output, DbErr>> {
    let span =
        tracing::debug_span!("audit.write", table = recorder.table(), operation = %W::OPERATION);
    Box::pin(perform_in_span(write, recorder, db).instrument(span))
}

async fn perform_in_span<W: Write, C: ConnectionTrait>(
    write: W,
    recorder: Recorder<W::Entity>,
    db: &C,
) -> Result<W::Output, DbErr> {
    let background = recorder.background();
    match Executor::of(db) {
        Executor::Pool(pool) => on_pool(write, recorder, pool.clone(), None, background).await,
        Executor::Guarded(guarded) => {
            if W::OPERATION != Operation::Create {
                guarded.learn().await?;
            }
            let guard = guarded.guard().clone();
            on_pool(write, recorder, guarded.inner().clone(), Some(guard), background).await
        }
        Executor::Audit(txn) => txn.perform(write, recorder).await,
        Executor::Transaction(txn) => on_transaction(write, recorder, txn).await,
        #[cfg(feature = "rbac")]
        // The role must be allowed to write the entry.
        Executor::Restricted(pool) => on_pool(write, recorder, pool.clone(), None, None).await,
        #[cfg(feature = "rbac")]
        Executor::RestrictedTransaction(txn) => on_transaction(write, recorder, txn).await,
        Executor::Unknown(name) => {
            if recorder.is_recording() {
                escaped(&recorder, W::OPERATION, Place::Unknown(name))?;
            }
            write.run(&recorder, Ground::of_caller(db)).await
        }
    }
}

async fn on_transaction<W: Write, T: ConnectionTrait + TransactionTrait>(
    write: W,
    recorder: Recorder<W::Entity>,
    txn: &T,
) -> Result<W::Output, DbErr> {
    let outcome = Unit::on_transaction(txn).await?.perform(write, recorder).await;
    if outcome.is_err() {
        // After a deadlock MariaDB knows the savepoint no more, and SeaORM queues a second
        // rollback to it: its failure goes to this statement and not to the caller's next one.
        if Executor::of(txn).is_typed() {
            let _ = txn.query_one(&Query::select().expr(Expr::val(1)).take()).await;
        } else {
            let _ = txn.execute_unprepared("SELECT 1").await;
        }
    }
    outcome
}

async fn on_pool<W: Write, P: ConnectionTrait + TransactionTrait + Send + 'static>(
    write: W,
    recorder: Recorder<W::Entity>,
    pool: P,
    guard: Option<Guard>,
    background: Option<Arc<AuditConfig>>,
) -> Result<W::Output, DbErr>
where
    P::Transaction: Send + Sync + 'static,
{
    let begin = async move {
        let backlog = match background {
            Some(config) => Backlog::reserve(&config, pool.get_database_backend()).await,
            None => None,
        };
        Unit::on_pool(&pool, guard, backlog).await
    };
    shield::run(begin, |unit| unit.perform(write, recorder)).await
}

/// What one operation does, as a whole: a transaction of its own on a pool, a savepoint on a
/// transaction. Dropping it takes everything back.
struct Unit<T> {
    txn: T,
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

impl<T: ConnectionTrait + TransactionSession> Unit<T> {
    /// `BEGIN IMMEDIATE` on `SQLite`, where the lock of a row is the lock of the file.
    async fn on_pool<P: TransactionTrait<Transaction = T>>(
        db: &P,
        guard: Option<Guard>,
        backlog: Option<Backlog>,
    ) -> Result<Self, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let txn = added(Step::Begin, db.begin_with_options(options)).await?;
        let group = Stamp::next().id;
        let later =
            backlog.map(|backlog| Later { held: Held::new(group, backlog.policy()), backlog });
        Ok(Self { txn, group: Some(group), guard, later, turn: None })
    }

    async fn on_transaction<P: TransactionTrait<Transaction = T>>(txn: &P) -> Result<Self, DbErr> {
        let turn = Turn::take(txn).await;
        let txn = added(Step::Begin, txn.begin()).await?;
        Ok(Self { txn, group: None, guard: None, later: None, turn: Some(turn) })
    }

    async fn perform<W: Write>(
        self,
        write: W,
        recorder: Recorder<W::Entity>,
    ) -> Result<W::Output, DbErr> {
        let outcome = write.run(&recorder, self.ground()).await;
        self.finish(outcome).await
    }

    fn ground(&self) -> Ground<'_, T> {
        let on_callers_transaction = self.turn.is_some();
        Ground {
            db: &self.txn,
            sink: match &self.later {
                Some(later) => Sink::Held(&later.held),
                None => Sink::Connection(self.group),
            },
            deferred: on_callers_transaction
                && self.txn.get_database_backend() == DbBackend::Sqlite,
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
            Err(entries) => match held.write(&self.txn, entries).await {
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
        let _ = self.txn.rollback().await;
        Err(error)
    }
}
