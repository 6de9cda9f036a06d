use audit_core::{Operation, Stamp};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use uuid::Uuid;

use super::{Executor, escape::escaped, ground::Ground, turn::Turn};
use crate::{Auditable, error::Place, writer::Recorder};

/// What one operation does, as a whole: a transaction of its own on a pool, a savepoint on a
/// transaction. Dropping it, as a cancelled future does, takes everything back.
pub(super) struct Unit {
    txn: DatabaseTransaction,
    group: Option<Uuid>,
    // Declared last, so that the next in line finds the savepoint gone.
    turn: Option<Turn>,
}

impl Unit {
    /// Opens a unit on what the caller passed; none where that can hold none and the policy lets the
    /// write go on without.
    pub(super) async fn open<E, C>(
        db: &C,
        recorder: &Recorder<E>,
        operation: Operation,
    ) -> Result<Option<Self>, DbErr>
    where
        E: Auditable,
        C: ConnectionTrait,
    {
        match Executor::of(db) {
            Executor::Pool(pool) => Self::on_pool(pool).await.map(Some),
            Executor::Transaction(txn) => Self::on_transaction(txn).await.map(Some),
            Executor::Unknown(name) => {
                escaped(recorder, operation, Place::Unknown(name))?;
                Ok(None)
            }
        }
    }

    /// `BEGIN IMMEDIATE` on `SQLite`, where the lock of a row is the lock of the file.
    async fn on_pool(db: &DatabaseConnection) -> Result<Self, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Self {
            txn: db.begin_with_options(options).await?,
            group: Some(Stamp::next().id),
            turn: None,
        })
    }

    async fn on_transaction(txn: &DatabaseTransaction) -> Result<Self, DbErr> {
        let turn = Turn::take(txn).await;
        Ok(Self { txn: txn.begin().await?, group: None, turn: Some(turn) })
    }

    pub(super) fn ground(&self) -> Ground<'_, DatabaseTransaction> {
        let on_callers_transaction = self.turn.is_some();
        Ground {
            db: &self.txn,
            group: self.group,
            deferred: on_callers_transaction
                && self.txn.get_database_backend() == DbBackend::Sqlite,
        }
    }

    /// Commits what succeeded and takes back what did not.
    pub(super) async fn finish<T>(self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        match outcome {
            Ok(value) => {
                self.txn.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The reason matters more than a rollback that failed too: then the connection is
                // lost, and the database has taken everything back already.
                if let Err(lost) = self.txn.rollback().await {
                    tracing::debug!(error = %lost, "rollback of an audited operation failed");
                }
                Err(error)
            }
        }
    }
}
