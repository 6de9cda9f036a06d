use std::{
    error::Error,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use audit_core::AuditEntry;

use super::{
    last_resort::{LastResort, Reason},
    queue::Shared,
    status::Unwritten,
};
use crate::writer::AuditCounters;

/// What becomes of entries that do not reach the table: the last resort has them, or they are lost and counted.
pub(super) struct Rest {
    last_resort: Option<Box<dyn LastResort>>,
    rescued: AtomicU64,
    dropped: AtomicU64,
}

impl Rest {
    pub(super) fn new(last_resort: Option<Box<dyn LastResort>>) -> Self {
        Self { last_resort, rescued: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }

    pub(super) fn take(&self, entries: Shared, reason: Reason) {
        if entries.is_empty() {
            return;
        }
        let count = entries.len();
        let entries: Vec<_> = entries.into_iter().map(Arc::unwrap_or_clone).collect();
        match self.last_resort.as_ref().map(|sink| keep(&**sink, &entries, reason)) {
            Some(Ok(())) => {
                self.rescued.fetch_add(count as u64, Ordering::Relaxed);
                tracing::error!(count, %reason, "audit entries not written: they are with the last resort");
            }
            Some(Err(error)) => {
                self.lost(count);
                tracing::error!(count, %reason, %error, "audit entries lost: the last resort failed");
            }
            None => {
                self.lost(count);
                tracing::error!(count, %reason, "audit entries lost: there is no last resort");
            }
        }
    }

    /// How many there were since this was asked last.
    pub(super) fn since_asked(&self) -> Unwritten {
        Unwritten {
            rescued: self.rescued.swap(0, Ordering::Relaxed),
            dropped: self.dropped.swap(0, Ordering::Relaxed),
        }
    }

    fn lost(&self, entries: usize) {
        AuditCounters::count_dropped(entries);
        self.dropped.fetch_add(entries as u64, Ordering::Relaxed);
    }
}

/// A panic here would end the writer, and what it does when it ends as well.
fn keep(
    sink: &dyn LastResort,
    entries: &[AuditEntry],
    reason: Reason,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let kept = panic::catch_unwind(AssertUnwindSafe(|| sink.keep(entries, reason)));
    kept.unwrap_or_else(|_| Err("it panicked".into()))
}
