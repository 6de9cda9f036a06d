use sea_orm::{
    ColumnTrait, Condition, DbBackend, EntityTrait, ModelTrait, Value,
    sea_query::{Expr, ExprTrait},
};

use crate::record::key_columns;

/// How many rows one statement names by their keys at most.
pub(super) const MAX_NAMED: usize = 1024;

/// The values of a primary key, in key order.
pub(crate) type Key = Vec<Value>;

pub(crate) fn key_of<E: EntityTrait>(row: &E::Model) -> Key {
    key_columns::<E>().map(|column| row.get(column)).collect()
}

/// The rows with these keys, of which there must be one.
///
/// The last one is repeated up to the next power of two, so that the statement has few texts.
pub(crate) fn among<E: EntityTrait>(keys: &[Key], backend: DbBackend) -> Condition {
    let padding = keys.len().next_power_of_two() - keys.len();
    let keys = keys.iter().chain(keys.last().into_iter().cycle().take(padding));
    let columns: Vec<_> = key_columns::<E>().collect();
    match (&*columns, backend) {
        (&[column], _) => {
            let values = keys.flatten().map(|value| column.save_as(Expr::val(value.clone())));
            Condition::all().add(expr(column).is_in(values))
        }
        // MariaDB finds no index for a list of rows.
        (_, DbBackend::MySql) => keys.fold(Condition::any(), |any, key| any.add(is::<E>(key))),
        _ => {
            let tuples = keys.map(|key| {
                Expr::tuple(columns.iter().zip(key).map(|(column, value)| saved(*column, value)))
            });
            let columns = Expr::tuple(columns.iter().map(|column| expr(*column)));
            Condition::all().add(columns.is_in(tuples.collect::<Vec<_>>()))
        }
    }
}

/// The rows whose keys come after this one: `a > ? OR (a = ? AND b > ?)`, which every backend answers
/// from the index.
pub(crate) fn beyond<E: EntityTrait>(key: &[Value]) -> Condition {
    let columns: Vec<_> = key_columns::<E>().zip(key).collect();
    let branch = |depth: usize| {
        let (column, value) = columns[depth];
        let equal = columns[..depth].iter().map(|(column, value)| equals(*column, value));
        equal.fold(Condition::all(), Condition::add).add(expr(column).gt(saved(column, value)))
    };
    (0..columns.len()).map(branch).fold(Condition::any(), Condition::add)
}

fn is<E: EntityTrait>(key: &[Value]) -> Condition {
    let parts = key_columns::<E>().zip(key);
    parts.fold(Condition::all(), |all, (column, value)| all.add(equals(column, value)))
}

fn equals<C: ColumnTrait>(column: C, value: &Value) -> Expr {
    expr(column).eq(saved(column, value))
}

fn expr<C: ColumnTrait>(column: C) -> Expr {
    Expr::col(column.as_column_ref())
}

fn saved<C: ColumnTrait>(column: C, value: &Value) -> Expr {
    column.save_as(Expr::val(value.clone()))
}
