//! Entries in the order of their records, as far as they can be read: what replays a whole table goes by these.

use std::collections::HashSet;

use audit_core::{Image, Operation, Stamp};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic,
    QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select, Value,
    prelude::{DateTimeUtc, Uuid},
    sea_query::ExprTrait,
};
use serde_json::Value as Json;

use super::{MAX_BYTES, first_rows::first_rows, moment, renames::Renames};
use crate::{
    Auditable,
    entity::{Column, Entity, sqlite_text},
    record, search_path,
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
    /// Whether its time is stored in the form that conditions on time need, see docs/migrating.md.
    pub(super) in_form: bool,
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
    last: Option<Position>,
    limit: u64,
    ended: bool,
}

struct Position {
    record_id: String,
    at: Value,
    id: Value,
}

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
            last: None,
            limit: MAX_ENTRIES / 8,
            ended: false,
        }
    }

    pub(super) fn of_record<E: Auditable>(record_id: &str) -> Self {
        Self::of_table::<E>().only(record_id)
    }

    /// Of one record.
    pub(super) fn only(self, record_id: &str) -> Self {
        // A usual one in one page.
        Self { only: Some(record_id.to_owned()), limit: MAX_ENTRIES / 4, ..self }
    }

    /// Without what is later.
    pub(super) fn until(self, until: DateTimeUtc) -> Self {
        Self { until: Some(until), ..self }
    }

    /// The next entries; none at the end.
    pub(super) async fn next<C: ConnectionTrait>(&mut self, db: &C) -> Result<Vec<Entry>, DbErr> {
        let mut rows = Vec::new();
        let mut steps = self.steps(db.get_database_backend()).into_iter();
        while !self.ended
            && rows.is_empty()
            && let Some(step) = steps.next()
        {
            rows = first_rows(db, step, self.limit).await?;
            self.ended = steps.len() == 0 && (rows.len() as u64) < self.limit;
        }
        if let Some(row) = rows.last() {
            self.last = Some(Position::of(row, db.get_database_backend())?);
        }
        let read = |row| Entry::read(row, &self.renames, db.get_database_backend());
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        self.adapt(entries.iter().map(|entry| entry.weight).sum());
        Ok(entries)
    }

    /// The rest of the last record, then the records after it: not every database finds its way into
    /// an index by one condition for both.
    fn steps(&self, backend: DbBackend) -> Vec<Select<Entity>> {
        let until = self.until.map(|until| Column::Timestamp.lte(moment(backend, until)));
        let entries = select(backend, &self.table).filter(Condition::all().add_option(until));
        let of = |record_id: &str| entries.clone().filter(Column::RecordId.eq(record_id));
        match (&self.only, &self.last) {
            (None, None) => vec![by_record(entries)],
            (Some(only), None) => vec![in_order(of(only))],
            (Some(_), Some(last)) => vec![in_order(of(&last.record_id).filter(last.onwards()))],
            (None, Some(last)) => vec![
                in_order(of(&last.record_id).filter(last.onwards())),
                by_record(entries.filter(Column::RecordId.gt(&*last.record_id))),
            ],
        }
    }

    /// Large images make small pages.
    fn adapt(&mut self, weight: usize) {
        self.limit = if weight > MAX_BYTES { self.limit / 2 } else { self.limit * 2 };
        self.limit = self.limit.clamp(1, MAX_ENTRIES);
    }
}

impl Position {
    /// `SQLite` compares what is stored, whatever form that has.
    fn of(row: &QueryResult, backend: DbBackend) -> Result<Self, DbErr> {
        let (at, id) = match backend {
            DbBackend::Sqlite => (stored(row, Column::Timestamp)?, stored(row, Column::Id)?),
            _ => (
                moment(backend, get(row, Column::Timestamp)?),
                get::<Uuid>(row, Column::Id)?.into(),
            ),
        };
        Ok(Self { record_id: get(row, Column::RecordId)?, at, id })
    }

