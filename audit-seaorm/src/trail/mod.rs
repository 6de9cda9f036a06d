//! Reading the trail, and writing to it by hand.

mod find;
mod record;
mod verify;

use sea_orm::{ConnectionTrait, DbErr};

pub use self::verify::{Finding, FindingKind, Verification};
use crate::capture::Executor;

/// The trail of all audited tables.
#[derive(Clone, Copy, Debug)]
pub struct AuditTrail;

/// Writes out what a transaction of ours still keeps, so that it can read its own entries.
async fn bring_up_to_date<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    match Executor::of(db) {
        Executor::Audit(txn) => txn.flush().await,
        _ => Ok(()),
    }
}
