//! From a change to a row of the trail.

mod background;
mod batch;
mod counters;
mod direct;
mod explained;
mod in_order;
mod insert;
mod recorder;
mod sink;
pub(crate) mod weight;

pub use background::{
    AuditWriter, AuditWriterStatus, JsonLinesFile, LastResort, Reason, Replayed, Unwritten,
};
pub(crate) use background::{Backlog, Held, Slot};
pub(crate) use batch::store_all;
pub use counters::AuditCounters;
pub(crate) use direct::check_user;
pub use direct::store;
pub(crate) use explained::{explained, explanation};
pub(crate) use recorder::{Recorder, record_by_hand};
pub(crate) use sink::Sink;
