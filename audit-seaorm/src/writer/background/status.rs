use std::time::Duration;

use serde::Serialize;

/// How an [`AuditWriter`](crate::AuditWriter) is doing at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditWriterStatus {
    /// Entries that wait to be written.
    pub queued: usize,
    /// Entries of which it is not known whether their change has committed.
    pub in_doubt: usize,
    /// For how long the one has waited that has waited longest.
    pub oldest: Option<Duration>,
    /// How many entries the queue holds at most.
    pub max_queue: usize,
    /// False once it has been shut down, or its runtime has ended.
    pub is_running: bool,
}

/// Entries that did not get into the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error(
    "{rescued} audit entries are with the last resort and not in the trail, and {dropped} are lost"
)]
#[non_exhaustive]
pub struct Unwritten {
    /// Entries that the last resort has.
    pub rescued: u64,
    /// Entries that nobody has.
    pub dropped: u64,
}
