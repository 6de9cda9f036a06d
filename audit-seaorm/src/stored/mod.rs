//! Rows of the trail as they are stored, and not as they should be: whatever stands in a row, it is one entry, in its place.

mod calendar;
mod model;
mod place;
mod reader;
mod time;
mod value;

pub(crate) use self::{
    calendar::{ends, in_calendar, moment, sqlite_is_followed},
    place::Place,
    reader::{Reader, entry},
    time::select,
    value::Stored,
};
