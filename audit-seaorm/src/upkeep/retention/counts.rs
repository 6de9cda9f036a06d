use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, IdenStatic,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, sea_query::ExprTrait,
};

use super::{chunk::Chunks, rules::of_table, tables};
use crate::{
    entity::{Column, Entity},
    stored::{Place, Stored, select},
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
        let entries = Entity::find().filter(of_table(&table));
        let newest =
            newest_first(entries, rules.backend, None).limit(1).offset(keep.saturating_sub(1));
        if let Some(row) = chunks.db.query_one(&newest.into_query()).await? {
            let oldest_kept = Place::read(&row, rules.backend);
            chunks.delete_all(of_table(&table).add(oldest_kept.earlier(rules.backend))).await?;
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
    last: Option<(Stored, Place)>,
    /// How many entries of the last record have been met.
    met: u64,
    ended: bool,
}

impl Walk {
    /// Those of the next entries that are beyond the newest of their records.
    async fn page(&mut self, db: &DatabaseConnection) -> Result<Vec<Place>, DbErr> {
        let mut beyond = Vec::new();
        let backend = db.get_database_backend();
        let mut steps = self.steps(backend).into_iter();
        let mut rows = Vec::new();
        while rows.is_empty()
            && let Some(step) = steps.next()
        {
            rows = first_rows(db, step, PAGE).await?;
            self.ended = steps.len() == 0 && (rows.len() as u64) < PAGE;
        }
        for row in rows {
            let record = Stored::read(&row, Column::RecordId.as_str());
            let record = record.unwrap_or_else(|| Stored::Text(String::new()));
            let place = Place::read(&row, backend);
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
    fn steps(&self, backend: DbBackend) -> Vec<Select<Entity>> {
        let entries = || Entity::find().filter(of_table(&self.table));
        let record_id = || Column::RecordId.into_expr();
        let by_record = |entries: Select<Entity>| entries.order_by_desc(Column::RecordId);
        let steps = match &self.last {
            None => vec![by_record(entries())],
            Some((record, place)) => vec![
                entries().filter(record_id().eq(record.expr())).filter(place.earlier(backend)),
                by_record(entries().filter(record_id().lt(record.expr()))),
            ],
        };
        let steps = steps.into_iter();
        steps.map(|step| newest_first(step, backend, Some(Column::RecordId))).collect()
    }
}

fn newest_first(
    entries: Select<Entity>,
    backend: DbBackend,
    beside: Option<Column>,
) -> Select<Entity> {
    let columns = [Column::Timestamp, Column::Id].into_iter().chain(beside);
    let entries = entries.order_by_desc(Column::Timestamp).order_by_desc(Column::Id);
    select(entries, backend, columns)
}
