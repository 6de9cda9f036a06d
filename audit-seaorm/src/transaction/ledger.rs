use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use audit_core::Stamp;
use sea_orm::{DbErr, prelude::Uuid};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::levels::Levels;
use crate::{database_error::DatabaseError, error::AuditError};

/// What a transaction and all that are nested in it share.
#[derive(Debug)]
pub(super) struct Ledger {
    group: Uuid,
    pub(super) levels: Arc<Levels>,
    broken: Mutex<Option<Broken>>,
    /// Whether the write that has the turn was given up ahead of its statement.
    given_up: AtomicBool,
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
            given_up: AtomicBool::default(),
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

    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether [`Self::give_up`] was called since the last time.
    pub(super) fn take_given_up(&self) -> bool {
        self.given_up.swap(false, Ordering::Relaxed)
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

/// A statement that the database refuses changes nothing, unless its transaction is gone.
pub(super) fn changed_nothing(error: &DbErr) -> bool {
    match error {
        DbErr::RecordNotUpdated | DbErr::RecordNotInserted | DbErr::PrimaryKeyNotSet { .. } => true,
        other => DatabaseError::of(other).is_some(),
    }
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
