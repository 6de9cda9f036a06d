//! Reading the trail, and writing to it by hand.

mod columns;
mod entries;
mod find;
mod keys;
mod output;
mod query;
mod record;
mod renames;
pub(crate) mod restore;
mod rows;
mod state;
mod stats;
mod verify;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value, prelude::DateTimeUtc};

pub use self::{
    query::{AuditQuery, Cursor, DEFAULT_LIMIT, Page, ParseCursorError},
    restore::{FieldRestore, RecordRestore, Restore, RestoreError, RestorePlan},
    state::{Blame, Diff, Gap, GapReason, Incomplete, Revision, State, StatesAsOf},
    stats::{
        ActivityBucket, Bucket, DEFAULT_TOP, MAX_BUCKETS, OperationStats, RecordActivity,
        TableActivity, UserActivity,
    },
    verify::{Finding, FindingKind, Verification},
};
use crate::capture::Executor;

/// The trail of all audited tables.
#[derive(Clone, Copy, Debug)]
pub struct AuditTrail;

/// About how much of the images of entries is read at once; a single one may be larger.
const MAX_BYTES: usize = 1 << 20;

/// A moment to compare entries with. `MariaDB` takes one that has a time zone for a `TIMESTAMP`, which ends in
/// 2038, though the column does not.
fn moment(backend: DbBackend, at: DateTimeUtc) -> Value {
    match backend {
        DbBackend::MySql => at.naive_utc().into(),
        _ => at.into(),
    }
}

/// Writes out what a transaction of ours still keeps, so that it can read its own entries.
async fn bring_up_to_date<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    match Executor::of(db) {
        Executor::Audit(txn) => txn.flush().await,
        _ => Ok(()),
    }
}
