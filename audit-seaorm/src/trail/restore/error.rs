use std::fmt;

use audit_core::Printable;
use sea_orm::DbErr;

use super::plan::RestorePlan;

/// Why nothing was restored. The database is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Somebody changed a column since. The plan has the three values of each;
    /// [`overwrite`](super::Restore::overwrite) restores all the same.
    #[error(
        "audit: not restored, because others changed it since: {}. `Restore::plan` tells what it was, what it became \
         and what it is; `overwrite(true)` restores all the same",
        Columns(.0.conflicts().map(|(record, field)| (record.table.as_str(), record.record_id.as_str(), field.column.as_str())).collect())
    )]
    Conflict(Box<RestorePlan>),
    /// The trail does not know what a column was. [`accept_gaps`](super::Restore::accept_gaps) restores the rest.
    #[error(
        "audit: not restored, because what it was is not known: {}. `accept_gaps(true)` restores the rest, and leaves \
         these to the table's defaults in a record that is made anew",
        Columns(.0.gaps().map(|(record, gap)| (record.table.as_str(), record.record_id.as_str(), gap.column.as_str())).collect())
    )]
    Gap(Box<RestorePlan>),
    /// The trail has no entry of it.
    #[error("audit: there is nothing to restore: the trail has no entry of {0}")]
    NoEntry(String),
    /// An entry is of a table that has no audited entity in this program, which alone knows how to write to it.
    #[error(
        "audit: not restored: this program has no audited entity of the table `{table}`. Restore it where there is one, \
         or the records of the other tables one by one"
    )]
    NoEntity {
        /// The table.
        table: String,
    },
    /// The database's, or that of a write.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl From<RestoreError> for DbErr {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Db(error) => error,
            other => Self::Custom(other.to_string()),
        }
    }
}

/// `post 42 (title, likes), comment 7 (text)`, not more than a few: the plan has them all.
struct Columns<'a>(Vec<(&'a str, &'a str, &'a str)>);

const MANY: usize = 8;

impl fmt::Display for Columns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (table, record, column)) in self.0.iter().take(MANY).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            let [table, record, column] = [table, record, column].map(|name| Printable(name));
            write!(f, "{comma}`{column}` of {table} {record}")?;
        }
        match self.0.len().saturating_sub(MANY) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
