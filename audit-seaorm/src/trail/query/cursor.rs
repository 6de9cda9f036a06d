use std::{fmt, str::FromStr};

use audit_core::AuditEntry;
use sea_orm::{
    ColumnTrait, Condition, DbBackend,
    prelude::{DateTimeUtc, Uuid},
    sea_query::ExprTrait,
};
use serde::{Deserialize, Serialize};

use crate::{entity::Column, trail::moment};

/// A place between two entries of the trail, for reading on from there ([`AuditQuery::after`]).
///
/// It names the entry that was read last, by time and id, so that new entries do not move it; the entry
/// itself may be gone. As text, and by serde, it is 48 hexadecimal digits, for links and forms. It
/// tells nobody more than the time and the id of that entry.
///
/// [`AuditQuery::after`]: super::AuditQuery::after
///
/// ```
/// use audit_seaorm::Cursor;
///
/// let text = "0006436f3b8d8f00018f3f5e8c7a7c3e9a1b2c3d4e5f6071";
/// let cursor: Cursor = text.parse()?;
/// assert_eq!(cursor.to_string(), text);
/// assert!("yesterday".parse::<Cursor>().is_err());
/// # Ok::<(), audit_seaorm::ParseCursorError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    at: DateTimeUtc,
    id: Uuid,
}

/// The text is no [`Cursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of the audit trail: 48 hexadecimal digits, as a page of it gave them")]
pub struct ParseCursorError;

impl Cursor {
    /// The place just after an entry, in whichever direction is read.
    #[must_use]
    pub fn of(entry: &AuditEntry) -> Self {
        Self { at: entry.timestamp, id: entry.id }
    }

    pub(crate) fn new(at: DateTimeUtc, id: Uuid) -> Self {
        Self { at, id }
    }

    pub(super) fn id(self) -> Uuid {
        self.id
    }

    /// Whether an entry is behind this place, in the direction of reading.
    pub(super) fn is_before(self, there: Self, oldest_first: bool) -> bool {
        let (here, there) = ((self.at, self.id), (there.at, there.id));
        if oldest_first { here < there } else { here > there }
    }

    /// The entries beyond. An index finds the time, and what has the very same one is sorted out.
    pub(super) fn condition(self, backend: DbBackend, oldest_first: bool) -> Condition {
        let (time, id) = (Column::Timestamp, Column::Id);
        let at = moment(backend, self.at);
        if oldest_first {
            let beyond = time.gt(at.clone()).or(id.gt(self.id));
            Condition::all().add(time.gte(at)).add(beyond)
        } else {
            let beyond = time.lt(at.clone()).or(id.lt(self.id));
            Condition::all().add(time.lte(at)).add(beyond)
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:032x}", self.at.timestamp_micros(), self.id.as_u128())
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 48 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseCursorError);
        }
        let (micros, id) = text.split_at(16);
        let micros = u64::from_str_radix(micros, 16).map_err(|_| ParseCursorError)?;
        let id = u128::from_str_radix(id, 16).map_err(|_| ParseCursorError)?;
        let at = DateTimeUtc::from_timestamp_micros(micros.cast_signed());
        Ok(Self { at: at.ok_or(ParseCursorError)?, id: Uuid::from_u128(id) })
    }
}

impl TryFrom<String> for Cursor {
    type Error = ParseCursorError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}
