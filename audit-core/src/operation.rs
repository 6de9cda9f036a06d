use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What happened to a record. Stored, displayed and serialised as `CREATE`, `UPDATE`, `DELETE`,
/// `BASELINE`; `UNKNOWN` is displayed and serialised only.
///
/// ```
/// use audit_core::Operation;
///
/// assert_eq!(Operation::Update.to_string(), "UPDATE");
/// assert_eq!("DELETE".parse(), Ok(Operation::Delete));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// The record came into being: there is an after-image and no before-image.
    Create,
    /// The record was changed: there are both images.
    Update,
    /// The record is gone: there is a before-image and no after-image.
    Delete,
    /// The record stood thus, and nothing happened to it: it is older than the trail, or than what is left of
    /// the trail. There is an after-image, all of the record, and no before-image.
    Baseline,
    /// None of these: the entry was written past this library, or altered, and nobody knows what it told of. See
    /// [`AuditEntry::unreadable`](crate::AuditEntry::unreadable). No entry is recorded as such, and no text is parsed as it.
    Unknown,
}

impl Operation {
    /// All operations that are recorded: in the order of a record's life, and behind them the one that is no change.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Baseline];

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Baseline => "BASELINE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is not an [`Operation`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an audit operation: expected CREATE, UPDATE, DELETE or BASELINE")]
pub struct ParseOperationError(String);

impl FromStr for Operation {
    type Err = ParseOperationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == text)
            .ok_or_else(|| ParseOperationError(text.to_owned()))
    }
}
