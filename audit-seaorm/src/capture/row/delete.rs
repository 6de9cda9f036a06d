use audit_core::Operation;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::ValueTuple};

use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Ground, Write,
        before_image::{self, Intent},
    },
    writer::Recorder,
};

/// The one row of a filter.
pub(crate) struct Delete<E> {
    row: Filter,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: EntityTrait> Delete<E> {
    pub(crate) fn of(key: ValueTuple) -> Self {
        Self { row: Filter::key::<E>(key), entity: std::marker::PhantomData }
    }

    /// With a condition that the row must meet as well.
    pub(crate) fn only_if(mut self, filter: &Filter) -> Self {
        self.row.and(filter.condition());
        self
    }
}

impl<E: Auditable> Write for Delete<E> {
    type Entity = E;
    /// The row as it was, if there was one.
    type Output = Option<E::Model>;
    const OPERATION: Operation = Operation::Delete;

    async fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<E>,
        ground: Ground<'_, D>,
    ) -> Result<Option<E::Model>, DbErr> {
        let before = if ground.db.support_returning() {
            returning::<E, D>(&self.row, &ground).await?
        } else {
            locked::<E, D>(&self.row, &ground).await?
        };
        if let Some(before) = &before {
            let change = recorder.deleted(before);
            recorder.record(&ground, change).await?;
        }
        Ok(before)
    }
}

/// The statement is its own before-image. It asks for no more than the right to delete, where
/// `SELECT … FOR UPDATE` asks for that to update as well.
async fn returning<E: EntityTrait, D: ConnectionTrait>(
    row: &Filter,
    ground: &Ground<'_, D>,
) -> Result<Option<E::Model>, DbErr> {
    let delete = E::delete_many().filter(row.condition());
    Ok(delete.exec_with_returning(ground.db).await?.pop())
}

async fn locked<E: EntityTrait, D: ConnectionTrait>(
    row: &Filter,
    ground: &Ground<'_, D>,
) -> Result<Option<E::Model>, DbErr> {
    let Some(before) = before_image::locked::<E, D>(ground, row, Intent::Delete).await? else {
        return Ok(None);
    };
    let row = Filter::key_of::<E>(&before);
    let result = E::delete_many().filter(row.condition()).exec(ground.db).await?;
    // Zero where a trigger of the database kept the row.
    Ok((result.rows_affected > 0).then_some(before))
}
