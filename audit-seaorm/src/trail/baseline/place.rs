use sea_orm::{
    ColumnTrait, Condition, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable, PrimaryKeyTrait,
    QueryResult, TryGetableMany,
    sea_query::{
        Alias, Expr, ExprTrait, Func, IntoValueTuple, LockBehavior, LockType, Query,
        SelectStatement,
    },
};

use crate::{
    capture::bulk::keys::Key,
    found,
    record::{id_of_values, key_columns},
};

/// What the audited table is called in statements, whatever its name.
pub(super) const ROW: &str = "t";

/// Where a row stands in the order of the primary key.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) record_id: String,
    /// The values of the key, as the database compares them.
    bounds: Vec<Expr>,
}

/// Rows that are next to each other in that order.
#[derive(Clone, Debug)]
pub(super) enum Range {
    /// Behind one, if any, up to another one.
    Between(Option<Place>, Place),
    Only(Place),
}

impl Place {
    pub(super) fn of<E: EntityTrait>(row: &QueryResult, backend: DbBackend) -> Result<Self, DbErr> {
        let key = key::<E>(row)?;
        let bounds = key_columns::<E>().zip(&key).enumerate();
        let bounds = bounds.map(|(place, (column, value))| match backend {
            DbBackend::Sqlite => Ok(Expr::cust(row.try_get::<String>("", &literal(place))?)),
            _ => Ok(column.save_as(Expr::val(value.clone()))),
        });
        Ok(Self {
            record_id: id_of_values::<E>(&key).map_err(DbErr::from)?,
            bounds: bounds.collect::<Result<_, DbErr>>()?,
        })
    }

    pub(super) fn condition<E: EntityTrait>(&self) -> Condition {
        let columns = columns::<E>().into_iter().zip(self.bounds.clone());
        columns.fold(Condition::all(), |all, (column, bound)| all.add(column.eq(bound)))
    }
}

impl Range {
    pub(super) fn condition<E: EntityTrait>(&self, backend: DbBackend) -> Condition {
        match self {
            Self::Between(None, to) => up_to::<E>(to, backend),
            Self::Between(Some(from), to) => {
                Condition::all().add(behind::<E>(from, backend)).add(up_to::<E>(to, backend))
            }
            Self::Only(place) => place.condition::<E>(),
        }
    }

    /// The keys of its rows with the database's clock, locked against others until the transaction ends. Of many rows those that somebody else
    /// holds are left out; a single one is waited for.
    pub(super) fn locked_keys<E: EntityTrait>(&self, backend: DbBackend) -> SelectStatement {
        let mut keys = keys::<E>(backend);
        keys.exprs(found::extras::<E>(backend));
        keys.cond_where(self.condition::<E>(backend));
        // Others may go on inserting rows that refer to these, where the database can tell.
        let lock = match backend {
            DbBackend::Postgres => LockType::Share,
            _ => LockType::Update,
        };
        match self {
            Self::Between(..) => keys.lock_with_behavior(lock, LockBehavior::SkipLocked),
            Self::Only(_) => keys.lock(lock),
        };
        keys
    }
}

/// The keys of the rows behind a place, in their order.
pub(super) fn keys_behind<E: EntityTrait>(
    place: Option<&Place>,
    backend: DbBackend,
) -> SelectStatement {
    let mut keys = keys::<E>(backend);
    if let Some(place) = place {
        keys.cond_where(behind::<E>(place, backend));
    }
    for column in columns::<E>() {
        keys.order_by_expr(column, sea_orm::Order::Asc);
    }
    keys
}

/// All columns as they are read, beside the keys.
pub(super) fn add_columns<E: EntityTrait>(rows: &mut SelectStatement) {
    let is_key = |column: &E::Column| key_columns::<E>().any(|key| key.as_str() == column.as_str());
    for column in E::Column::iter().filter(|column| !is_key(column)) {
        let expr = Expr::col((Alias::new(ROW), column));
        rows.expr_as(column.select_as(expr), Alias::new(column.as_str()));
    }
}

pub(super) fn keys<E: EntityTrait>(backend: DbBackend) -> SelectStatement {
    let mut keys = Query::select();
    keys.from_as(E::default().table_ref(), Alias::new(ROW));
    for (place, column) in key_columns::<E>().enumerate() {
        let expr = Expr::col((Alias::new(ROW), column));
        keys.expr_as(column.select_as(expr.clone()), Alias::new(column.as_str()));
        if backend == DbBackend::Sqlite {
            // It compares what is stored, whatever form that has: a moment is a text there, with an offset or without.
            let stored = Func::cust(Alias::new("quote")).arg(expr);
            keys.expr_as(stored, Alias::new(literal(place)));
        }
    }
    keys
}

fn literal(place: usize) -> String {
    format!("audit_key_{place}")
}

/// The record id of a row of which the key was read.
pub(super) fn record_id<E: EntityTrait>(row: &QueryResult) -> Result<String, DbErr> {
    Ok(id_of_values::<E>(&key::<E>(row)?)?)
}

fn key<E: EntityTrait>(row: &QueryResult) -> Result<Key, DbErr> {
    let names: Vec<_> = key_columns::<E>().map(|column| column.as_str().to_owned()).collect();
    let key = <E::PrimaryKey as PrimaryKeyTrait>::ValueType::try_get_many(row, "", &names)?;
    Ok(key.into_value_tuple().into_iter().collect())
}

fn columns<E: EntityTrait>() -> Vec<Expr> {
    key_columns::<E>().map(|column| Expr::col((Alias::new(ROW), column))).collect()
}

fn behind<E: EntityTrait>(place: &Place, backend: DbBackend) -> Condition {
    compared::<E>(place, backend, Expr::gt, Expr::gte, Expr::gt)
}

fn up_to<E: EntityTrait>(place: &Place, backend: DbBackend) -> Condition {
    compared::<E>(place, backend, Expr::lt, Expr::lte, Expr::lte)
}

type Compare = fn(Expr, Expr) -> Expr;

/// Compares keys as a whole. `MariaDB` finds no index for that, and for `a >= ? AND (a > ? OR (a = ? AND b > ?))` it
/// does.
fn compared<E: EntityTrait>(
    place: &Place,
    backend: DbBackend,
    strictly: Compare,
    first: Compare,
    last: Compare,
) -> Condition {
    let (columns, bounds) = (columns::<E>(), &place.bounds);
    match (&columns[..], &bounds[..]) {
        ([column], [bound]) => Condition::all().add(last(column.clone(), bound.clone())),
        _ if backend != DbBackend::MySql => {
            Condition::all().add(last(Expr::tuple(columns), Expr::tuple(bounds.clone())))
        }
        _ => {
            let branch = |depth: usize| {
                let equal = columns[..depth].iter().zip(bounds);
                let equal = equal.map(|(column, bound)| column.clone().eq(bound.clone()));
                let compare = if depth + 1 == columns.len() { last } else { strictly };
                let here = compare(columns[depth].clone(), bounds[depth].clone());
                equal.fold(Condition::all(), Condition::add).add(here)
            };
            let branches = (0..columns.len()).map(branch).fold(Condition::any(), Condition::add);
            let near = first(columns[0].clone(), bounds[0].clone());
            Condition::all().add(near).add(branches)
        }
    }
}
