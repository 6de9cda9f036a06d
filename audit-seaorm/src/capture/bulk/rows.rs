use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IdenStatic, Iterable, Value,
    sea_query::{Expr, InsertStatement, OnConflict},
};

use super::keys::Key;
use crate::record::key_columns;

/// How many rows, and how many values, a statement may have: `SQLite` binds 32,766 at most.
const MAX_ROWS: usize = 1024;
const MAX_VALUES: usize = 32_000;

/// Rows to insert, aligned as `SeaORM`'s `InsertMany` aligns them: a column that one of them sets is
/// written for all, with NULL where it is not set.
pub(crate) struct Rows<E: EntityTrait> {
    rows: Vec<Vec<Option<Value>>>,
    columns: Vec<(usize, E::Column, Value)>,
    overriding: bool,
}

impl<E: EntityTrait> Rows<E> {
    pub(crate) fn of<A: ActiveModelTrait<Entity = E>>(models: impl IntoIterator<Item = A>) -> Self {
        let rows: Vec<_> = models.into_iter().map(|model| values::<E, A>(&model)).collect();
        let null_of = |index: usize| {
            rows.iter().find_map(|row: &Vec<Option<Value>>| row[index].as_ref()).map(Value::as_null)
        };
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

    /// Takes the rows of one statement from the front.
    pub(super) fn next_chunk(&mut self) -> Option<Self> {
        if self.rows.is_empty() {
            return None;
        }
        // Rows of nothing but defaults have no form for several.
        let most = if self.columns.is_empty() { 1 } else { MAX_VALUES / self.columns.len() };
        let rest = self.rows.split_off(crate::chunk::size(self.rows.len(), most.min(MAX_ROWS)));
        let chunk = std::mem::replace(&mut self.rows, rest);
        Some(self.with(chunk))
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

    fn with(&self, rows: Vec<Vec<Option<Value>>>) -> Self {
        Self { rows, columns: self.columns.clone(), overriding: self.overriding }
    }
}

impl<E: EntityTrait> Clone for Rows<E> {
    fn clone(&self) -> Self {
        self.with(self.rows.clone())
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
