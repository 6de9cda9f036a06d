use sea_orm::DbErr;

use crate::upkeep::Pruned;

/// What came of a turn at upkeep.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// It was due, and this instance did it.
    Done(UpkeepReport),
    /// It was done not long ago, by this instance or another.
    NotDue,
    /// Another instance is at it.
    Taken,
}

/// What upkeep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpkeepReport {
    /// The partitions that were made.
    pub created_partitions: Vec<String>,
    /// What the retention took away.
    pub pruned: Pruned,
}

/// Why upkeep could not be done. It stays due.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpkeepError {
    /// The database refused something.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// It took so long that another instance was allowed to begin, so this one stopped.
    #[error("the right to do upkeep was lost to another instance: this one stopped half-way")]
    LeaseLost,
}
