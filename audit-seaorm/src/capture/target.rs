use std::marker::PhantomData;

use sea_orm::{Condition, DbBackend, EntityTrait, Statement, Value, sea_query::ValueTuple};

use crate::{
    audited::Filter,
    sql_text::{self, Kind},
};

/// One row, by its key.
#[derive(Clone)]
pub(crate) struct Target<E> {
    key: Vec<Value>,
    only_if: Option<Filter>,
    entity: PhantomData<fn() -> E>,
}

impl<E: EntityTrait> Target<E> {
    pub(crate) fn of(key: ValueTuple) -> Self {
        Self { key: key.into_iter().collect(), only_if: None, entity: PhantomData }
    }

    /// With a condition that the row must meet as well.
    pub(crate) fn only_if(mut self, filter: Filter) -> Self {
        self.only_if = Some(filter).filter(|filter| !filter.is_empty());
        self
    }

    pub(super) fn condition(&self) -> Condition {
        let row = Filter::key::<E>(self.key.iter().cloned()).condition();
        row.add_option(self.only_if.as_ref().map(Filter::condition))
    }

    /// What it must meet beside having its key.
    pub(super) fn further(&self) -> Condition {
        self.only_if.as_ref().map_or_else(Condition::all, Filter::condition)
    }

    /// A statement of this kind about the row, which binds `values` and then the key.
    pub(super) fn statement(
        &self,
        backend: DbBackend,
        kind: Kind,
        columns: Vec<usize>,
        mut values: Vec<Value>,
        build: impl FnOnce(Condition) -> Statement,
    ) -> Statement {
        if self.only_if.is_some() {
            return build(self.condition());
        }
        values.extend(self.key.iter().cloned());
        sql_text::statement::<E>(backend, kind, columns, values, |_| build(self.condition()))
    }
}
