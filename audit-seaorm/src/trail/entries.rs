//! Entries in the order of their records, as far as they can be read: what replays a whole table goes by these.

use std::collections::HashSet;

use audit_core::{Image, Operation, Stamp, Unreadable};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable,
    QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Expr, ExprTrait},
};
use serde_json::Value as Json;

use super::{MAX_BYTES, first_rows::first_rows, moment, renames::Renames};
use crate::{
    Auditable,
    entity::{Column, Entity},
    record, search_path,
    stored::{self, Place, Reader, Stored},
    writer::weight,
};

/// How many entries are read at once, at most.
const MAX_ENTRIES: u64 = 512;

/// An entry, as far as it can be read.
pub(super) struct Entry {
    pub(super) record_id: String,
    pub(super) id: Option<Uuid>,
    pub(super) event: Option<Event>,
    pub(super) at: Option<DateTimeUtc>,
    /// Whether its time and its id belong together.
    pub(super) in_time: bool,
    /// What of it cannot be read, as far as it was asked for.
    pub(super) unreadable: Option<Unreadable>,
    weight: usize,
}

/// The images that an operation has.
#[derive(Clone)]
pub(super) enum Event {
    Create { after: Image },
    Update { before: Image, after: Image },
    Delete { before: Image },
    Baseline { after: Image },
}

/// Entries in the order of (record, time, id), page by page along the index.
pub(super) struct Pages {
    table: String,
    renames: Renames,
    only: Option<String>,
    until: Option<DateTimeUtc>,
    whole: bool,
    last: Option<Position>,
    limit: u64,
    /// Whether `table` is the name in the trail, and not the one that a connection is asked for.
    found: bool,
    ended: bool,
}

struct Position {
    record_id: Stored,
    place: Place,
}

/// What tells a change.
const COLUMNS: [Column; 6] = [
    Column::Id,
    Column::RecordId,
    Column::Operation,
    Column::OldValues,
    Column::NewValues,
    Column::Timestamp,
];

impl Pages {
    pub(super) fn of_table<E: Auditable>() -> Self {
        Self::named(record::table_name::<E>(), Renames::of::<E>())
    }

    pub(super) fn named(table: String, renames: Renames) -> Self {
        Self {
            table,
            renames,
            only: None,
            until: None,
            whole: false,
            last: None,
            limit: MAX_ENTRIES / 8,
            found: false,
            ended: false,
        }
    }

    pub(super) fn of_record<E: Auditable>(record_id: &str) -> Self {
        Self::of_table::<E>().only(record_id)
    }

    /// Of a table by its name in the trail.
    pub(super) fn found(self) -> Self {
        Self { found: true, ..self }
    }

    /// Of one record.
    pub(super) fn only(self, record_id: &str) -> Self {
        // A usual one in one page.
        Self { only: Some(record_id.to_owned()), limit: MAX_ENTRIES / 4, ..self }
    }

    /// With a look at what stands beside the change, too.
    pub(super) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Without what is later.
    pub(super) fn until(self, until: DateTimeUtc) -> Self {
        Self { until: Some(until), ..self }
    }

    /// The next entries; none at the end.
    pub(super) async fn next<C: ConnectionTrait>(&mut self, db: &C) -> Result<Vec<Entry>, DbErr> {
        let mut rows = Vec::new();
        if !self.found {
            self.table = search_path::name_in_trail(db, std::mem::take(&mut self.table)).await?;
            self.found = true;
        }
        let backend = db.get_database_backend();
        let mut steps = self.steps(backend).into_iter();
        while !self.ended
            && rows.is_empty()
            && let Some(step) = steps.next()
        {
            rows = first_rows(db, self.select(step, backend), self.limit).await?;
            self.ended = steps.len() == 0 && (rows.len() as u64) < self.limit;
        }
        if let Some(row) = rows.last() {
            self.last = Some(Position::of(row, backend));
        }
        let entries: Vec<_> = rows.iter().map(|row| self.read(row, backend)).collect();
        self.adapt(entries.iter().map(|entry| entry.weight).sum());
        Ok(entries)
    }

