use sea_orm::DbErr;

use super::{chunk::Chunks, rules::of_table};
use crate::upkeep::partition::{self, Leave};

/// Deletes what is too old, table by table where a table has limits of its own.
pub(super) async fn delete(chunks: &mut Chunks<'_>) -> Result<(), DbErr> {
    let rules = chunks.rules;
    if let Some(cutoff) = rules.cutoff(rules.retention.limits_of_all()) {
        chunks.delete_all(rules.of_the_rest().add(rules.old(cutoff))).await?;
    }
    for (table, limits) in rules.retention.tables() {
        if let Some(cutoff) = rules.cutoff(limits) {
            chunks.delete_all(of_table(table).add(rules.old(cutoff))).await?;
        }
    }
    Ok(())
}

/// Drops the months of which nothing has to stay.
pub(super) async fn drop_months(chunks: &mut Chunks<'_>) -> Result<(), DbErr> {
    let rules = chunks.rules;
    let Some(cutoff) = rules.latest_cutoff() else { return Ok(()) };
    if !partition::is_owner(chunks.db).await? {
        return Ok(());
    }
    for month in partition::list(chunks.db).await? {
        if !month.is_before(cutoff) {
            continue;
        }
        let outlived = month.ends.is_some_and(|ends| rules.has_outlived_all_before(ends));
        let stays = (!outlived).then(|| rules.stays());
        if partition::take_away(chunks.db, &month, Leave::Drop, stays).await? {
            chunks.report.partitions.push(month.name);
            chunks.tell();
        }
    }
    Ok(())
}
