use sea_orm::{ConnectionTrait, DbErr};

use super::Executor;

/// How `SeaORM` sends the statement of a call that nobody records. Its errors come in the variant of that: code which
/// matches on the variant must find the same one, whichever statements recording takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sent {
    /// By `execute`.
    Executed,
    /// By `query`, where the database gives rows back, and by `execute` elsewhere.
    Returning,
    /// By `query`.
    Queried,
}

impl Sent {
    /// The error in the variant in which `SeaORM` itself would give it.
    pub(crate) fn error(self, db: Executor<'_>, error: DbErr) -> DbErr {
        let queried = match self {
            Self::Executed => false,
            Self::Returning => db.support_returning(),
            Self::Queried => true,
        };
        match error {
            DbErr::Exec(error) | DbErr::Query(error) if queried => DbErr::Query(error),
            DbErr::Query(error) => DbErr::Exec(error),
            other => other,
        }
    }
}
