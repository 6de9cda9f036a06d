use audit_core::AuditEntry;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, Iterable, TransactionOptions,
    sea_query::{Expr, Query},
};

use super::{
    explained::explained,
    insert::{insert, row},
};
use crate::{
    entity::{Column, Entity},
    error::AuditError,
    own_transaction::{OwnTransaction, Session},
};

/// The length of `audit_trail.user_id`, which an index limits as it does that of `record_id`.
const MAX_USER_ID_CHARS: usize = 512;

/// Stores one entry on the connection that made the change.
#[allow(clippy::missing_errors_doc, reason = "nobody else calls it")]
pub async fn store<C: ConnectionTrait>(db: &C, entry: AuditEntry) -> Result<(), DbErr> {
    match insert(db, vec![entry]).await {
        Ok(()) => Ok(()),
        Err(error) => Err(explained(db, error).await),
    }
}

/// Stores one entry so that a failure leaves the transaction as it was.
///
/// The inner result is the entry's, the outer one the transaction's: where that itself is lost, no
/// policy can let the write go on. The savepoint cures `PostgreSQL`, which refuses every statement
/// after a failed one, and notices a deadlock on `MariaDB`, which undoes the whole transaction.
pub(super) async fn store_apart<T: Session>(
    txn: &T,
    entry: AuditEntry,
) -> Result<Result<(), DbErr>, DbErr> {
    let savepoint = OwnTransaction::within(txn, TransactionOptions::default()).await?;
    let outcome = match savepoint.get_database_backend() {
        DbBackend::Sqlite => store_undoably(&*savepoint, entry).await,
        _ => store(&*savepoint, entry).await,
    };
    match outcome {
        Ok(()) => savepoint.commit().await.map(Ok),
        Err(error) => savepoint.take_back(error).await.map(Err),
    }
}

/// On a full disk `SQLite` undoes a statement alone if it keeps a journal of it, and the whole
/// transaction if not. It keeps one for a statement that may write several rows, as it thinks of
/// `INSERT … SELECT` (`sqlite3VdbeHalt`, `usesStmtJournal`).
async fn store_undoably<C: ConnectionTrait>(db: &C, entry: AuditEntry) -> Result<(), DbErr> {
    let values = row(DbBackend::Sqlite, entry).map(Expr::val);
    let insert = Query::insert()
        .into_table(Entity)
        .columns(Column::iter())
        .select_from(Query::select().exprs(values).take())
        .map_err(|error| DbErr::Type(error.to_string()))?
        .take();
    match db.execute(&insert).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explained(db, error).await),
    }
}

pub(crate) fn check_user(entry: &AuditEntry) -> Result<(), AuditError> {
    let chars = entry.user_id.as_ref().map_or(0, |id| id.chars().count());
    if chars > MAX_USER_ID_CHARS {
        return Err(AuditError::UserIdTooLong { chars, max: MAX_USER_ID_CHARS });
    }
    Ok(())
}
