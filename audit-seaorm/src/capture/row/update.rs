use audit_core::Operation;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Iterable,
    PrimaryKeyToColumn,
    sea_query::{DynIden, Expr, IntoIden, Query, UpdateStatement},
};

use super::both_images;
use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Ground, Write,
        before_image::{self, Intent},
        returning,
    },
    writer::Recorder,
};

/// What is set in the one row of a filter.
pub(crate) struct Update<E> {
    row: Filter,
    values: Vec<(DynIden, Expr)>,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: EntityTrait> Update<E> {
    /// None if `SeaORM` will send no UPDATE because no column or no key is set.
    pub(crate) fn of<A: ActiveModelTrait<Entity = E>>(row: &A) -> Option<Self> {
        let key = row.get_primary_key_value()?;
        let columns = E::Column::iter().filter(|it| E::PrimaryKey::from_column(*it).is_none());
        let values: Vec<_> = columns
            .filter_map(|column| match row.get(column) {
                ActiveValue::Set(value) => {
                    Some((column.into_iden(), column.save_as(Expr::val(value))))
                }
                _ => None,
            })
            .collect();
        let entity = std::marker::PhantomData;
        (!values.is_empty()).then(|| Self { row: Filter::key::<E>(key), values, entity })
    }

    /// With a condition that the row must meet as well.
    pub(crate) fn only_if(mut self, filter: &Filter) -> Self {
        self.row.and(filter.condition());
        self
    }

    fn statement(&self) -> UpdateStatement {
        Query::update().table(E::default().table_ref()).values(self.values.iter().cloned()).take()
    }
}

impl<E: Auditable> Write for Update<E> {
    type Entity = E;
    type Output = E::Model;
    const OPERATION: Operation = Operation::Update;

    async fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<E>,
        ground: Ground<'_, D>,
    ) -> Result<E::Model, DbErr> {
        let (before, after) = if both_images::can_be_returned::<E>(ground.db) {
            let images = both_images::update::<E, D>(ground.db, self.statement(), &self.row);
            images.await?.ok_or(DbErr::RecordNotUpdated)?
        } else {
            self.one_after_the_other(&ground).await?
        };
        let change = recorder.updated(&before, &after);
        recorder.record(&ground, change).await?;
        Ok(after)
    }
}

impl<E: Auditable> Update<E> {
    async fn one_after_the_other<D: ConnectionTrait>(
        self,
        ground: &Ground<'_, D>,
    ) -> Result<(E::Model, E::Model), DbErr> {
        let before = before_image::locked::<E, D>(ground, &self.row, Intent::Update).await?;
        // A row that comes into being after this look is one that the update came too early for.
        let before = before.ok_or(DbErr::RecordNotUpdated)?;
        let row = Filter::key_of::<E>(&before);
        let update = self.statement().cond_where(row.condition()).take();
        let after = if ground.db.support_returning() {
            returning::updated::<E, D>(ground.db, update).await?.pop()
        } else {
            // Read again under the lock: an UPDATE to the values that are there already makes no
            // version of the row, and a plain SELECT of a MariaDB transaction would show the one that
            // the transaction saw first.
            ground.db.execute(&update).await?;
            before_image::locked::<E, D>(ground, &row, Intent::Update).await?
        };
        // None where a trigger of the database kept the row.
        Ok((before, after.ok_or(DbErr::RecordNotUpdated)?))
    }
}
