use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// What of a stored entry cannot be read, of an entry that is there all the same: somebody wrote it past this library, or
/// altered it.
///
/// It tells columns and reasons, and none of what stands there.
///
/// ```
/// use audit_core::{Unreadable, UnreadableReason};
///
/// let unreadable = Unreadable::new([("operation", UnreadableReason::NotOperation)]);
/// assert_eq!(unreadable.to_string(), "operation is none of CREATE, UPDATE, DELETE and BASELINE");
/// assert!(unreadable.hides_change());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unreadable {
    /// Why, by the name of the column of `audit_trail`.
    pub columns: BTreeMap<String, UnreadableReason>,
    /// Where the entry stands in the order of the trail, as the text of a cursor; none if its time and its id tell that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Unreadable {
    /// These columns, by name, each with the reason.
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, UnreadableReason)>) -> Self {
        let columns = columns.into_iter().map(|(name, reason)| (name.into(), reason)).collect();
        Self { columns, place: None }
    }

    /// Why this column cannot be read; none if it can.
    #[must_use]
    pub fn reason(&self, column: &str) -> Option<UnreadableReason> {
        self.columns.get(column).copied()
    }

    /// Whether the time of the entry can be read.
    #[must_use]
    pub fn tells_time(&self) -> bool {
        matches!(self.reason("timestamp"), None | Some(UnreadableReason::TimeForm))
    }

    /// Whether it is not known what happened, to which record and when. Then whoever replays the history of the record
    /// stops there. Where it is known, no more than what stands beside the change is unreadable, such as the reason.
    #[must_use]
    pub fn hides_change(&self) -> bool {
        let columns = self.columns.iter();
        columns.filter(|(_, reason)| **reason != UnreadableReason::TimeForm).any(|(name, _)| {
            matches!(
                &**name,
                "id" | "table_name"
                    | "record_id"
                    | "operation"
                    | "old_values"
                    | "new_values"
                    | "timestamp"
            )
        })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (column, reason)) in self.columns.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{column} {reason}")?;
        }
        Ok(())
    }
}

/// Why a column of an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnreadableReason {
    /// There is nothing, where every entry, or every entry of this operation, has something.
    Missing,
    /// There is something, where an entry of this operation has nothing.
    Unexpected,
    /// It is no text, or no UTF-8.
    NotText,
    /// It has not the 16 bytes of a UUID.
    NotUuid,
    /// It is none of the four operations.
    NotOperation,
    /// It is no JSON that can be read: no JSON at all, nested deeper than 127 levels, or with a number that is too large.
    NotJson,
    /// It is JSON, and no object.
    NotObject,
    /// It is no moment of the years 1 to 9999.
    NotTime,
    /// On `SQLite`: it is a moment, and its text has not the form `2026-03-01T09:30:00.000000+00:00`, so that searches by
    /// time and the order of entries go by a text that does not tell the time.
    TimeForm,
}

impl fmt::Display for UnreadableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "is missing",
            Self::Unexpected => "is there, where this operation has none",
            Self::NotText => "is no text of UTF-8",
            Self::NotUuid => "is no UUID",
            Self::NotOperation => "is none of CREATE, UPDATE, DELETE and BASELINE",
            Self::NotJson => "is no JSON that can be read",
            Self::NotObject => "is no JSON object",
            Self::NotTime => "is no moment of the years 1 to 9999",
            Self::TimeForm => "has not the form `2026-03-01T09:30:00.000000+00:00`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_the_change_hides_none() {
        for (column, reason, hides) in [
            ("operation", UnreadableReason::NotOperation, true),
            ("timestamp", UnreadableReason::NotTime, true),
            ("timestamp", UnreadableReason::TimeForm, false),
            ("metadata", UnreadableReason::NotJson, false),
        ] {
            assert_eq!(Unreadable::new([(column, reason)]).hides_change(), hides, "{column}");
        }
    }
}
