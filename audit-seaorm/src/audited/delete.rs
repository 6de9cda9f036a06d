use std::marker::PhantomData;

use sea_orm::{
    ConnectionTrait, DbErr, DeleteResult, PrimaryKeyTrait, QueryFilter,
    sea_query::{Condition, IntoValueTuple, ValueTuple},
};

use super::{Filter, run};
use crate::{
    Auditable,
    capture::{
        Sent,
        bulk::{self, Keep, Kept},
        row,
    },
};

/// As `SeaORM`'s own [`DeleteOne`](sea_orm::DeleteOne). What [`filter`](QueryFilter::filter) adds must hold
/// for the row as well: an optimistic lock.
#[derive(Clone)]
#[must_use = "nothing is deleted until it is executed"]
pub struct DeleteOne<E> {
    key: Option<ValueTuple>,
    only_if: Filter,
    entity: PhantomData<fn() -> E>,
}

impl<E: Auditable> DeleteOne<E> {
    pub(super) fn new(key: Option<ValueTuple>) -> Self {
        Self { key, only_if: Filter::all(), entity: PhantomData }
    }

    /// As it is. `SeaORM`'s builder takes a filter only after this.
    ///
    /// # Errors
    ///
    /// [`DbErr::PrimaryKeyNotSet`].
    pub fn validate(self) -> Result<Self, DbErr> {
        self.key.is_some().then_some(self).ok_or(DbErr::PrimaryKeyNotSet { ctx: "DeleteOne" })
    }

    /// Deletes the row, if there is one.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing; [`DbErr::PrimaryKeyNotSet`].
    pub async fn exec<C: ConnectionTrait>(self, db: &C) -> Result<DeleteResult, DbErr> {
        let before = self.delete(Sent::Executed, db).await?;
        Ok(affected(before.is_some().into()))
    }

    /// Deletes the row and gives it back as it was.
    ///
    /// # Errors
    ///
    /// As [`exec`](Self::exec).
    pub async fn exec_with_returning<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Option<E::Model>, DbErr> {
        self.delete(Sent::Queried, db).await
    }

    async fn delete<C: ConnectionTrait>(
        self,
        sent: Sent,
        db: &C,
    ) -> Result<Option<E::Model>, DbErr> {
        let key = self.key.ok_or(DbErr::PrimaryKeyNotSet { ctx: "DeleteOne" })?;
        run(row::Delete::<E>::of(key).only_if(self.only_if), sent, db).await
    }
}

impl<E: Auditable> QueryFilter for DeleteOne<E> {
    type QueryStatement = Filter;

    fn query(&mut self) -> &mut Filter {
        &mut self.only_if
    }
}

/// As `SeaORM`'s own [`DeleteMany`](sea_orm::DeleteMany).
#[derive(Clone)]
#[must_use = "nothing is deleted until it is executed"]
pub struct DeleteMany<E> {
    filter: Filter,
    entity: PhantomData<fn() -> E>,
}

impl<E: Auditable> DeleteMany<E> {
    pub(super) fn new() -> Self {
        Self { filter: Filter::all(), entity: PhantomData }
    }

    /// The rows with these primary keys.
    pub fn filter_by_ids<I>(self, keys: I) -> Self
    where
        I: IntoIterator<Item = <E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let keys = keys.into_iter().map(|key| Filter::key::<E>(key.into_value_tuple()).condition());
        self.filter(keys.fold(Condition::any(), Condition::add))
    }

    /// Deletes the rows.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec<C: ConnectionTrait>(self, db: &C) -> Result<DeleteResult, DbErr> {
        Ok(affected(self.write(Keep::Count, Sent::Executed, db).await?.count))
    }

    /// Deletes the rows and gives them back as they were.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<E::Model>, DbErr> {
        Ok(self.write(Keep::Rows, Sent::Queried, db).await?.rows)
    }

    async fn write<C: ConnectionTrait>(
        self,
        keep: Keep,
        sent: Sent,
        db: &C,
    ) -> Result<Kept<E>, DbErr> {
        run(bulk::DeleteMany::new(self.filter, keep), sent, db).await
    }
}

impl<E: Auditable> QueryFilter for DeleteMany<E> {
    type QueryStatement = Filter;

    fn query(&mut self) -> &mut Filter {
        &mut self.filter
    }
}

fn affected(rows: u64) -> DeleteResult {
    let mut result = DeleteResult::empty();
    result.rows_affected = rows;
    result
}
