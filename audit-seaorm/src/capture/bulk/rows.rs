use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, DbBackend, EntityTrait, IdenStatic, Iterable,
    Value,
    sea_query::{Expr, InsertStatement, OnConflict},
};

use super::keys::Key;
use crate::{record::key_columns, writer::weight};

/// How many rows are tried at once, where it has to be found out first what becomes of them.
const MAX_TRIED: usize = 1024;
/// How large the values of a statement may be in all, in bytes: `MariaDB` takes 16 MiB by default, with all around them.
const MAX_BYTES: usize = 8 << 20;

/// Shared, because a write may have to be run again.
type Row = Arc<Vec<Option<Value>>>;

/// Rows to insert, aligned as `SeaORM`'s `InsertMany` aligns them: a column that one of them sets is
/// written for all, with NULL where it is not set.
#[allow(clippy::struct_field_names, reason = "they are what `Rows` has")]
pub(crate) struct Rows<E: EntityTrait> {
    rows: Vec<Row>,
    columns: Vec<(usize, E::Column, Value)>,
    overriding: bool,
}

impl<E: EntityTrait> Rows<E> {
    pub(crate) fn of<A: ActiveModelTrait<Entity = E>>(models: impl IntoIterator<Item = A>) -> Self {
        let rows = models.into_iter().map(|model| Arc::new(values::<E, A>(&model)));
        let rows: Vec<Row> = rows.collect();
        let null_of =
            |index: usize| rows.iter().find_map(|row| row[index].as_ref()).map(Value::as_null);
        let columns = E::Column::iter()
            .enumerate()
            .filter_map(|(index, column)| Some((index, column, null_of(index)?)))
            .collect();
        Self { rows, columns, overriding: false }
    }

    /// Whether the values of columns that are `GENERATED ALWAYS AS IDENTITY` are written as well.
    pub(crate) fn overriding_identity(self, overriding: bool) -> Self {
        Self { overriding, ..self }
    }

    pub(super) fn is_overriding(&self) -> bool {
        self.overriding
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The keys that they bring along, where it is a whole one.
    pub(super) fn keys(&self) -> impl DoubleEndedIterator<Item = Option<Key>> {
        let place = |key: E::Column| E::Column::iter().position(|it| it.as_str() == key.as_str());
        let places: Vec<_> = key_columns::<E>().filter_map(place).collect();
        self.rows.iter().map(move |row| places.iter().map(|place| row[*place].clone()).collect())
    }

    /// Takes the rows of one statement from the front: all, if the database takes as many.
    pub(super) fn next_statement(&mut self, backend: DbBackend) -> Option<Self> {
        let mut bytes = 0;
        let fits = |row: &&Row| {
            bytes += row.iter().flatten().map(size).sum::<usize>();
            bytes <= MAX_BYTES
        };
        let fitting = self.rows.iter().take(self.most(backend)).take_while(fits).count();
        self.take(fitting)
    }

    /// Takes the rows to be tried together from the front.
    pub(super) fn next_trial(&mut self, backend: DbBackend) -> Option<Self> {
        self.take(crate::chunk::size(self.rows.len(), self.most(backend).min(MAX_TRIED)))
    }

    fn take(&mut self, rows: usize) -> Option<Self> {
        if self.rows.is_empty() {
            return None;
        }
        let rest = self.rows.split_off(rows.clamp(1, self.rows.len()));
        let chunk = std::mem::replace(&mut self.rows, rest);
        Some(self.with(chunk))
    }

    /// As many as one statement has places for.
    fn most(&self, backend: DbBackend) -> usize {
        let values: usize = if backend == DbBackend::Sqlite { 32_766 } else { 65_535 };
        // Rows of nothing but defaults have no form for several.
        values.checked_div(self.columns.len()).unwrap_or(1)
    }

    /// Those for which `is_left` says so, and the others.
    pub(super) fn split(self, is_left: impl Fn(usize) -> bool) -> (Self, Self) {
        let (columns, overriding) = (self.columns, self.overriding);
        let (left, right): (Vec<_>, Vec<_>) =
            self.rows.into_iter().enumerate().partition(|(index, _)| is_left(*index));
        let rows = |part: Vec<(usize, _)>| part.into_iter().map(|(_, row)| row).collect();
        let left = Self { rows: rows(left), columns: columns.clone(), overriding };
        (left, Self { rows: rows(right), columns, overriding })
    }

    pub(super) fn each(self) -> impl Iterator<Item = Self> {
        let (columns, overriding) = (self.columns, self.overriding);
        let rows = self.rows.into_iter();
        rows.map(move |row| Self { rows: vec![row], columns: columns.clone(), overriding })
    }

    pub(in crate::capture) fn insert(&self, on_conflict: Option<&OnConflict>) -> InsertStatement {
        let mut insert = self.head();
        for row in &self.rows {
            insert.values_panic(self.columns.iter().map(|(index, column, null)| {
                row[*index].as_ref().map_or_else(
                    || Expr::val(null.clone()),
                    |value| column.save_as(Expr::val(value.clone())),
                )
            }));
        }
        if let Some(on_conflict) = on_conflict {
            insert.on_conflict(on_conflict.clone());
        }
        insert
    }

    /// The statement up to its values.
    pub(in crate::capture) fn head(&self) -> InsertStatement {
        let mut insert = InsertStatement::new();
        insert.into_table(E::default().table_ref()).or_default_values();
        insert.columns(self.columns.iter().map(|(_, column, _)| *column));
        insert
    }

    fn with(&self, rows: Vec<Row>) -> Self {
        Self { rows, columns: self.columns.clone(), overriding: self.overriding }
    }
}

impl<E: EntityTrait> Clone for Rows<E> {
    fn clone(&self) -> Self {
        self.with(self.rows.clone())
    }
}

/// About as many bytes as the value takes in a statement.
fn size(value: &Value) -> usize {
    match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        Value::Json(Some(json)) => weight::of_json(json),
        _ => 16,
    }
}

fn values<E: EntityTrait, A: ActiveModelTrait<Entity = E>>(model: &A) -> Vec<Option<Value>> {
    E::Column::iter()
        .map(|column| match model.get(column) {
            ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some(value),
            ActiveValue::NotSet => None,
        })
        .collect()
}
