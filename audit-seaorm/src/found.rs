//! Rows as statements of ours give them back: the model, and what comes along with it.

use audit_core::{Change, Stamp};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, QueryResult,
    prelude::DateTimeUtc,
    sea_query::{Expr, Query},
};

use crate::{database_clock, read_row, search_path};

/// The names of what comes along, where no column has them.
const AT: &str = "audit$at";
const SCHEMA: &str = "audit$schema";

/// A row, and what is known about it besides its columns.
#[derive(Clone, Debug)]
pub(crate) struct Found<E: EntityTrait> {
    pub(crate) model: E::Model,
    pub(crate) facts: Facts,
}

/// What a row carries besides its columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// When the database held the row's lock, by its own clock; none on `SQLite`, which has none.
    pub(crate) at: Option<DateTimeUtc>,
    /// Where the table was found, if the entity names no schema and it is not the trail's.
    pub(crate) schema: Option<String>,
}

/// A change, and what its row carried.
#[derive(Clone, Debug)]
pub(crate) struct Noticed {
    pub(crate) change: Change,
    pub(crate) facts: Facts,
}

impl<E: EntityTrait> Found<E> {
    /// Reads a row of a statement that asked for the columns of the entity and for [`extras`].
    pub(crate) fn read(row: &QueryResult, backend: DbBackend) -> Result<Self, DbErr> {
        let model = read_row::read::<E>(row, "")?;
        Ok(Self { model, facts: Facts::read::<E>(row, backend)? })
    }
}

impl Facts {
    /// Reads what [`extras`] asked for.
    pub(crate) fn read<E: EntityTrait>(
        row: &QueryResult,
        backend: DbBackend,
    ) -> Result<Self, DbErr> {
        let has_clock = database_clock::moment(backend).is_some();
        let at = has_clock.then(|| row.try_get("", &free_name::<E>(AT))).transpose()?;
        let has_schema = schema_of::<E>(backend).is_some();
        let schema = has_schema.then(|| row.try_get("", &free_name::<E>(SCHEMA))).transpose()?;
        Ok(Self { at, schema: schema.flatten() })
    }

    /// The stamp of the entry. On `SQLite` the store moves it behind the last entry of the record.
    pub(crate) fn stamp(&self) -> Stamp {
        self.at.map_or_else(Stamp::next, Stamp::at)
    }

    /// What is known about a row that no statement of ours has given back, by one more statement. The
    /// caller holds the lock of the row.
    pub(crate) async fn ask<E: EntityTrait>(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let backend = db.get_database_backend();
        let extras = extras::<E>(backend);
        if extras.is_empty() {
            return Ok(Self::default());
        }
        let row = db.query_one(&Query::select().exprs(extras).take()).await?;
        row.map_or_else(|| Ok(Self::default()), |row| Self::read::<E>(&row, backend))
    }

    /// As [`ask`](Self::ask), of a table that is known by its name in the trail alone.
    pub(crate) async fn ask_of(db: &impl ConnectionTrait, table: &str) -> Result<Self, DbErr> {
        let at = database_clock::now(db).await?;
        Ok(Self { at, schema: search_path::found_schema(db, table).await? })
    }
}

/// What a statement asks for besides the columns of the entity, with its names.
pub(crate) fn extras<E: EntityTrait>(backend: DbBackend) -> Vec<Expr> {
    let quote = if backend == DbBackend::MySql { '`' } else { '"' };
    let named = |extra: &str, name| {
        Expr::cust(format!("{extra} AS {quote}{}{quote}", free_name::<E>(name)))
    };
    let moment = database_clock::moment(backend).map(|moment| named(moment, AT));
    let schema = schema_of::<E>(backend).map(|schema| named(&schema, SCHEMA));
    moment.into_iter().chain(schema).collect()
}

fn schema_of<E: EntityTrait>(backend: DbBackend) -> Option<String> {
    let entity = E::default();
    let unqualified = entity.schema_name().is_none();
    unqualified.then(|| search_path::schema_of(backend, entity.table_name())).flatten()
}

/// A name that no column of the entity has.
fn free_name<E: EntityTrait>(name: &str) -> String {
    let mut name = name.to_owned();
    while E::Column::iter().any(|column| column.as_str().eq_ignore_ascii_case(&name)) {
        name.push('$');
    }
    name
}
