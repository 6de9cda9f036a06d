use sea_orm::prelude::Uuid;

use super::Held;
use crate::transaction::Core;

/// Where an entry goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sink<'a> {
    /// Straight into the table, on the connection that made the change, with the id that entries of
    /// the same transaction share, where that is known.
    Connection(Option<Uuid>),
    /// Into the transaction's buffer, until it commits.
    Buffer(&'a Core),
    /// Kept by the unit until it commits, for the queue.
    Held(&'a Held),
}

impl Sink<'_> {
    pub(crate) fn group(self) -> Option<Uuid> {
        match self {
            Self::Connection(group) => group,
            Self::Buffer(txn) => Some(txn.group()),
            Self::Held(held) => Some(held.group()),
        }
    }

    /// Tells that the write fails ahead of its statement, whatever the error looks like.
    pub(crate) fn give_up(self) {
        if let Self::Buffer(txn) = self {
            txn.give_up();
        }
    }
}