    fn onwards(&self) -> Condition {
        let later = Column::Timestamp.gt(self.at.clone()).or(Column::Id.gt(self.id.clone()));
        Condition::all().add(Column::Timestamp.gte(self.at.clone())).add(later)
    }
}

impl Entry {
    fn read(row: &QueryResult, renames: &Renames, backend: DbBackend) -> Result<Self, DbErr> {
        let id = get(row, Column::Id).ok();
        let stamp = get(row, Column::Timestamp).ok().zip(id).map(|(at, id)| Stamp { at, id });
        let event = stamp.and_then(|stamp| event(row, renames, stamp.at));
        let (event, weight) = event.map_or((None, 0), |(event, weight)| (Some(event), weight));
        Ok(Self {
            record_id: get(row, Column::RecordId)?,
            id,
            event,
            at: stamp.map(|stamp| stamp.at),
            in_time: stamp.is_none_or(|stamp| stamp.agrees()),
            in_form: stamp.is_none_or(|stamp| is_in_form(row, stamp.at, backend)),
            weight,
        })
    }
}

/// The other databases have a type for it.
fn is_in_form(row: &QueryResult, at: DateTimeUtc, backend: DbBackend) -> bool {
    backend != DbBackend::Sqlite
        || get::<String>(row, Column::Timestamp).is_ok_and(|text| text == sqlite_text(at))
}

fn event(row: &QueryResult, renames: &Renames, at: DateTimeUtc) -> Option<(Event, usize)> {
    let operation = get::<String>(row, Column::Operation).ok()?.parse().ok()?;
    let image = |column| Some(image(row, column).ok()?.map(|image| renames.apply(image, at)));
    let (old, new) = (image(Column::OldValues)?, image(Column::NewValues)?);
    let weight = [&old, &new].into_iter().flatten().map(weight::of_image).sum();
    let event = match (operation, old, new) {
        (Operation::Create, None, Some(after)) => Event::Create { after },
        (Operation::Update, Some(before), Some(after)) => Event::Update { before, after },
        (Operation::Delete, Some(before), None) => Event::Delete { before },
        (Operation::Baseline, None, Some(after)) => Event::Baseline { after },
        _ => return None,
    };
    Some((event, weight))
}

/// An image as an entry has it; none if it has none.
pub(super) fn image(row: &QueryResult, column: Column) -> Result<Option<Image>, DbErr> {
    match get(row, column)? {
        None => Ok(None),
        Some(Json::Object(image)) => Ok(Some(image)),
        Some(_) => Err(DbErr::Type(format!("{} is no object", column.as_str()))),
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
        .filter(search_path::is_table(db.get_database_backend(), table))
        .filter(Column::RecordId.is_in(record_ids.iter().copied()))
        .group_by(Column::RecordId);
    let rows = db.query_all(&entries.into_query()).await?;
    rows.iter().map(|row| get(row, Column::RecordId)).collect()
}

fn select(backend: DbBackend, table: &str) -> Select<Entity> {
    let columns = [
        Column::Id,
        Column::RecordId,
        Column::Operation,
        Column::OldValues,
        Column::NewValues,
        Column::Timestamp,
    ];
    let of_table = search_path::is_table(backend, table);
    Entity::find().select_only().columns(columns).filter(of_table)
}

fn by_record(entries: Select<Entity>) -> Select<Entity> {
    in_order(entries.order_by_asc(Column::RecordId))
}

fn in_order(entries: Select<Entity>) -> Select<Entity> {
    entries.order_by_asc(Column::Timestamp).order_by_asc(Column::Id)
}

pub(super) fn get<T: sea_orm::TryGetable>(row: &QueryResult, column: Column) -> Result<T, DbErr> {
    row.try_get("", column.as_str())
}

fn stored(row: &QueryResult, column: Column) -> Result<Value, DbErr> {
    match get::<String>(row, column) {
        Ok(text) => Ok(text.into()),
        Err(_) => Ok(get::<Vec<u8>>(row, column)?.into()),
    }
}
