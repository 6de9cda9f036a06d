use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

#[cfg(feature = "metrics")]
use crate::measure::names;

static WRITTEN: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);
static ESCAPED: AtomicU64 = AtomicU64::new(0);
static WITHOUT_USER: AtomicU64 = AtomicU64::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static QUEUED: AtomicU64 = AtomicU64::new(0);

/// What this process has counted since its start, and what it has in its queues.
///
/// ```
/// use audit_seaorm::AuditCounters;
///
/// let counters = AuditCounters::now();
/// assert_eq!((counters.written, counters.failed, counters.escaped), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditCounters {
    /// Entries stored. One whose transaction is rolled back later is still counted here.
    pub written: u64,
    /// Entries that could not be stored, under either
    /// [`FailurePolicy`](crate::FailurePolicy).
    pub failed: u64,
    /// Writes that could not be recorded truly, refused or let through by
    /// [`Escape`](crate::Escape).
    pub escaped: u64,
    /// Writes in whose scope no user was named, refused or let through by
    /// [`RequireUser`](crate::RequireUser).
    pub without_user: u64,
    /// Entries of committed changes that are lost: written in the background, they reached neither the table
    /// nor a last resort.
    pub dropped: u64,
    /// Entries that wait in a queue at this moment, of all [`AuditWriter`](crate::AuditWriter)s.
    pub queued: u64,
}

impl AuditCounters {
    /// The counts at this moment.
    #[must_use]
    pub fn now() -> Self {
        Self {
            written: WRITTEN.load(Ordering::Relaxed),
            failed: FAILED.load(Ordering::Relaxed),
            escaped: ESCAPED.load(Ordering::Relaxed),
            without_user: WITHOUT_USER.load(Ordering::Relaxed),
            dropped: DROPPED.load(Ordering::Relaxed),
            queued: QUEUED.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn count_written(entries: usize) {
        WRITTEN.fetch_add(entries as u64, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!(names::WRITTEN).increment(entries as u64);
    }

    pub(crate) fn count_failed(entries: usize) {
        FAILED.fetch_add(entries as u64, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!(names::FAILED).increment(entries as u64);
    }

    pub(crate) fn count_dropped(entries: usize) {
        DROPPED.fetch_add(entries as u64, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!(names::DROPPED).increment(entries as u64);
    }

    pub(crate) fn count_queued(entries: usize) {
        QUEUED.fetch_add(entries as u64, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::gauge!(names::QUEUE_LENGTH).increment(gauged(entries));
    }

    pub(crate) fn uncount_queued(entries: usize) {
        QUEUED.fetch_sub(entries as u64, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::gauge!(names::QUEUE_LENGTH).decrement(gauged(entries));
    }

    pub(crate) fn count_without_user() {
        WITHOUT_USER.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!(names::WITHOUT_USER).increment(1);
    }

    pub(crate) fn count_escaped() {
        ESCAPED.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        metrics::counter!(names::ESCAPES).increment(1);
    }
}

#[cfg(feature = "metrics")]
#[allow(clippy::cast_precision_loss, reason = "no queue is as long as a float is exact")]
fn gauged(entries: usize) -> f64 {
    entries as f64
}
