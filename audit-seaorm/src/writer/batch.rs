use audit_core::{AuditEntry, FailurePolicy};
use sea_orm::{DatabaseTransaction, DbErr, EntityTrait, TransactionTrait};

use super::{AuditCounters, direct};
use crate::entity::{ActiveModel, Entity};

/// The largest number of entries in one statement: 256 times 13 columns stay below the 32,766 binds of
/// `SQLite`, the fewest of the three.
const MAX_CHUNK: usize = 256;

/// Stores the entries of a transaction just before it commits.
///
/// A statement takes a power of two of them. Drivers prepare each SQL text once and keep it, and a text
/// for every number of rows would throw the others out; so there are nine at most, and a hundred
/// entries are three statements.
pub(crate) async fn store_all(
    txn: &DatabaseTransaction,
    policy: FailurePolicy,
    mut entries: Vec<AuditEntry>,
) -> Result<(), DbErr> {
    while !entries.is_empty() {
        let rest = entries.split_off(chunk_of(entries.len()));
        let chunk = std::mem::replace(&mut entries, rest);
        if policy == FailurePolicy::Continue {
            store_chunk_apart(txn, chunk).await?;
        } else {
            store_chunk(txn, chunk).await?;
        }
    }
    Ok(())
}

/// The largest power of two that is no larger, up to the limit.
fn chunk_of(entries: usize) -> usize {
    1 << entries.min(MAX_CHUNK).ilog2()
}

async fn store_chunk(txn: &DatabaseTransaction, chunk: Vec<AuditEntry>) -> Result<(), DbErr> {
    let count = chunk.len();
    let rows = chunk.into_iter().map(ActiveModel::from);
    let insert = Entity::insert_many(rows);
    match insert.exec_without_returning(txn).await.map_err(direct::explained) {
        Ok(_) => {
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
    let savepoint = txn.begin().await?;
    let rows = chunk.iter().cloned().map(ActiveModel::from);
    let together = Entity::insert_many(rows).exec_without_returning(&savepoint).await;
    if together.is_ok() {
        AuditCounters::count_written(chunk.len());
        return savepoint.commit().await;
    }
    savepoint.rollback().await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_up_to_the_limit() {
        let mut left = 1000;
        let mut chunks = Vec::new();
        while left > 0 {
            chunks.push(chunk_of(left));
            left -= chunk_of(left);
        }
        assert_eq!(chunks, [256, 256, 256, 128, 64, 32, 8]);
    }
}
