use std::{collections::HashSet, sync::Arc};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use super::{
    encoded, insert,
    place::{Place, Range},
    plan::Plan,
};
use crate::{Auditable, capture::shield};

/// Who writes the forms of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Database,
    Here,
}

/// What became of a range.
pub(super) struct Done {
    pub(super) written: u64,
    /// The rows that were there.
    pub(super) locked: HashSet<String>,
}

/// Writes a range in a transaction of its own, which comes to its end whether or not somebody waits for it.
///
/// All its rows, and not only those that are not known, if `all`.
pub(super) async fn write<E: Auditable>(
    db: &DatabaseConnection,
    plan: &Arc<Plan>,
    range: &Range,
    way: Way,
    all: bool,
) -> Result<Done, DbErr> {
    let (pool, options) = (db.clone(), options(plan.backend));
    let begin = async move { pool.begin_with_options(options).await };
    let (plan, range) = (Arc::clone(plan), range.clone());
    shield::run(begin, async move |txn: DatabaseTransaction| {
        match write_in::<E>(&txn, &plan, &range, way, all).await {
            Ok(done) => txn.commit().await.map(|()| done),
            Err(error) => {
                // The reason matters more than a rollback that failed too.
                let _ = txn.rollback().await;
                Err(error)
            }
        }
    })
    .await
}

/// First the locks, then the time, then the rows: so the image of a record, and its place among the other entries of
/// the record, agree.
async fn write_in<E: Auditable>(
    txn: &DatabaseTransaction,
    plan: &Plan,
    range: &Range,
    way: Way,
    all: bool,
) -> Result<Done, DbErr> {
    let keys = txn.query_all(&range.locked_keys::<E>(plan.backend)).await?;
    let places = keys.iter().map(|row| Place::of::<E>(row, plan.backend));
    let locked: HashSet<_> =
        places.map(|place| Ok(place?.record_id)).collect::<Result<_, DbErr>>()?;
    let written = match (&plan.forms, way) {
        (Some(forms), Way::Database) => {
            insert::insert::<E>(txn, plan, forms, range, &locked, all).await?
        }
        _ => encoded::insert::<E>(txn, plan, range, locked.clone(), all).await?,
    };
    Ok(Done { written, locked })
}

/// Each statement sees what others have committed by then: the rows as they are under the locks.
fn options(backend: DbBackend) -> TransactionOptions {
    match backend {
        DbBackend::Sqlite => TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        },
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::ReadCommitted),
            ..TransactionOptions::default()
        },
    }
}
