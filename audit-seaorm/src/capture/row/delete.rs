use audit_core::{AuditConfig, Operation};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryTrait, sea_query::ValueTuple,
};

use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Ground, Target, Write,
        before_image::{self, Intent},
        bulk::key_of,
        cascade, returning,
    },
    found::Found,
    record,
    sql_text::Kind,
    writer::Recorder,
};

/// The row that goes.
pub(crate) struct Delete<E>(Target<E>);

impl<E: EntityTrait> Delete<E> {
    pub(crate) fn of(key: ValueTuple) -> Self {
        Self(Target::of(key))
    }

    /// With a condition that the row must meet as well.
    pub(crate) fn only_if(self, filter: Filter) -> Self {
        Self(self.0.only_if(filter))
    }
}

impl<E: Auditable> Write for Delete<E> {
    type Entity = E;
    /// The row as it was, if there was one.
    type Output = Option<E::Model>;
    const OPERATION: Operation = Operation::Delete;

    async fn run(
        &mut self,
        recorder: &Recorder<E>,
        ground: Ground<'_>,
    ) -> Result<Option<E::Model>, DbErr> {
        let before = delete::<E>(&self.0, recorder.config(), &ground).await?;
        if let Some(before) = &before {
            let change = recorder.deleted(before);
            recorder.record(&ground, change).await?;
        }
        Ok(before.map(|before| before.model))
    }
}

async fn delete<E: EntityTrait>(
    row: &Target<E>,
    config: &AuditConfig,
    ground: &Ground<'_>,
) -> Result<Option<Found<E>>, DbErr> {
    // Where others may go with the row it is looked at first.
    if returning::is_supported(ground.db) && !cascade::are_possible::<E>(ground, config).await? {
        match delete_returning::<E>(row, ground).await {
            Err(error) if returning::is_refused(ground.db, &error) => {}
            before => return before,
        }
    }
    delete_locked::<E>(row, config, ground).await
}

/// The statement is its own before-image. It asks for no more than the right to delete, where
/// `SELECT … FOR UPDATE` asks for that to update as well.
async fn delete_returning<E: EntityTrait>(
    row: &Target<E>,
    ground: &Ground<'_>,
) -> Result<Option<Found<E>>, DbErr> {
    let backend = ground.db.get_database_backend();
    let delete = row.statement(backend, Kind::DeleteReturning, Vec::new(), Vec::new(), |row| {
        returning::delete::<E>(backend, E::delete_many().filter(row).into_query())
    });
    returning::row::<E>(ground.db, delete).await
}

async fn delete_locked<E: EntityTrait>(
    row: &Target<E>,
    config: &AuditConfig,
    ground: &Ground<'_>,
) -> Result<Option<Found<E>>, DbErr> {
    let Some(before) = before_image::locked::<E>(ground, row, Intent::Delete).await? else {
        return Ok(None);
    };
    let admitted = cascade::refuse::<E>(ground, config, &[key_of::<E>(&before.model)]).await;
    admitted.inspect_err(|_| ground.sink.give_up())?;
    let backend = ground.db.get_database_backend();
    let row = Target::<E>::of(record::key::<E>(&before.model));
    if ground.db.is_typed() {
        let result = E::delete_many().filter(row.condition()).exec(&ground.db).await?;
        return Ok((result.rows_affected > 0).then_some(before));
    }
    let delete = row.statement(backend, Kind::Delete, Vec::new(), Vec::new(), |row| {
        E::delete_many().filter(row).build(backend)
    });
    let result = ground.db.execute_raw(delete).await?;
    // Zero where a trigger of the database kept the row.
    Ok((result.rows_affected() > 0).then_some(before))
}
