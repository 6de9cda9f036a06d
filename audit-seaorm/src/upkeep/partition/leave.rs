use audit_core::AuditConfig;
use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, TransactionOptions,
    prelude::DateTimeUtc,
    sea_query::{Alias, Expr, Query},
};

use super::{ATTEMPTS, PATIENCE, PAUSE, Partition, list};
use crate::{
    capture::shield,
    own_transaction::OwnTransaction,
    upkeep::{
        patience::patiently,
        retention::{self, Rules},
    },
};

/// What becomes of a partition that leaves the trail.
#[derive(Clone, Copy)]
pub(in crate::upkeep) enum Leave {
    Drop,
    Detach,
}

pub(super) async fn before(
    db: &DatabaseConnection,
    moment: DateTimeUtc,
    leave: Leave,
) -> Result<Vec<Partition>, DbErr> {
    let config = AuditConfig::current();
    retention::check(db, config.get_retention()).await?;
    let held = Rules::held(config.get_retention());
    let mut gone = Vec::new();
    for partition in list(db).await?.into_iter().filter(|partition| partition.is_before(moment)) {
        if take_away(db, &partition, leave, held.clone()).await? {
            gone.push(partition);
        }
    }
    Ok(gone)
}

/// Takes a partition out of the trail, unless it has an entry that has to stay; tells whether it did.
pub(in crate::upkeep) async fn take_away(
    db: &DatabaseConnection,
    partition: &Partition,
    leave: Leave,
    stays: Option<Condition>,
) -> Result<bool, DbErr> {
    let stays = &stays;
    patiently(ATTEMPTS, PAUSE, || {
        let partition = partition.clone();
        let stays = stays.clone();
        let db = db.clone();
        // To its end, even if it is dropped half-way.
        let begin = async move { OwnTransaction::on(&db, TransactionOptions::default()).await };
        shield::run(begin, async move |txn| {
            let outcome = take_away_in(&txn, &partition, leave, stays).await;
            txn.finish(outcome).await
        })
    })
    .await
}

async fn take_away_in(
    txn: &DatabaseTransaction,
    partition: &Partition,
    leave: Leave,
    stays: Option<Condition>,
) -> Result<bool, DbErr> {
    txn.execute_unprepared(PATIENCE).await?;
    if let Some(stays) = stays
        && has_any(txn, partition, stays).await?
    {
        return Ok(false);
    }
    let name = quoted(&partition.name);
    txn.execute_unprepared(&format!("ALTER TABLE audit_trail DETACH PARTITION {name}")).await?;
    if matches!(leave, Leave::Drop) {
        txn.execute_unprepared(&format!("DROP TABLE {name}")).await?;
    }
    Ok(true)
}

/// Nobody else writes to it from here on, so that the answer stays true. Writers of other partitions do not wait.
async fn has_any(
    txn: &DatabaseTransaction,
    partition: &Partition,
    stays: Condition,
) -> Result<bool, DbErr> {
    txn.execute_unprepared(&format!("LOCK TABLE {} IN SHARE MODE", quoted(&partition.name)))
        .await?;
    let any = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new(&partition.name))
        .cond_where(stays)
        .limit(1)
        .take();
    Ok(txn.query_one(&any).await?.is_some())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
