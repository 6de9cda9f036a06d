//! What records were: typed, and at any moment.

mod as_of;
mod blame;
#[cfg(feature = "viewer")]
pub(crate) mod by_name;
mod diff;
mod fold;
mod history;
mod known;
mod not_told;

pub use self::{
    as_of::StatesAsOf,
    blame::Blame,
    diff::Diff,
    history::Revision,
    known::{Gap, GapReason, Incomplete, State},
};
pub(in crate::trail) use self::{fold::Fold, history::event};
