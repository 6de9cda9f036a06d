use std::marker::PhantomData;

use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbErr, Iterable, QueryFilter,
    UpdateResult,
    sea_query::{DynIden, Expr, IntoIden, SimpleExpr, ValueTuple},
};

use super::{Filter, run};
use crate::{
    Auditable,
    capture::{
        Sent,
        bulk::{self, Keep, Kept},
        row,
    },
    read_row,
};

/// As `SeaORM`'s own [`UpdateOne`](sea_orm::UpdateOne). What [`filter`](QueryFilter::filter) adds must hold
/// for the row as well: an optimistic lock.
#[derive(Clone)]
#[must_use = "nothing is updated until it is executed"]
pub struct UpdateOne<E: Auditable> {
    key: Option<ValueTuple>,
    update: Option<row::Update<E>>,
    only_if: Filter,
}

impl<E: Auditable> UpdateOne<E> {
    pub(super) fn new<A: ActiveModelTrait<Entity = E>>(row: &A) -> Self {
        let update = row::Update::of(row);
        Self { key: row.get_primary_key_value(), update, only_if: Filter::all() }
    }

    /// As it is. `SeaORM`'s builder takes a filter only after this.
    ///
    /// # Errors
    ///
    /// [`DbErr::PrimaryKeyNotSet`].
    pub fn validate(self) -> Result<Self, DbErr> {
        self.key.is_some().then_some(self).ok_or(DbErr::PrimaryKeyNotSet { ctx: "UpdateOne" })
    }

    /// Updates the row and gives it back as it stands.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing; [`DbErr::PrimaryKeyNotSet`]; [`DbErr::RecordNotUpdated`] if
    /// there is no such row, [`DbErr::RecordNotFound`] if nothing was to be set in it either.
    pub async fn exec<C: ConnectionTrait>(self, db: &C) -> Result<E::Model, DbErr> {
        let Self { key, update, only_if } = self;
        let key = key.ok_or(DbErr::PrimaryKeyNotSet { ctx: "UpdateOne" })?;
        if let Some(update) = update {
            return run(update.only_if(only_if), Sent::Returning, db).await;
        }
        let row = E::find().filter(Filter::key::<E>(key).condition());
        let row = read_row::all(db, row).await?.pop();
        row.ok_or_else(|| DbErr::RecordNotFound("Failed to find updated item".to_owned()))
    }

    /// Updates the row.
    ///
    /// # Errors
    ///
    /// As [`exec`](Self::exec).
    pub async fn exec_without_returning<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<UpdateResult, DbErr> {
        let Self { key, update, only_if } = self;
        key.ok_or(DbErr::PrimaryKeyNotSet { ctx: "UpdateOne" })?;
        let Some(update) = update else {
            return Ok(UpdateResult::default());
        };
        run(update.only_if(only_if), Sent::Executed, db).await?;
        Ok(affected(1))
    }
}

impl<E: Auditable> QueryFilter for UpdateOne<E> {
    type QueryStatement = Filter;

    fn query(&mut self) -> &mut Filter {
        &mut self.only_if
    }
}

/// As `SeaORM`'s own [`UpdateMany`](sea_orm::UpdateMany). The primary key cannot be set.
#[derive(Clone)]
#[must_use = "nothing is updated until it is executed"]
pub struct UpdateMany<E: Auditable> {
    values: Vec<(DynIden, Expr)>,
    filter: Filter,
    entity: PhantomData<fn() -> E>,
}

impl<E: Auditable> UpdateMany<E> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), filter: Filter::all(), entity: PhantomData }
    }

    /// Sets what the model sets.
    #[expect(clippy::needless_pass_by_value, reason = "as SeaORM's own")]
    pub fn set<A: ActiveModelTrait<Entity = E>>(mut self, model: A) -> Self {
        for column in E::Column::iter() {
            if let ActiveValue::Set(value) = model.get(column) {
                self.values.push((column.into_iden(), column.save_as(Expr::val(value))));
            }
        }
        self
    }

    /// Sets a column to what an expression gives.
    pub fn col_expr<T: IntoIden>(mut self, column: T, expr: SimpleExpr) -> Self {
        self.values.push((column.into_iden(), expr));
        self
    }

    /// Updates the rows.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing; if the primary key is to be set; if a value looks at other
    /// rows and another transaction changes which rows the filter finds.
    pub async fn exec<C: ConnectionTrait>(self, db: &C) -> Result<UpdateResult, DbErr> {
        Ok(affected(self.write(Keep::Count, Sent::Executed, db).await?.count))
    }

    /// Updates the rows and gives them back as they stand, in the order of their keys.
    ///
    /// # Errors
    ///
    /// As [`exec`](Self::exec).
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
        run(bulk::UpdateMany::new(self.filter, self.values, keep), sent, db).await
    }
}

impl<E: Auditable> QueryFilter for UpdateMany<E> {
    type QueryStatement = Filter;

    fn query(&mut self) -> &mut Filter {
        &mut self.filter
    }
}

fn affected(rows: u64) -> UpdateResult {
    let mut result = UpdateResult::default();
    result.rows_affected = rows;
    result
}
