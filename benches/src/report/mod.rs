//! What is printed and drawn.

mod header;
mod plot;
mod rounded;
mod table;

pub(crate) use header::header;
pub(crate) use plot::{Bar, Group, plot};
pub(crate) use rounded::rounded;
pub(crate) use table::table;
