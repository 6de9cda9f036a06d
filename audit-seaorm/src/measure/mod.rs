//! What a process tells of its audit trail to whoever measures it.

#[cfg(feature = "metrics")]
pub mod names;
mod step;

pub(crate) use step::{Step, added};

use crate::TrailSize;

/// Entries were deleted because the retention does not keep them.
pub(crate) fn pruned(entries: u64) {
    #[cfg(feature = "metrics")]
    metrics::counter!(names::PRUNED).increment(entries);
    let _ = entries;
}

/// How large the trail is.
#[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(crate) fn size(size: &TrailSize) {
    #[cfg(feature = "metrics")]
    for (name, value) in [
        (names::TRAIL_ENTRIES, size.entries),
        (names::TRAIL_BYTES, size.bytes),
        (names::TRAIL_ENTRIES_PER_DAY, size.entries_per_day),
        (names::TRAIL_BYTES_PER_DAY, size.bytes_per_day()),
    ] {
        metrics::gauge!(name).set(value as f64);
    }
    let _ = size;
}
