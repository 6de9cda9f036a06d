use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_core::Operation;

/// Which writes may pass because a hook that ran ahead of them sees to their entries.
#[derive(Debug, Default)]
pub(crate) struct Permits(Mutex<Vec<(String, Operation)>>);

impl Permits {
    /// `table` is the name in the trail.
    pub(crate) fn leave(&self, table: &str, operation: Operation) {
        self.permits().push((table.to_owned(), operation));
    }

    /// Uses up one of them, or all: `SeaORM` calls the hooks of several rows and then sends one statement,
    /// except for inserts without RETURNING, which it sends one by one.
    pub(super) fn take(&self, table: &str, operation: Operation, all: bool) -> bool {
        let mut permits = self.permits();
        let mut taken = false;
        permits.retain(|(of, operated)| {
            let fits = of == table && *operated == operation && (all || !taken);
            taken |= fits;
            !fits
        });
        taken
    }

    fn permits(&self) -> MutexGuard<'_, Vec<(String, Operation)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
