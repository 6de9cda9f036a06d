//! What is printed and drawn.

mod header;
mod line;
mod plot;
mod table;

pub(crate) use header::header;
pub(crate) use line::Line;
pub(crate) use plot::plot;
pub(crate) use table::table;
