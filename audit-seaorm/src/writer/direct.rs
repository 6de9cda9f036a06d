use audit_core::AuditEntry;
use sea_orm::{ConnectionTrait, DbErr, TransactionSession, TransactionTrait};

use super::{in_order::insert_in_order, insert::insert};
use crate::error::AuditError;

/// The length of `audit_trail.user_id`, which an index limits as it does that of `record_id`.
const MAX_USER_ID_CHARS: usize = 512;

/// Stores one entry as it is.
#[allow(clippy::missing_errors_doc, reason = "nobody else calls it")]
pub async fn store<C: ConnectionTrait>(db: &C, entry: AuditEntry) -> Result<(), DbErr> {
    insert(db, vec![entry]).await.map_err(explained)
}

/// Stores one entry on the connection that made the change, behind the last one of its record.
pub(super) async fn store_in_order<C: ConnectionTrait>(
    db: &C,
    entry: AuditEntry,
) -> Result<(), DbErr> {
    insert_in_order(db, vec![entry]).await.map_err(explained)
}

/// Stores one entry so that a failure leaves the transaction as it was.
///
/// The inner result is the entry's, the outer one the transaction's: where that itself is lost, no
/// policy can let the write go on. The savepoint cures `PostgreSQL`, which refuses every statement
/// after a failed one, and notices a deadlock on `MariaDB`, which undoes the whole transaction.
pub(super) async fn store_apart<T: TransactionTrait<Transaction: ConnectionTrait>>(
    txn: &T,
    entry: AuditEntry,
) -> Result<Result<(), DbErr>, DbErr> {
    let savepoint = txn.begin().await?;
    match store_in_order(&savepoint, entry).await {
        Ok(()) => savepoint.commit().await.map(Ok),
        Err(error) => savepoint.rollback().await.map(|()| Err(error)),
    }
}

pub(crate) fn check_user(entry: &AuditEntry) -> Result<(), AuditError> {
    let chars = entry.user_id.as_ref().map_or(0, |id| id.chars().count());
    if chars > MAX_USER_ID_CHARS {
        return Err(AuditError::UserIdTooLong { chars, max: MAX_USER_ID_CHARS });
    }
    Ok(())
}

/// The first error that a newcomer meets says what to do. All others stay as the database gave them,
/// so that code which retries a deadlock or a serialization failure still knows one.
pub(crate) fn explained(error: DbErr) -> DbErr {
    let text = error.to_string();
    let missing = text.contains("no such table: audit_trail")
        || text.contains("audit_trail' doesn't exist")
        || (text.contains("relation \"audit_trail\" does not exist") && !text.contains("column"));
    if missing { AuditError::TableMissing(error).into() } else { error }
}
