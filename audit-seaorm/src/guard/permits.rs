use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_core::Operation;
use sea_orm::DbErr;

/// Which writes may pass because a hook that ran ahead of them sees to their entries.
///
/// Each level of a transaction has its own: a hook and its statement are on the same one.
#[derive(Debug, Default)]
pub(crate) struct Permits(Mutex<Vec<(String, Operation)>>);

impl Permits {
    /// `table` is the name in the trail.
    pub(crate) fn leave(&self, table: &str, operation: Operation) {
        self.permits().push((table.to_owned(), operation));
    }

    /// Runs a hook or a statement. If it fails, or is dropped half-way, what was permitted before is not
    /// going to be sent, and nobody else may use it.
    pub(crate) async fn watch<T>(
        &self,
        step: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let unused = Unused(Some(self));
        let outcome = step.await;
        if outcome.is_ok() {
            unused.kept();
        }
        outcome
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

/// Takes all permits back when it is dropped.
struct Unused<'a>(Option<&'a Permits>);

impl Unused<'_> {
    fn kept(mut self) {
        self.0 = None;
    }
}

impl Drop for Unused<'_> {
    fn drop(&mut self) {
        if let Some(permits) = self.0 {
            permits.permits().clear();
        }
    }
}
