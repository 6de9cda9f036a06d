//! The foreign keys that a connection knows, and when it learns them again.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use audit_core::AuditConfig;
use sea_orm::{ConnectionTrait, DbErr};

use super::foreign_keys::ForeignKeys;

/// How long the foreign keys are taken for those of the database: another process may change them.
const MAX_AGE: Duration = Duration::from_secs(30);
/// The same in times of what the reading took: the schema of `MariaDB` is slow to read, at 1 ms a table.
const MAX_SHARE: u32 = 100;

/// The foreign keys of a database as a connection, or a transaction, last read them.
#[derive(Debug, Default)]
pub(super) struct KnownKeys {
    read: RwLock<Option<Reading>>,
    /// How many statements here have changed the schema.
    changes: AtomicU64,
    /// One task reads, and the others wait for it.
    reading: tokio::sync::Mutex<()>,
    /// Those of which a warning is in the log.
    reported: Arc<Mutex<HashSet<String>>>,
    /// What the connection knows on which this transaction began.
    origin: Option<Arc<Self>>,
}

#[derive(Clone, Debug)]
struct Reading {
    keys: Arc<ForeignKeys>,
    at: Instant,
    max_age: Duration,
    /// The changes of the schema before it.
    changes: u64,
}

impl KnownKeys {
    /// For a transaction, which reads on its own connection: it sees its own changes of the schema, and never
    /// waits for another connection.
    pub(super) fn of_transaction(origin: &Arc<Self>) -> Self {
        let read = origin.current().map(|reading| Reading { changes: 0, ..reading });
        Self {
            read: RwLock::new(read),
            changes: AtomicU64::new(0),
            reading: tokio::sync::Mutex::default(),
            reported: Arc::clone(&origin.reported),
            origin: Some(Arc::clone(origin)),
        }
    }

    /// Those read last.
    pub(super) fn keys(&self) -> Option<Arc<ForeignKeys>> {
        Some(self.last()?.keys)
    }

    /// Reads the keys, unless they are known well enough.
    pub(super) async fn learn(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        if self.current().is_some() {
            return Ok(());
        }
        let _turn = self.reading.lock().await;
        if self.current().is_some() {
            return Ok(());
        }
        let changes = self.changes.load(Ordering::Acquire);
        let at = Instant::now();
        let keys = Arc::new(ForeignKeys::read(db).await?);
        self.report(&keys);
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        let max_age = MAX_AGE.max(at.elapsed() * MAX_SHARE);
        *read = Some(Reading { keys, at, max_age, changes });
        Ok(())
    }

    /// Makes the next one who asks read the keys again.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn last(&self) -> Option<Reading> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn current(&self) -> Option<Reading> {
        let changes = self.changes.load(Ordering::Acquire);
        self.last().filter(|last| last.changes == changes && last.at.elapsed() < last.max_age)
    }

    fn report(&self, keys: &ForeignKeys) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for cascade in keys.cascades(&AuditConfig::current()) {
            if reported.insert(cascade.to_string()) {
                tracing::warn!(
                    %cascade,
                    "the database would change audited records by itself: deletes are refused where it \
                     does, other changes of the key leave no entry; make the foreign key RESTRICT and \
                     delete the children first, as `cascade_delete` does"
                );
            }
        }
    }
}

impl Drop for KnownKeys {
    /// A transaction has changed the schema, and has committed or not.
    fn drop(&mut self) {
        if let Some(origin) = self.origin.take().filter(|_| *self.changes.get_mut() > 0) {
            origin.forget();
        }
    }
}

/// A statement that changes the schema: once it has run, the keys are read again.
#[derive(Debug)]
pub(crate) struct SchemaChange(pub(super) Arc<KnownKeys>);

impl Drop for SchemaChange {
    fn drop(&mut self) {
        self.0.forget();
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{Database, DatabaseConnection};

    use super::*;

    async fn key(db: &DatabaseConnection, table: &str) {
        let text =
            format!("CREATE TABLE {table} (id int REFERENCES parent (id) ON DELETE CASCADE)");
        db.execute_unprepared(&text).await.unwrap();
    }

    async fn known(keys: &KnownKeys, db: &DatabaseConnection) -> usize {
        keys.learn(db).await.unwrap();
        keys.keys().unwrap().len()
    }

    #[tokio::test]
    async fn what_is_old_is_read_again() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        let keys = KnownKeys::default();
        key(&db, "one").await;
        assert_eq!(known(&keys, &db).await, 1);
        key(&db, "other").await;
        assert_eq!(known(&keys, &db).await, 1, "read a moment ago");
        let last = keys.last().unwrap();
        let at = last.at.checked_sub(last.max_age).unwrap();
        *keys.read.write().unwrap() = Some(Reading { at, ..last });
        assert_eq!(known(&keys, &db).await, 2);
    }

    #[tokio::test]
    async fn a_transaction_that_changed_the_schema_tells_its_connection() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        let keys = Arc::new(KnownKeys::default());
        assert_eq!(known(&keys, &db).await, 0);
        let transaction = Arc::new(KnownKeys::of_transaction(&keys));
        key(&db, "one").await;
        assert_eq!(known(&transaction, &db).await, 0);
        drop(SchemaChange(Arc::clone(&transaction)));
        assert_eq!(known(&transaction, &db).await, 1);
        assert_eq!(known(&keys, &db).await, 0);
        drop(transaction);
        assert_eq!(known(&keys, &db).await, 1);
        drop(KnownKeys::of_transaction(&keys));
        assert!(keys.current().is_some(), "nothing has changed");
    }
}
