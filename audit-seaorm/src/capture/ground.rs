use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::Executor;

/// Where an operation runs.
pub(super) struct Ground<'a, D> {
    pub(super) db: &'a D,
    /// The id that the operation's entries share, where it is all that commits.
    pub(super) group: Option<Uuid>,
    /// Whether this may be a `SQLite` transaction that has only read so far.
    pub(super) deferred: bool,
}

impl<'a, D: ConnectionTrait> Ground<'a, D> {
    /// The connection that the caller passed, whatever it is.
    pub(super) fn of_caller(db: &'a D) -> Self {
        let in_transaction = matches!(Executor::of(db), Executor::Transaction(_));
        Self {
            db,
            group: None,
            deferred: in_transaction && db.get_database_backend() == DbBackend::Sqlite,
        }
    }
}
