use sea_orm::{DbErr, prelude::Uuid};

use crate::error::AuditError;

/// Why the trail does not tell how a record was.
pub(crate) enum NotTold {
    Database(DbErr),
    /// One of its entries cannot be read; its id, unless that is what cannot be read.
    Unreadable(Option<Uuid>),
}

impl From<DbErr> for NotTold {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl From<NotTold> for DbErr {
    fn from(reason: NotTold) -> Self {
        match reason {
            NotTold::Database(error) => error,
            NotTold::Unreadable(entry) => AuditError::EntryUnreadable { entry }.into(),
        }
    }
}
