//! Reading the trail, and writing to it by hand.

mod all;
mod baseline;
mod columns;
mod entries;
mod find;
mod first_rows;
mod keys;
mod output;
mod query;
mod record;
pub(crate) mod renames;
pub(crate) mod restore;
mod rows;
mod state;
mod stats;
mod verify;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value, prelude::DateTimeUtc};

pub(crate) use self::first_rows::first_rows;
pub use self::{
    all::{AllTables, TableInfo, TableOutcome},
    baseline::{Baseline, BaselineReport},
    query::{AuditQuery, Cursor, DEFAULT_LIMIT, Page, ParseCursorError},
    restore::{FieldRestore, RecordRestore, Restore, RestoreError, RestorePlan},
    state::{Blame, Diff, Gap, GapReason, Incomplete, Revision, State, StatesAsOf},
    stats::{
        ActivityBucket, Bucket, DEFAULT_TOP, MAX_BUCKETS, OperationStats, RecordActivity,
        TableActivity, UserActivity,
    },
    verify::{Finding, FindingKind, Verification},
};
#[cfg(feature = "viewer")]
pub(crate) use self::{query::is_searchable, state::by_name};
use crate::{capture::Executor, entity};

/// The trail of all audited tables.
#[derive(Clone, Copy, Debug)]
pub struct AuditTrail;

/// About how much of the images of entries is read at once; a single one may be larger.
const MAX_BYTES: usize = 1 << 20;

/// The years that every database knows, and that are in order as `SQLite`'s texts, too.
const FIRST_MOMENT: DateTimeUtc = moment_of(-62_135_596_800_000_000);
const LAST_MOMENT: DateTimeUtc = moment_of(253_402_300_799_999_999);

/// A moment to compare entries with. Beyond the years 1 to 9999 there are none.
pub(crate) fn moment(backend: DbBackend, at: DateTimeUtc) -> Value {
    entity::moment(backend, at.clamp(FIRST_MOMENT, LAST_MOMENT))
}

const fn moment_of(micros: i64) -> DateTimeUtc {
    match DateTimeUtc::from_timestamp_micros(micros) {
        Some(at) => at,
        None => DateTimeUtc::UNIX_EPOCH,
    }
}

/// Writes out what a transaction of ours still keeps, so that it can read its own entries.
async fn bring_up_to_date<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    match Executor::of(db) {
        Executor::Audit(txn) => txn.flush().await,
        _ => Ok(()),
    }
}
