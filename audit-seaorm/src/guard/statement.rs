use std::fmt;

use audit_core::Operation;

/// How a statement writes a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Insert,
    Update,
    Delete,
    Replace,
    Merge,
    Truncate,
    Copy,
    Load,
    Drop,
    Alter,
}

impl Kind {
    /// What a hook that comes ahead of such a statement records.
    pub(super) fn of_hook(self) -> Option<Operation> {
        match self {
            Self::Insert => Some(Operation::Create),
            Self::Delete => Some(Operation::Delete),
            _ => None,
        }
    }

    /// What to write instead.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Insert => {
                "Write `Entity::audited().insert(..)` or `.insert_many(..)`, or call `insert` on the \
                 concrete ActiveModel; code that is generic over it needs a transaction from `begin()`"
            }
            Self::Update => {
                "Write `Entity::audited().update_many()` or `.update(..)`, or call `update` on the \
                 ActiveModel"
            }
            Self::Delete => {
                "Write `Entity::audited().delete_many()` or `.delete(..)`, or call `delete` on the \
                 concrete ActiveModel; code that is generic over it needs a transaction from `begin()`"
            }
            Self::Replace | Self::Merge => {
                "Write `Entity::audited().insert_many(..).on_conflict(..)`"
            }
            Self::Copy | Self::Load => "Write `Entity::audited().insert_many(..)`",
            Self::Truncate | Self::Drop | Self::Alter => {
                "Write `Entity::audited().delete_many()` first"
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Replace => "REPLACE",
            Self::Merge => "MERGE",
            Self::Truncate => "TRUNCATE",
            Self::Copy => "COPY",
            Self::Load => "LOAD DATA",
            Self::Drop => "DROP TABLE",
            Self::Alter => "ALTER TABLE of a partition",
        })
    }
}