    /// The rest of the last record, then the records after it: not every database finds its way into
    /// an index by one condition for both.
    fn steps(&self, backend: DbBackend) -> Vec<Select<Entity>> {
        let until = self.until.map(|until| Column::Timestamp.lte(moment(backend, until)));
        let entries = Entity::find().filter(Column::TableName.eq(&*self.table));
        let entries = entries.filter(Condition::all().add_option(until));
        let of = |record_id: Expr| entries.clone().filter(record_column().eq(record_id));
        let rest =
            |last: &Position| in_order(of(last.record_id.expr()).filter(last.place.later(backend)));
        match (&self.only, &self.last) {
            (None, None) => vec![by_record(entries)],
            (Some(only), None) => vec![in_order(of(Expr::val(only)))],
            (Some(_), Some(last)) => vec![rest(last)],
            (None, Some(last)) => vec![
                rest(last),
                by_record(entries.filter(record_column().gt(last.record_id.expr()))),
            ],
        }
    }

    fn select(&self, step: Select<Entity>, backend: DbBackend) -> Select<Entity> {
        if self.whole {
            stored::select(step, backend, Column::iter())
        } else {
            stored::select(step, backend, COLUMNS)
        }
    }

    fn read(&self, row: &QueryResult, backend: DbBackend) -> Entry {
        let mut row = Reader::new(row, backend);
        if self.whole {
            row.look_beside();
        }
        Entry::read(row, &self.renames)
    }

    /// Large images make small pages.
    fn adapt(&mut self, weight: usize) {
        self.limit = if weight > MAX_BYTES { self.limit / 2 } else { self.limit * 2 };
        self.limit = self.limit.clamp(1, MAX_ENTRIES);
    }
}

impl Position {
    fn of(row: &QueryResult, backend: DbBackend) -> Self {
        let record_id = Stored::read(row, Column::RecordId.as_str());
        let record_id = record_id.unwrap_or_else(|| Stored::Text(String::new()));
        Self { record_id, place: Place::read(row, backend) }
    }
}

impl Entry {
    fn read(mut row: Reader<'_>, renames: &Renames) -> Self {
        let (id, at) = (row.id(), row.time());
        let record_id = row.name(Column::RecordId);
        let operation = row.operation();
        let images = row.images(operation);
        let unreadable = row.finish();
        let is_told = unreadable.as_ref().is_none_or(|it| !it.hides_change());
        let images = images.map(|json| Some(renames.apply(image(json)?, at?)));
        let weight = images.iter().flatten().map(weight::of_image).sum();
        let [old, new] = images;
        Self {
            record_id,
            id,
            event: Event::of(operation, old, new).filter(|_| is_told),
            at,
            in_time: at.zip(id).is_none_or(|(at, id)| Stamp { at, id }.agrees()),
            unreadable,
            weight,
        }
    }
}

impl Event {
    /// None if these are not the images that the operation has.
    pub(super) fn of(operation: Operation, old: Option<Image>, new: Option<Image>) -> Option<Self> {
        Some(match (operation, old, new) {
            (Operation::Create, None, Some(after)) => Self::Create { after },
            (Operation::Update, Some(before), Some(after)) => Self::Update { before, after },
            (Operation::Delete, Some(before), None) => Self::Delete { before },
            (Operation::Baseline, None, Some(after)) => Self::Baseline { after },
            _ => return None,
        })
    }
}

/// An image as an entry has it; none if it has none.
pub(super) fn image(json: Option<Json>) -> Option<Image> {
    match json {
        Some(Json::Object(image)) => Some(image),
        _ => None,
    }
}

/// Those of the records that have entries.
pub(super) async fn recorded<C: ConnectionTrait>(
    db: &C,
    table: &str,
    record_ids: &[&str],
) -> Result<HashSet<String>, DbErr> {
    let entries = Entity::find()
        .select_only()
        .column(Column::RecordId)
        .filter(Column::TableName.eq(table))
        .filter(Column::RecordId.is_in(record_ids.iter().copied()))
        .group_by(Column::RecordId);
    let rows = db.query_all(&entries.into_query()).await?;
    rows.iter().map(|row| row.try_get("", Column::RecordId.as_str())).collect()
}

fn record_column() -> Expr {
    Expr::col(Column::RecordId.as_column_ref())
}

fn by_record(entries: Select<Entity>) -> Select<Entity> {
    in_order(entries.order_by_asc(Column::RecordId))
}

fn in_order(entries: Select<Entity>) -> Select<Entity> {
    entries.order_by_asc(Column::Timestamp).order_by_asc(Column::Id)
}
