//! Entries into the table, each once, whatever became of the attempts before.

use std::collections::HashSet;

use audit_core::{AuditConfig, AuditEntry};
use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid,
};

use super::queue::Batch;
use crate::{
    AuditTransaction,
    database_error::DatabaseError,
    entity::{self, Column, Entity},
    writer::{explanation, insert::insert},
};

/// So many refused and none written: it is not the entries.
const TOO_MANY: usize = 8;

/// What became of a batch. What is in neither list was not tried.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) written: Vec<u64>,
    /// Refused, while the database answers.
    pub(super) refused: Vec<u64>,
    pub(super) error: Option<DbErr>,
}

/// Writes a batch by one statement, or one by one if it is refused. `again`: some of it may be there already.
pub(super) async fn store(db: &DatabaseConnection, batch: Batch, again: bool) -> Attempt {
    let mut attempt = Attempt::default();
    let absent = if again { attempt.absent(db, batch).await } else { batch };
    if absent.is_empty() || attempt.error.is_some() {
        return attempt;
    }
    let entries = absent.iter().map(|(_, entry)| AuditEntry::clone(entry)).collect();
    match write(db, entries).await {
        Ok(()) => attempt.written.extend(absent.iter().map(|(place, _)| place)),
        Err(error) => {
            attempt.one_by_one(db, absent).await;
            if attempt.error.is_none() {
                attempt.error = Some(explanation(db, error).await);
            }
        }
    }
    attempt
}

impl Attempt {
    async fn one_by_one(&mut self, db: &DatabaseConnection, batch: Batch) {
        // The answer may have been lost and not the statement.
        for (place, entry) in self.absent(db, batch).await {
            match write(db, vec![AuditEntry::clone(&entry)]).await {
                Ok(()) => self.written.push(place),
                Err(error) if DatabaseError::is_conflict(&error) => {
                    self.error = Some(error);
                    return;
                }
                Err(error) => {
                    let unwritten = self.absent(db, vec![(place, entry)]).await;
                    self.refused.extend(unwritten.into_iter().map(|(place, _)| place));
                    if self.error.is_some() {
                        return;
                    }
                    if self.written.is_empty() && self.refused.len() >= TOO_MANY {
                        self.error = Some(explanation(db, error).await);
                        return;
                    }
                }
            }
        }
    }

    /// Those that are not in the table; those that are count as written. None if nobody can tell.
    async fn absent(&mut self, db: &DatabaseConnection, batch: Batch) -> Batch {
        let there = match present(db, batch.iter().map(|(_, entry)| &**entry)).await {
            Ok(there) => there,
            Err(error) => {
                self.error = Some(explanation(db, error).await);
                return Vec::new();
            }
        };
        let (there, absent): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, entry)| there.contains(&entry.id));
        self.written.extend(there.into_iter().map(|(place, _)| place));
        absent
    }
}

/// A transaction for one statement: an application whose `BEGIN` is dropped half-way gives its connection back inside
/// of a transaction that nobody knows of. There a statement that has been answered is undone all the same, together
/// with that transaction, and a question is answered as of its beginning. So this begins, and the caller commits.
async fn begin(db: &DatabaseConnection) -> Result<AuditTransaction, DbErr> {
    // Under no configuration of the caller's, which may have a queue of its own.
    AuditConfig::new().scope(AuditTransaction::begin(db)).await
}

async fn write(db: &DatabaseConnection, entries: Vec<AuditEntry>) -> Result<(), DbErr> {
    let txn = begin(db).await?;
    if let Err(error) = insert(txn.core().unguarded(), entries).await {
        // The reason matters more than a rollback that failed too.
        let _ = txn.rollback().await;
        return Err(error);
    }
    txn.commit().await
}

/// Which of these are in the table. The times lead to the partitions, where the table has some.
pub(super) async fn present<'a>(
    db: &DatabaseConnection,
    entries: impl Iterator<Item = &'a AuditEntry> + Clone,
) -> Result<HashSet<Uuid>, DbErr> {
    let times = entries.clone().map(|entry| entry.timestamp);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        return Ok(HashSet::new());
    };
    let backend = db.get_database_backend();
    let (first, last) = (entity::moment(backend, first), entity::moment(backend, last));
    let txn = begin(db).await?;
    let ids = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(entries.map(|entry| entry.id)))
        .filter(Column::Timestamp.between(first, last))
        .into_tuple::<Uuid>()
        .all(txn.core().unguarded())
        .await;
    txn.commit().await?;
    Ok(ids?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use audit_core::{Change, Image, Policy, Stamp};
    use audit_migration::{Migrator, MigratorTrait};
    use sea_orm::{
        ConnectOptions, Database, SqliteTransactionMode, TransactionOptions, TransactionTrait,
    };
    use tempfile::TempDir;

    use super::*;

    fn entry() -> Arc<AuditEntry> {
        let change = Change::create("post", "1", Image::new());
        let recorded = Policy::new().apply(change).ok().flatten().expect("a create is recorded");
        Arc::new(AuditEntry::new(recorded, None, None, Stamp::next()))
    }

    async fn open(folder: &TempDir) -> DatabaseConnection {
        let file = folder.path().join("test.db");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
        options.map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(Duration::from_millis(20)));
        Database::connect(options).await.expect("a file of our own")
    }

    #[tokio::test]
    async fn a_lock_is_no_refusal() {
        let folder = tempfile::tempdir().expect("a folder");
        let (db, other) = (open(&folder).await, open(&folder).await);
        Migrator::up(&db, None).await.expect("a table");
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let lock = other.begin_with_options(immediate).await.expect("the only writer");

        let batch = vec![(1, entry()), (2, entry())];
        let attempt = store(&db, batch.clone(), false).await;
        assert!(attempt.written.is_empty() && attempt.refused.is_empty(), "{:?}", attempt.refused);
        assert!(attempt.error.is_some());

        lock.rollback().await.expect("an end of it");
        let attempt = store(&db, batch, true).await;
        assert_eq!((attempt.written, attempt.refused), (vec![1, 2], vec![]));
    }
}
