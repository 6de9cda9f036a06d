use audit_core::{AuditEntry, FailurePolicy};
use sea_orm::{DatabaseTransaction, DbErr, TransactionOptions};

use super::{AuditCounters, direct, explained::explained, in_order::insert_in_order};
use crate::{chunk, own_transaction::OwnTransaction};

/// The largest number of entries in one statement: 256 times 13 columns stay below the 32,766 binds of
/// `SQLite`, the fewest of the three.
const MAX_CHUNK: usize = 256;

/// Stores entries in few statements.
pub(crate) async fn store_all(
    txn: &DatabaseTransaction,
    policy: FailurePolicy,
    mut entries: Vec<AuditEntry>,
) -> Result<(), DbErr> {
    while !entries.is_empty() {
        let rest = entries.split_off(chunk::size(entries.len(), MAX_CHUNK));
        let chunk = std::mem::replace(&mut entries, rest);
        if policy == FailurePolicy::Continue {
            store_chunk_apart(txn, chunk).await?;
        } else {
            store_chunk(txn, chunk).await?;
        }
    }
    Ok(())
}

async fn store_chunk(txn: &DatabaseTransaction, chunk: Vec<AuditEntry>) -> Result<(), DbErr> {
    let count = chunk.len();
    match explained(txn, insert_in_order(txn, chunk).await).await {
        Ok(()) => {
            AuditCounters::count_written(count);
            Ok(())
        }
        Err(error) => {
            AuditCounters::count_failed(count);
            tracing::error!(%error, count, "audit entries could not be stored: the commit fails");
            Err(error)
        }
    }
}

/// As many of them as can be: if they do not go in together, each goes in by itself or is lost.
async fn store_chunk_apart(txn: &DatabaseTransaction, chunk: Vec<AuditEntry>) -> Result<(), DbErr> {
    let savepoint = OwnTransaction::within(txn, TransactionOptions::default()).await?;
    if let Err(error) = insert_in_order(&*savepoint, chunk.clone()).await {
        savepoint.take_back(error).await?;
    } else {
        AuditCounters::count_written(chunk.len());
        return savepoint.commit().await;
    }
    for entry in chunk {
        let table = entry.table_name.clone();
        match direct::store_apart(txn, entry).await? {
            Ok(()) => AuditCounters::count_written(1),
            Err(error) => {
                AuditCounters::count_failed(1);
                tracing::error!(table, %error, "audit entry lost: the transaction goes on without it");
            }
        }
    }
    Ok(())
}
