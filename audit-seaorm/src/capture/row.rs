//! What is done to one row, without any hook of the user's.

use audit_core::Operation;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbErr, DeleteResult, EntityTrait,
    IntoActiveModel, Iterable, PrimaryKeyToColumn, sea_query::ValueTuple,
};

use super::{
    ModelOf,
    before_image::{self, Intent},
    ground::Ground,
    unit::Unit,
};
use crate::{Auditable, writer::Recorder};

pub(super) async fn insert<A, C>(
    row: A,
    db: &C,
    recorder: &Recorder<A::Entity>,
) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    match Unit::open(db, recorder, Operation::Create).await? {
        Some(unit) => {
            let outcome = insert_on(unit.ground(), row, recorder).await;
            unit.finish(outcome).await
        }
        None => insert_on(Ground::of_caller(db), row, recorder).await,
    }
}

async fn insert_on<A, D>(
    ground: Ground<'_, D>,
    row: A,
    recorder: &Recorder<A::Entity>,
) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    D: ConnectionTrait,
{
    let after = A::Entity::insert(row).exec_with_returning(ground.db).await?;
    let change = recorder.created(&after);
    recorder.record(ground.db, ground.group, change).await?;
    Ok(after)
}

/// The row `key` with the columns that `row` sets, of which there must be one.
pub(super) async fn update<A, C>(
    row: A,
    key: ValueTuple,
    db: &C,
    recorder: &Recorder<A::Entity>,
) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    match Unit::open(db, recorder, Operation::Update).await? {
        Some(unit) => {
            let outcome = update_on(unit.ground(), row, key, recorder).await;
            unit.finish(outcome).await
        }
        None => update_on(Ground::of_caller(db), row, key, recorder).await,
    }
}

async fn update_on<A, D>(
    ground: Ground<'_, D>,
    row: A,
    key: ValueTuple,
    recorder: &Recorder<A::Entity>,
) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    D: ConnectionTrait,
{
    // A row that comes into being after this look is one that this update came too early for.
    let Some(before) = before_image::locked::<A, D>(&ground, key, Intent::Update).await? else {
        return Err(DbErr::RecordNotUpdated);
    };
    let after = A::Entity::update(row).exec(ground.db).await?;
    let change = recorder.updated(&before, &after);
    recorder.record(ground.db, ground.group, change).await?;
    Ok(after)
}

pub(super) async fn delete<A, C>(
    row: A,
    key: ValueTuple,
    db: &C,
    recorder: &Recorder<A::Entity>,
) -> Result<DeleteResult, DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: Auditable,
    C: ConnectionTrait,
{
    match Unit::open(db, recorder, Operation::Delete).await? {
        Some(unit) => {
            let outcome = delete_on(unit.ground(), row, key, recorder).await;
            unit.finish(outcome).await
        }
        None => delete_on(Ground::of_caller(db), row, key, recorder).await,
    }
}

async fn delete_on<A, D>(
    ground: Ground<'_, D>,
    row: A,
    key: ValueTuple,
    recorder: &Recorder<A::Entity>,
) -> Result<DeleteResult, DbErr>
where
    A: ActiveModelTrait + Send,
    A::Entity: Auditable,
    D: ConnectionTrait,
{
    let Some(before) = before_image::locked::<A, D>(&ground, key, Intent::Delete).await? else {
        return Ok(DeleteResult::empty());
    };
    let result = A::Entity::delete(row).exec(ground.db).await?;
    // Zero where a trigger of the database kept the row.
    if result.rows_affected > 0 {
        let change = recorder.deleted(&before);
        recorder.record(ground.db, ground.group, change).await?;
    }
    Ok(result)
}

/// Whether an update with this row changes a column: `SeaORM` sends none otherwise.
pub(super) fn sets_a_column<A: ActiveModelTrait>(row: &A) -> bool {
    type Key<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::PrimaryKey;
    <A::Entity as EntityTrait>::Column::iter()
        .filter(|column| Key::<A>::from_column(*column).is_none())
        .any(|column| matches!(row.get(column), ActiveValue::Set(_)))
}
