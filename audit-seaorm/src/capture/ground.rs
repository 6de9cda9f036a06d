use sea_orm::{ConnectionTrait, DbBackend};

use super::Executor;
use crate::{guard::Guard, writer::Sink};

/// Where an operation runs.
pub(crate) struct Ground<'a> {
    pub(crate) db: Executor<'a>,
    pub(crate) sink: Sink<'a>,
    /// Whether this may be a `SQLite` transaction that has only read so far.
    pub(crate) deferred: bool,
    /// That of an [`AuditConnection`](crate::AuditConnection), which knows the database's foreign keys.
    pub(crate) guard: Option<&'a Guard>,
}

impl<'a> Ground<'a> {
    /// The connection that the caller passed, whatever it is.
    pub(crate) fn of_caller(db: Executor<'a>) -> Self {
        let (sink, deferred) = match db {
            Executor::Audit(txn) => (Sink::Buffer(txn.core()), txn.core().is_deferred()),
            Executor::Transaction(_) => {
                (Sink::Connection(None), db.get_database_backend() == DbBackend::Sqlite)
            }
            #[cfg(feature = "rbac")]
            Executor::RestrictedTransaction(_) => {
                (Sink::Connection(None), db.get_database_backend() == DbBackend::Sqlite)
            }
            #[cfg(feature = "rbac")]
            Executor::Restricted(_) => (Sink::Connection(None), false),
            Executor::Pool(_) | Executor::Guarded(_) | Executor::Unknown(_) => {
                (Sink::Connection(None), false)
            }
        };
        let guard = match db {
            Executor::Guarded(pool) => Some(pool.guard()),
            Executor::Audit(txn) => Some(txn.core().guard()),
            _ => None,
        };
        Self { db, sink, deferred, guard }
    }

    /// The connection for a question of our own, which no guard has to look at.
    pub(crate) fn unguarded(&self) -> Executor<'a> {
        match self.db {
            Executor::Audit(txn) => Executor::Transaction(txn.core().unguarded()),
            Executor::Guarded(pool) => Executor::Pool(pool.inner()),
            db => db,
        }
    }
}
