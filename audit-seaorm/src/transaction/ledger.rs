use std::sync::{Arc, Mutex, PoisonError};

use audit_core::Stamp;
use sea_orm::{DbErr, prelude::Uuid};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::levels::Levels;
use crate::error::{AuditError, is_refused_cascade};

/// What a transaction and all that are nested in it share.
#[derive(Debug)]
pub(super) struct Ledger {
    group: Uuid,
    pub(super) levels: Arc<Levels>,
    broken: Mutex<Option<Broken>>,
    /// Who may use the connection for more than one statement.
    turn: Arc<AsyncMutex<()>>,
}

/// Why a transaction must not commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A write was dropped half-way, with no runtime to finish it, and the row may have been changed.
    Cancelled,
    /// A change was made and its entry could not be.
    EntryFailed,
    /// A write failed in a way that leaves open whether the row was changed.
    Unclear,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            group: Stamp::next().id,
            levels: Arc::default(),
            broken: Mutex::default(),
            turn: Arc::default(),
        }
    }
}

impl Ledger {
    pub(super) fn group(&self) -> Uuid {
        self.group
    }

    pub(super) fn check(&self) -> Result<(), DbErr> {
        match *self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(broken) => Err(AuditError::BrokenTransaction(broken).into()),
            None => Ok(()),
        }
    }

    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Breaks the transaction for this reason unless it is told that all is done.
    pub(super) fn unfinished(&self, reason: Broken) -> Unfinished<'_> {
        Unfinished { ledger: self, reason: Some(reason) }
    }

    pub(super) fn set_broken(&self, broken: Broken) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(broken);
    }
}

/// What undoes a whole transaction, so that what follows would commit by itself: on `MariaDB` a deadlock, a
/// conflict under `innodb_snapshot_isolation` and a full table of locks, and on `SQLite` what its
/// manual lists under automatic rollback.
const UNDOES_ALL: [&str; 6] = [
    "Deadlock found",
    "Record has changed since last read",
    "number of locks exceeds the lock table size",
    "disk is full",
    "disk I/O error",
    "out of memory",
];

/// What does so under `innodb_rollback_on_timeout`.
const MAY_UNDO_ALL: &str = "Lock wait timeout exceeded";

/// A statement that the database refuses changes nothing, with these exceptions. `DbErr` gives drivers'
/// errors a type only where their features are switched on, so the driver's words have to do.
pub(super) fn changed_nothing(error: &DbErr) -> bool {
    match error {
        DbErr::RecordNotUpdated | DbErr::RecordNotInserted | DbErr::PrimaryKeyNotSet { .. } => true,
        DbErr::Exec(_) | DbErr::Query(_) => {
            error.to_string().contains("error returned from database")
        }
        other => is_refused_cascade(other),
    }
}

/// Whether the whole transaction is gone after this error.
pub(super) fn undoes_all(error: &DbErr) -> bool {
    let text = error.to_string();
    UNDOES_ALL.iter().any(|words| text.contains(words))
}

/// Whether the whole transaction may be gone after this error, which the server has to be asked.
pub(super) fn may_undo_all(error: &DbErr) -> bool {
    error.to_string().contains(MAY_UNDO_ALL)
}

pub(super) struct Unfinished<'a> {
    ledger: &'a Ledger,
    reason: Option<Broken>,
}

impl Unfinished<'_> {
    pub(super) fn done(mut self) {
        self.reason = None;
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(reason) = self.reason {
            self.ledger.set_broken(reason);
        }
    }
}
