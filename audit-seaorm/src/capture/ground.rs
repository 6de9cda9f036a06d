use sea_orm::{ConnectionTrait, DbBackend};

use super::Executor;
use crate::writer::Sink;

/// Where an operation runs.
pub(crate) struct Ground<'a, D> {
    pub(crate) db: &'a D,
    pub(crate) sink: Sink<'a>,
    /// Whether this may be a `SQLite` transaction that has only read so far.
    pub(crate) deferred: bool,
}

impl<'a, D: ConnectionTrait> Ground<'a, D> {
    /// The connection that the caller passed, whatever it is.
    pub(crate) fn of_caller(db: &'a D) -> Self {
        let (sink, deferred) = match Executor::of(db) {
            Executor::Audit(txn) => (Sink::Buffer(txn.core()), txn.core().is_deferred()),
            Executor::Transaction(_) => {
                (Sink::Connection(None), db.get_database_backend() == DbBackend::Sqlite)
            }
            Executor::Pool(_) | Executor::Unknown(_) => (Sink::Connection(None), false),
        };
        Self { db, sink, deferred }
    }
}
