//! From a change to a row of the trail.

mod counters;
mod direct;
mod recorder;

pub use counters::AuditCounters;
pub(crate) use recorder::{Recorder, record_by_hand};
