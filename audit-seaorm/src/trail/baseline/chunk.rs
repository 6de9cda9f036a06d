use std::{collections::HashSet, sync::Arc};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    QueryResult, SqliteTransactionMode, TransactionOptions,
};

use super::{
    encoded, insert,
    place::{Place, Range, record_id},
    plan::Plan,
};
use crate::{Auditable, capture::shield, found::Facts, own_transaction::OwnTransaction};

/// Who writes the forms of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Database,
    Here,
}

/// What one transaction writes.
pub(super) struct Lot {
    pub(super) range: Range,
    /// The rows of the range that were not known when it was looked at.
    pub(super) unknown: Vec<Place>,
    /// Whether to write what is known, too.
    pub(super) all: bool,
}

impl Lot {
    /// Those that somebody else holds, or that are gone.
    pub(super) fn busy(&self, locked: &HashSet<String>) -> impl Iterator<Item = &Place> {
        self.unknown.iter().filter(|place| !locked.contains(&place.record_id))
    }
}

/// So many that others hold can be named one by one in a statement.
const MAX_BUSY: usize = 500;

/// What became of a lot.
pub(super) struct Done {
    pub(super) written: u64,
    pub(super) way: Way,
    /// The rows that were there.
    pub(super) locked: HashSet<String>,
}

/// Writes a lot in a transaction of its own, which comes to its end whether or not somebody waits for it. None if the
/// database met rows that were not locked: then nothing is written.
pub(super) async fn write<E: Auditable>(
    db: &DatabaseConnection,
    plan: &Arc<Plan>,
    lot: &Arc<Lot>,
    way: Way,
) -> Result<Option<Done>, DbErr> {
    let (pool, options) = (db.clone(), options(plan.backend));
    let begin = async move { OwnTransaction::on(&pool, options).await };
    let (plan, lot) = (Arc::clone(plan), Arc::clone(lot));
    shield::run(begin, async move |txn: OwnTransaction| {
        match write_in::<E>(&txn, &plan, &lot, way).await {
            // Nothing has been written.
            Ok(None) => txn.roll_back().await.map(|()| None),
            outcome => txn.finish(outcome).await,
        }
    })
    .await
}

/// First the locks, then the time, then the rows: so the image of a record, and its place among the other entries of
/// the record, agree.
async fn write_in<E: Auditable>(
    txn: &DatabaseTransaction,
    plan: &Plan,
    lot: &Lot,
    way: Way,
) -> Result<Option<Done>, DbErr> {
    let keys = txn.query_all(&lot.range.locked_keys::<E>(plan.backend)).await?;
    let locked: HashSet<_> = keys.iter().map(record_id::<E>).collect::<Result<_, _>>()?;
    let facts = latest::<E>(&keys, plan.backend)?;
    let (way, written) = match (&plan.forms, way) {
        _ if locked.is_empty() => (way, 0),
        (Some(forms), Way::Database) if lot.busy(&locked).count() <= MAX_BUSY => {
            match insert::insert::<E>(txn, plan, forms, lot, &locked, &facts).await? {
                Some(written) => (way, written),
                None => return Ok(None),
            }
        }
        _ => (Way::Here, encoded::insert::<E>(txn, plan, lot, locked.clone(), &facts).await?),
    };
    Ok(Some(Done { written, way, locked }))
}

/// The latest moment of the rows: by then each was locked, or had not changed since the statement began.
fn latest<E: Auditable>(rows: &[QueryResult], backend: DbBackend) -> Result<Facts, DbErr> {
    let moments = rows.iter().map(|row| Ok::<_, DbErr>(Facts::read::<E>(row, backend)?.at));
    let at = moments.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().max();
    Ok(Facts { at, ..Facts::default() })
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
