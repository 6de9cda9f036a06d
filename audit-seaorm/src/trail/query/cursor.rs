use std::{fmt, str::FromStr};

use audit_core::AuditEntry;
use sea_orm::{Condition, DbBackend};
use serde::{Deserialize, Serialize};

use crate::stored::Place;

/// A place between two entries of the trail, for reading on from there ([`AuditQuery::after`]).
///
/// It names the entry that was read last, by time and id, so that new entries do not move it; the entry
/// itself may be gone. As text, and by serde, it is 48 hexadecimal digits, for links and forms; more where the time or the id
/// of that entry cannot be read. It tells nobody more than the time and the id of that entry.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor(Place);

/// The text is no [`Cursor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of the audit trail: pass on the text that a page of it gave")]
pub struct ParseCursorError;

impl Cursor {
    /// The place just after an entry, in whichever direction is read.
    #[must_use]
    pub fn of(entry: &AuditEntry) -> Self {
        let stored = entry.unreadable.as_ref().and_then(|it| it.place.as_ref()?.parse().ok());
        Self(stored.unwrap_or_else(|| Place::new(entry.timestamp, entry.id)))
    }

    pub(crate) fn new(place: Place) -> Self {
        Self(place)
    }

    /// The entries beyond.
    pub(super) fn condition(&self, backend: DbBackend, oldest_first: bool) -> Condition {
        if oldest_first { self.0.later(backend) } else { self.0.earlier(backend) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ParseCursorError)
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
