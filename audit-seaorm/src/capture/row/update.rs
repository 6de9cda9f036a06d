use audit_core::Operation;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait,
    Iterable, PrimaryKeyToColumn, Statement, Value,
    sea_query::{Expr, Query, UpdateStatement},
};

use super::both_images;
use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Executor, Ground, Target, Write,
        before_image::{self, Intent},
        returning,
    },
    found::Found,
    sql_text::Kind,
    writer::Recorder,
};

/// What is set in a row.
#[derive(Clone)]
pub(crate) struct Update<E: EntityTrait> {
    row: Target<E>,
    /// With the places of the columns in the entity.
    values: Vec<(usize, E::Column, Value)>,
}

impl<E: EntityTrait> Update<E> {
    /// None if `SeaORM` will send no UPDATE because no column or no key is set.
    pub(crate) fn of<A: ActiveModelTrait<Entity = E>>(row: &A) -> Option<Self> {
        let key = row.get_primary_key_value()?;
        let set = |(place, column)| match row.get(column) {
            ActiveValue::Set(value) if E::PrimaryKey::from_column(column).is_none() => {
                Some((place, column, value))
            }
            _ => None,
        };
        let values: Vec<_> = E::Column::iter().enumerate().filter_map(set).collect();
        (!values.is_empty()).then(|| Self { row: Target::of(key), values })
    }

    /// With a condition that the row must meet as well.
    pub(crate) fn only_if(self, filter: Filter) -> Self {
        Self { row: self.row.only_if(filter), ..self }
    }

    /// What the row must meet beside having its key.
    pub(super) fn further(&self) -> Condition {
        self.row.further()
    }

    /// A statement that sets the values, with the rest of it from `build`.
    pub(super) fn statement(
        &self,
        db: Executor<'_>,
        kind: Kind,
        build: impl FnOnce(&mut UpdateStatement, Condition),
    ) -> Statement {
        let backend = db.get_database_backend();
        let places = self.values.iter().map(|(place, ..)| *place).collect();
        let values = self.values.iter().map(|(.., value)| value.clone()).collect();
        self.row.statement(backend, kind, places, values, |row| {
            let mut update = self.update();
            build(&mut update, row);
            backend.build(&update)
        })
    }

    fn update(&self) -> UpdateStatement {
        let values = self.values.iter();
        let values =
            values.map(|(_, column, value)| (*column, column.save_as(Expr::val(value.clone()))));
        Query::update().table(E::default().table_ref()).values(values).take()
    }
}

impl<E: Auditable> Write for Update<E> {
    type Entity = E;
    type Output = E::Model;
    const OPERATION: Operation = Operation::Update;

    async fn run(&mut self, recorder: &Recorder<E>, ground: Ground<'_>) -> Result<E::Model, DbErr> {
        let images = match both_images::update::<E>(ground.db, self).await? {
            Some(images) => images,
            None => self.one_after_the_other(&ground).await?,
        };
        let (before, after) = images;
        let change = recorder.updated(&before, &after);
        recorder.record(&ground, change).await?;
        Ok(after.model)
    }
}

impl<E: Auditable> Update<E> {
    async fn one_after_the_other(
        &self,
        ground: &Ground<'_>,
    ) -> Result<(E::Model, Found<E>), DbErr> {
        let before = before_image::locked::<E>(ground, &self.row, Intent::Update).await?;
        // A row that comes into being after this look is one that the update came too early for.
        let before = before.ok_or(DbErr::RecordNotUpdated)?;
        let after = if ground.db.support_returning() && !ground.db.is_typed() {
            self.returning(ground.db).await?
        } else {
            self.execute(ground.db).await?;
            // Read again under the lock: an UPDATE to the values that are there already makes no
            // version of the row, and a plain SELECT of a MariaDB transaction would show the one that
            // the transaction saw first.
            let row = Target::of(crate::record::key::<E>(&before.model));
            before_image::locked::<E>(ground, &row, Intent::Update).await?
        };
        // None where a trigger of the database kept the row.
        Ok((before.model, after.ok_or(DbErr::RecordNotUpdated)?))
    }

    async fn returning(&self, db: Executor<'_>) -> Result<Option<Found<E>>, DbErr> {
        let update = self.statement(db, Kind::UpdateReturning, |update, row| {
            let returning = returning::columns::<E>(db.get_database_backend());
            update.cond_where(row).returning(returning);
        });
        returning::row::<E>(db, update).await
    }

    async fn execute(&self, db: Executor<'_>) -> Result<(), DbErr> {
        if db.is_typed() {
            db.execute(self.update().cond_where(self.row.condition())).await?;
        } else {
            let update = self.statement(db, Kind::Update, |update, row| {
                update.cond_where(row);
            });
            db.execute_raw(update).await?;
        }
        Ok(())
    }
}
