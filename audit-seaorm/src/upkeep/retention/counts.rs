use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IdenStatic, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
};

use super::{
    chunk::{Chunks, Place},
    rules::of_table,
    tables,
};
use crate::{
    entity::{Column, Entity},
    trail::first_rows,
};

/// How many entries are read at once.
const PAGE: u64 = 4096;

/// Deletes what is older than the newest of its table.
pub(super) async fn delete_per_table(chunks: &mut Chunks<'_>) -> Result<(), DbErr> {
    let rules = chunks.rules;
    for (table, keep) in
        tables::with(chunks.db, rules, |limits| limits.get_newest_per_table()).await?
    {
        let entries = Entity::find().select_only().filter(of_table(&table));
        let newest = newest_first(entries).limit(1).offset(keep.saturating_sub(1));
        if let Some(row) = chunks.db.query_one(&newest.into_query()).await? {
            let oldest_kept = Place::read(&row, rules.backend)?;
            chunks.delete_all(of_table(&table).add(oldest_kept.older())).await?;
        }
    }
    Ok(())
}

/// Deletes what is older than the newest of its record.
pub(super) async fn delete_per_record(chunks: &mut Chunks<'_>) -> Result<(), DbErr> {
    let (db, rules) = (chunks.db, chunks.rules);
    for (table, keep) in tables::with(db, rules, |limits| limits.get_newest_per_record()).await? {
        let mut walk = Walk { table, keep, last: None, met: 0, ended: false };
        let mut beyond = Vec::new();
        while !walk.ended {
            beyond.extend(walk.page(db).await?);
            while beyond.len() >= chunks.size() || (walk.ended && !beyond.is_empty()) {
                let rest = beyond.split_off(chunks.size().min(beyond.len()));
                chunks.delete(&std::mem::replace(&mut beyond, rest)).await?;
            }
        }
    }
    Ok(())
}

/// Goes through the entries of a table record by record, each from the newest to the oldest, along the index.
struct Walk {
    table: String,
    keep: u64,
    last: Option<(String, Place)>,
    /// How many entries of the last record have been met.
    met: u64,
    ended: bool,
}

impl Walk {
    /// Those of the next entries that are beyond the newest of their records.
    async fn page(&mut self, db: &DatabaseConnection) -> Result<Vec<Place>, DbErr> {
        let mut beyond = Vec::new();
        let mut steps = self.steps().into_iter();
        let mut rows = Vec::new();
        while rows.is_empty()
            && let Some(step) = steps.next()
        {
            rows = first_rows(db, step, PAGE).await?;
            self.ended = steps.len() == 0 && (rows.len() as u64) < PAGE;
        }
        for row in rows {
            let record: String = row.try_get("", Column::RecordId.as_str())?;
            let place = Place::read(&row, db.get_database_backend())?;
            let same = self.last.as_ref().is_some_and(|(last, _)| *last == record);
            self.met = if same { self.met + 1 } else { 1 };
            if self.met > self.keep {
                beyond.push(place.clone());
            }
            self.last = Some((record, place));
        }
        Ok(beyond)
    }

    /// The rest of the last record, then those before it: not every database finds its way into an index by one
    /// condition for both.
    fn steps(&self) -> Vec<Select<Entity>> {
        let entries = || {
            let entries = Entity::find().select_only().column(Column::RecordId);
            entries.filter(of_table(&self.table))
        };
        let by_record = |entries: Select<Entity>| entries.order_by_desc(Column::RecordId);
        let steps = match &self.last {
            None => vec![by_record(entries())],
            Some((record, place)) => vec![
                entries().filter(Column::RecordId.eq(record)).filter(place.older()),
                by_record(entries().filter(Column::RecordId.lt(record))),
            ],
        };
        steps.into_iter().map(newest_first).collect()
    }
}

fn newest_first(entries: Select<Entity>) -> Select<Entity> {
    entries
        .columns([Column::Timestamp, Column::Id])
        .order_by_desc(Column::Timestamp)
        .order_by_desc(Column::Id)
}
