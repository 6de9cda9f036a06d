use std::{ops::Range, sync::Arc};

use sea_orm::{DbBackend, DbErr};

use super::Queue;

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

/// What servers say when a connection ends, which tells nothing of the `COMMIT` that was under way: it may have
/// been waiting for a replica.
const ENDS: [&str; 5] =
    ["terminating connection", "was killed", "shutdown", "shutting down", "interrupted"];

/// Whether nothing has been committed for certain.
fn is_final(backend: DbBackend, error: &DbErr) -> bool {
    let text = error.to_string();
    let refused = text.contains("error returned from database");
    // A database in a file has no wire to break.
    refused && (backend == DbBackend::Sqlite || !ENDS.iter().any(|words| text.contains(words)))
}

#[cfg(test)]
mod tests {
    use sea_orm::RuntimeErr;

    use super::*;

    #[test]
    fn a_commit_that_the_server_refused_is_final_and_a_lost_one_is_not() {
        let is_final = |text: &str| {
            is_final(DbBackend::Postgres, &DbErr::Exec(RuntimeErr::Internal(text.to_owned())))
        };
        assert!(is_final("error returned from database: deferred constraint"));
        assert!(!is_final("error communicating with database: reset"));
        let end = "terminating connection due to administrator command";
        assert!(!is_final(&format!("error returned from database: {end}")));
        assert!(!is_final("error returned from database: 1927 (70100): Connection was killed"));
    }
}
