use std::sync::{Mutex, MutexGuard, PoisonError};

use audit_core::AuditEntry;

use crate::writer::weight;

/// What a transaction keeps at most before it writes entries out: enough for few statements, little
/// enough for any packet and any memory.
const MAX_ENTRIES: usize = 1024;
const MAX_BYTES: usize = 1 << 20;

/// The entries of one level of nesting, in the order of their changes.
#[derive(Debug, Default)]
pub(super) struct Buffer(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<AuditEntry>,
    bytes: usize,
}

impl Buffer {
    /// Adds an entry, and tells whether it is time to write them out.
    pub(super) fn push(&self, entry: AuditEntry) -> bool {
        let mut kept = self.kept();
        kept.bytes += weight::of(&entry);
        kept.entries.push(entry);
        kept.entries.len() >= MAX_ENTRIES || kept.bytes >= MAX_BYTES
    }

    /// Whether the entries of a nested transaction can be kept as well.
    pub(super) fn has_room_for(&self, entries: &[AuditEntry]) -> bool {
        let kept = self.kept();
        kept.entries.len() + entries.len() < MAX_ENTRIES
            && kept.bytes + entries.iter().map(weight::of).sum::<usize>() < MAX_BYTES
    }

    /// Adds the entries of a nested transaction.
    pub(super) fn append(&self, entries: Vec<AuditEntry>) {
        let mut kept = self.kept();
        kept.bytes += entries.iter().map(weight::of).sum::<usize>();
        kept.entries.extend(entries);
    }

    pub(super) fn take(&self) -> Vec<AuditEntry> {
        std::mem::take(&mut *self.kept()).entries
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
