use sea_orm::{ColumnTrait, DbBackend, Value, prelude::DateTimeUtc, sea_query::Expr};

use crate::entity::{self, Column};

/// The years that every database knows, and that are in order as `SQLite`'s texts, too.
const FIRST_MOMENT: DateTimeUtc = moment_of(-62_135_596_800_000_000);
const LAST_MOMENT: DateTimeUtc = moment_of(253_402_300_799_999_999);

/// A moment to compare entries with. Beyond the years 1 to 9999 there are none.
pub(crate) fn moment(backend: DbBackend, at: DateTimeUtc) -> Value {
    entity::moment(backend, at.clamp(FIRST_MOMENT, LAST_MOMENT))
}

/// Whether an entry can have this time.
pub(super) fn is_in_calendar(at: DateTimeUtc) -> bool {
    (FIRST_MOMENT..=LAST_MOMENT).contains(&at)
}

/// The same of a stored time, as far as a comparison tells.
pub(crate) fn in_calendar(backend: DbBackend) -> Expr {
    let [first, last] = ends(backend);
    Column::Timestamp.between(first, last)
}

/// The first and the last moment that an entry can have.
pub(crate) fn ends(backend: DbBackend) -> [Value; 2] {
    [FIRST_MOMENT, LAST_MOMENT].map(|at| entity::moment(backend, at))
}

/// Whether a time is one that another entry of the record can come after, on `SQLite`. What somebody stored as a time and is
/// none, or is the last moment that there is, must not keep the record from having entries.
pub(crate) fn sqlite_is_followed(table: &str) -> String {
    let last = entity::sqlite_text(LAST_MOMENT);
    let seconds = format!("substr({table}.timestamp, 1, 19)");
    format!(
        "{table}.timestamp < '{last}' AND strftime('%Y-%m-%d %H:%M:%S', {seconds}) = replace({seconds}, 'T', ' ')"
    )
}

const fn moment_of(micros: i64) -> DateTimeUtc {
    match DateTimeUtc::from_timestamp_micros(micros) {
        Some(at) => at,
        None => DateTimeUtc::UNIX_EPOCH,
    }
}
