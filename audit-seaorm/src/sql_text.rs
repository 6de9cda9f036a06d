//! Texts of statements that are sent again and again. Building one costs more than sending it, so the
//! text of the first is kept, and those that follow bring their values.

use std::{
    any::TypeId,
    collections::HashMap,
    mem::{Discriminant, discriminant},
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use sea_orm::{DbBackend, EntityTrait, Statement, Value, Values};

use crate::{capture::Intent, registry::TableName};

/// More shapes than an application has; past that many all are forgotten.
const MAX_TEXTS: usize = 4096;

static TEXTS: LazyLock<RwLock<HashMap<Shape, Arc<str>>>> = LazyLock::new(RwLock::default);

/// What the text of a statement depends on.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    backend: Discriminant<DbBackend>,
    entity: TypeId,
    /// The entity's name for its table may change.
    table: TableName,
    kind: Kind,
    /// The columns that it names, beside those of the key or instead of all of them.
    columns: Vec<usize>,
    /// A value may be written with a cast that its type asks for.
    types: Vec<Discriminant<Value>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// As many entries as there are columns, times the columns.
    InsertEntries,
    /// The same, if each is later than what the trail has of its record; on `SQLite`.
    InsertEntriesIfLast,
    Insert,
    UpdateBothImages,
    UpdateReturning,
    Update,
    Locked(Intent),
    /// On `SQLite`, in a transaction that may not have written so far.
    LockedForWriting,
    DeleteReturning,
    Delete,
}

/// A statement of this kind that binds these values, built only if there is no text of it yet.
pub(crate) fn statement<E: EntityTrait>(
    backend: DbBackend,
    kind: Kind,
    columns: Vec<usize>,
    values: Vec<Value>,
    build: impl FnOnce(&[Value]) -> Statement,
) -> Statement {
    let types = values.iter().map(discriminant).collect();
    let shape = Shape {
        backend: discriminant(&backend),
        entity: TypeId::of::<E>(),
        table: TableName::of::<E>(),
        kind,
        columns,
        types,
    };
    if let Some(text) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(&shape) {
        return Statement::from_sql_and_values(backend, &**text, values);
    }
    let statement = build(&values);
    // A column may write a value in a way of its own, with others bound beside it.
    if statement.values.as_ref().is_some_and(|Values(bound)| *bound == values) {
        let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= MAX_TEXTS {
            texts.clear();
        }
        texts.insert(shape, Arc::from(&*statement.sql));
    }
    statement
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Expr, ExprTrait, Query};

    use super::*;
    use crate::entity::{Column, Entity};

    fn select(values: Vec<Value>, build: impl FnOnce(&[Value]) -> Statement) -> Statement {
        statement::<Entity>(
            DbBackend::Sqlite,
            Kind::Locked(Intent::Delete),
            vec![99],
            values,
            build,
        )
    }

    fn by_value(values: &[Value]) -> Statement {
        let equal = Expr::col(Column::Reason).eq(values[0].clone());
        DbBackend::Sqlite.build(&Query::select().expr(equal).take())
    }

    #[test]
    fn a_text_is_built_once_for_each_shape() {
        let first = select(vec!["a".into()], by_value);
        let second = select(vec!["b".into()], |_| unreachable!("the text is known"));
        assert_eq!(first.sql, second.sql);
        assert_eq!(second.values, Some(Values(vec!["b".into()])));
        let mut built = false;
        select(vec![7.into()], |values| {
            built = true;
            by_value(values)
        });
        assert!(built, "a value of another type has its own");
    }

    #[test]
    fn a_text_with_other_values_beside_is_not_kept() {
        let beside = |values: &[Value]| {
            let equal = Expr::col(Column::Reason).eq(Expr::val(values[0].clone()).add(1));
            Query::select().expr(equal).take()
        };
        for _ in 0..2 {
            let mut built = false;
            select(vec![Value::Double(Some(1.0))], |values| {
                built = true;
                DbBackend::Sqlite.build(&beside(values))
            });
            assert!(built);
        }
    }
}
