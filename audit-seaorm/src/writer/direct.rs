use audit_core::AuditEntry;
use sea_orm::{ConnectionTrait, DbErr, TransactionOptions};

use super::{explained::explained, in_order::insert_in_order, insert::insert};
use crate::{
    error::AuditError,
    own_transaction::{OwnTransaction, Session},
};

/// The length of `audit_trail.user_id`, which an index limits as it does that of `record_id`.
const MAX_USER_ID_CHARS: usize = 512;

/// Stores one entry as it is.
#[allow(clippy::missing_errors_doc, reason = "nobody else calls it")]
pub async fn store<C: ConnectionTrait>(db: &C, entry: AuditEntry) -> Result<(), DbErr> {
    explained(db, insert(db, vec![entry]).await).await
}

/// Stores one entry on the connection that made the change, behind the last one of its record.
pub(super) async fn store_in_order<C: ConnectionTrait>(
    db: &C,
    entry: AuditEntry,
) -> Result<(), DbErr> {
    explained(db, insert_in_order(db, vec![entry]).await).await
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
    match store_in_order(&*savepoint, entry).await {
        Ok(()) => savepoint.commit().await.map(Ok),
        Err(error) => savepoint.take_back(error).await.map(Err),
    }
}

pub(crate) fn check_user(entry: &AuditEntry) -> Result<(), AuditError> {
    let chars = entry.user_id.as_ref().map_or(0, |id| id.chars().count());
    if chars > MAX_USER_ID_CHARS {
        return Err(AuditError::UserIdTooLong { chars, max: MAX_USER_ID_CHARS });
    }
    Ok(())
}
