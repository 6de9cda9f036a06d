use std::{ops::Range, sync::Arc};

use sea_orm::{DbBackend, DbErr};

use super::Queue;
use crate::database_error::{DatabaseError, Kind};

/// Places in the queue for the entries of one unit, taken ahead of its `COMMIT`.
///
/// Dropped while that is under way, nobody knows what became of it: the entries are in doubt.
#[must_use]
pub(crate) struct Slot {
    queue: Arc<Queue>,
    places: Option<Range<u64>>,
}

impl Slot {
    pub(super) fn new(queue: Arc<Queue>, places: Range<u64>) -> Self {
        Self { queue, places: Some(places) }
    }

    /// Tells how the `COMMIT` ended.
    pub(crate) fn settle(mut self, outcome: &Result<(), DbErr>) {
        let Some(places) = self.places.take() else { return };
        match outcome {
            Ok(()) => self.queue.ready(places),
            Err(error) if is_final(self.queue.backend, error) => self.queue.void(places),
            Err(_) => self.queue.doubt(places),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(places) = self.places.take() {
            self.queue.doubt(places);
        }
    }
}

/// Whether nothing has been committed for certain. The end of a connection tells nothing of the `COMMIT` that was under
/// way: it may have been waiting for a replica. A database in a file has no wire to break.
fn is_final(backend: DbBackend, error: &DbErr) -> bool {
    DatabaseError::of(error).is_some_and(|error| {
        let ended = matches!(error.kind, Kind::ConnectionEnded | Kind::Interrupted);
        !ended || backend == DbBackend::Sqlite
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::RuntimeErr;

    use super::*;
    use crate::database_error::answered;

    #[test]
    fn a_commit_that_the_server_refused_is_final_and_a_lost_one_is_not() {
        let is_final = |error: &DbErr| is_final(DbBackend::Postgres, error);
        assert!(is_final(&answered("23503", "Constraint der Tabelle")));
        assert!(is_final(&answered("23000", "1452 (23000): Kann Kind-Zeile nicht ändern")));
        assert!(!is_final(&answered("57P01", "breche Verbindung ab")));
        assert!(!is_final(&answered("70100", "1927 (70100): Verbindung wurde abgebrochen")));
        assert!(!is_final(&answered("70100", "1317 (70100): Ausführung wurde unterbrochen")));
        let lost = "error communicating with database: reset".to_owned();
        assert!(!is_final(&DbErr::Exec(RuntimeErr::Internal(lost))));
    }
}
