//! Keeping the trail in order over the years: what goes, when, and where new entries go.

mod door;
mod partition;
mod patience;
mod retention;
mod schedule;

pub use self::{
    partition::Partition,
    retention::{Prune, PrunePlan, Pruned},
    schedule::{AuditUpkeep, Turn, UpkeepError, UpkeepHandle, UpkeepReport},
};
pub(crate) use self::{partition::months_ahead, schedule::last_run};
