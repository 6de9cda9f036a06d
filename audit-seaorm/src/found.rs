//! Rows as statements of ours give them back: the model, and what comes along with it.

use audit_core::{Change, Stamp};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    QueryResult, prelude::DateTimeUtc, sea_query::Expr,
};

use crate::database_clock;

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
        let model = E::Model::from_query_result(row, "")?;
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
        let at = has_clock.then(|| row.try_get("", &name_of_moment::<E>())).transpose()?;
        Ok(Self { at })
    }

    /// The stamp of the entry. On `SQLite` the store moves it behind the last entry of the record.
    pub(crate) fn stamp(&self) -> Stamp {
        self.at.map_or_else(Stamp::next, Stamp::at)
    }

    /// What is known about a row that no statement of ours has given back, by one more statement. The
    /// caller holds the lock of the row.
    pub(crate) async fn ask(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        Ok(Self { at: database_clock::now(db).await? })
    }
}

/// What a statement asks for besides the columns of the entity, with its names.
pub(crate) fn extras<E: EntityTrait>(backend: DbBackend) -> Vec<Expr> {
    let quote = if backend == DbBackend::MySql { '`' } else { '"' };
    let named = |moment| Expr::cust(format!("{moment} AS {quote}{}{quote}", name_of_moment::<E>()));
    database_clock::moment(backend).map(named).into_iter().collect()
}

/// A name that no column of the entity has.
fn name_of_moment<E: EntityTrait>() -> String {
    let mut name = "audit$at".to_owned();
    while E::Column::iter().any(|column| column.as_str().eq_ignore_ascii_case(&name)) {
        name.push('$');
    }
    name
}
