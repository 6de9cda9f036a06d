//! The metrics of this crate, through the [`metrics`](https://docs.rs/metrics) facade: install the exporter of your
//! choice, and they are there. Feature `metrics`.
//!
//! None of them has a value of a record in its name or in a label, nor the name of a user.
//!
//! ```
//! use audit_seaorm::metrics;
//!
//! // … after the exporter has been installed, for those that show descriptions:
//! metrics::describe();
//! assert_eq!(metrics::WRITTEN, "audit_entries_written_total");
//! ```

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Counter: entries stored. One whose transaction is rolled back later is counted, too.
pub const WRITTEN: &str = "audit_entries_written_total";
/// Counter: entries that could not be stored, whether the write failed with them or went on.
pub const FAILED: &str = "audit_entries_failed_total";
/// Counter: entries of committed changes that are lost, written in the background.
pub const DROPPED: &str = "audit_entries_dropped_total";
/// Counter: writes that could not be recorded truly, refused or let through.
pub const ESCAPES: &str = "audit_escapes_total";
/// Counter: writes in whose scope no user was named, refused or let through.
pub const WITHOUT_USER: &str = "audit_writes_without_user_total";
/// Counter: entries deleted one by one because the retention does not keep them.
pub const PRUNED: &str = "audit_entries_pruned_total";
/// Gauge: entries that wait to be written in the background.
pub const QUEUE_LENGTH: &str = "audit_queue_length";
/// Histogram, in seconds: the time that auditing adds to writes, by `step`: `begin` (the transaction or savepoint around
/// a write), `image` (reading records, where it takes a statement of its own) and `entry` (storing entries). COMMIT is not in it,
/// which a write has anyway.
pub const ADDED: &str = "audit_added_seconds";
/// Gauge: about how many entries the trail has; set by [`AuditTrail::size`](crate::AuditTrail::size), and by upkeep.
pub const TRAIL_ENTRIES: &str = "audit_trail_entries";
/// Gauge, in bytes: about how much room it takes, indexes included; set as [`TRAIL_ENTRIES`].
pub const TRAIL_BYTES: &str = "audit_trail_bytes";
/// Gauge: how many entries came within the last 24 hours; set as [`TRAIL_ENTRIES`].
pub const TRAIL_ENTRIES_PER_DAY: &str = "audit_trail_entries_per_day";
/// Gauge, in bytes: about how much room these take; set as [`TRAIL_ENTRIES`].
pub const TRAIL_BYTES_PER_DAY: &str = "audit_trail_bytes_per_day";

/// Tells the installed exporter what each of them is.
pub fn describe() {
    describe_counter!(WRITTEN, Unit::Count, "Audit entries stored.");
    describe_counter!(FAILED, Unit::Count, "Audit entries that could not be stored.");
    describe_counter!(DROPPED, Unit::Count, "Audit entries of committed changes that are lost.");
    describe_counter!(ESCAPES, Unit::Count, "Writes that could not be recorded truly.");
    describe_counter!(WITHOUT_USER, Unit::Count, "Writes in whose scope no user was named.");
    describe_counter!(PRUNED, Unit::Count, "Audit entries deleted by the retention.");
    describe_gauge!(QUEUE_LENGTH, Unit::Count, "Audit entries that wait to be written.");
    describe_histogram!(ADDED, Unit::Seconds, "Time that auditing adds to writes, by step.");
    describe_gauge!(TRAIL_ENTRIES, Unit::Count, "Entries of the audit trail.");
    describe_gauge!(TRAIL_BYTES, Unit::Bytes, "Room that the audit trail takes.");
    describe_gauge!(TRAIL_ENTRIES_PER_DAY, Unit::Count, "Audit entries of the last 24 hours.");
    describe_gauge!(TRAIL_BYTES_PER_DAY, Unit::Bytes, "Room that these entries take.");
}
