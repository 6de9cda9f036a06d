use std::sync::{Mutex, PoisonError};

use audit_core::{AuditEntry, FailurePolicy};
use sea_orm::{DbErr, prelude::Uuid};

use crate::{
    capture::Executor,
    writer::{direct, store_all, weight},
};

/// What a unit keeps for the queue at most. A unit that has more writes it in its own transaction, and keeps what
/// comes after: so of one record the earlier entries are there first.
const MAX_BYTES: usize = 4 << 20;

/// The entries of a unit on a pool, until it commits.
#[derive(Debug)]
pub(crate) struct Held {
    group: Uuid,
    policy: FailurePolicy,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    list: Vec<AuditEntry>,
    bytes: usize,
}

impl Held {
    pub(crate) fn new(group: Uuid, policy: FailurePolicy) -> Self {
        Self { group, policy, entries: Mutex::default() }
    }

    pub(crate) fn group(&self) -> Uuid {
        self.group
    }

    /// Keeps an entry, or writes out what has grown too large to keep.
    pub(crate) async fn keep(&self, db: Executor<'_>, entry: AuditEntry) -> Result<(), DbErr> {
        if !self.push(entry) {
            return Ok(());
        }
        self.write(db, self.take()).await
    }

    /// Writes entries in the unit's own transaction.
    pub(crate) async fn write(
        &self,
        db: Executor<'_>,
        entries: Vec<AuditEntry>,
    ) -> Result<(), DbErr> {
        if let Executor::Transaction(txn) = db {
            return store_all(txn, self.policy, entries).await;
        }
        for entry in entries {
            direct::store_in_order(&db, entry).await?;
        }
        Ok(())
    }

    pub(crate) fn take(&self) -> Vec<AuditEntry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *entries).list
    }

    /// Whether it is too much by now.
    fn push(&self, entry: AuditEntry) -> bool {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.bytes += weight::of(&entry);
        entries.list.push(entry);
        entries.bytes >= MAX_BYTES
    }
}
