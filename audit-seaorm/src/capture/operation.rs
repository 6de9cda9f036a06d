//! The methods of an audited `ActiveModel`: the user's hooks around one unit.
//!
//! The user's hooks get the caller's connection, as they would without auditing. So the order is:
//! before-hook, `BEGIN`, before-image, write, entry, `COMMIT`, after-hook.

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DbErr, DeleteResult, EntityTrait,
    IntoActiveModel, ModelTrait, UpdateResult, sea_query::ValueTuple,
};

use super::{ModelOf, row};
use crate::{AuditHooks, Auditable, writer::Recorder};

/// `ActiveModelTrait::insert`, recorded.
pub async fn insert<A, C>(row: A, db: &C) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelBehavior + Send,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let row = AuditHooks::before_save(row, db, true).await?;
    let after = match Recorder::active() {
        Some(recorder) => row::insert(row, db, &recorder).await?,
        None => A::Entity::insert(row).exec_with_returning(db).await?,
    };
    <A as AuditHooks>::after_save(after, db, true).await
}

/// `ActiveModelTrait::update`, recorded.
pub async fn update<A, C>(row: A, db: &C) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelBehavior + Send,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let row = AuditHooks::before_save(row, db, false).await?;
    let after = match change_of(&row) {
        Some((recorder, key)) => row::update(row, key, db, &recorder).await?,
        None => A::Entity::update(row).exec(db).await?,
    };
    <A as AuditHooks>::after_save(after, db, false).await
}

/// `ActiveModelTrait::update_without_returning`, recorded. The after-image is read all the same.
pub async fn update_without_returning<A, C>(row: A, db: &C) -> Result<UpdateResult, DbErr>
where
    A: ActiveModelBehavior + Send,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let row = AuditHooks::before_save(row, db, false).await?;
    let Some((recorder, key)) = change_of(&row) else {
        return A::Entity::update(row).exec_without_returning(db).await;
    };
    row::update(row, key, db, &recorder).await?;
    let mut result = UpdateResult::default();
    result.rows_affected = 1;
    Ok(result)
}

/// `ActiveModelTrait::save`, recorded.
pub async fn save<A, C>(row: A, db: &C) -> Result<A, DbErr>
where
    A: ActiveModelBehavior + Send,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let after = if row.is_update() { update(row, db).await? } else { insert(row, db).await? };
    Ok(after.into_active_model())
}

/// `ActiveModelTrait::delete`, recorded.
pub async fn delete<A, C>(row: A, db: &C) -> Result<DeleteResult, DbErr>
where
    A: ActiveModelBehavior + Send,
    A::Entity: Auditable<ActiveModel = A>,
    C: ConnectionTrait,
{
    let row = AuditHooks::before_delete(row, db).await?;
    let deleted = row.clone();
    let result = match (Recorder::active(), row.get_primary_key_value()) {
        (Some(recorder), Some(key)) => row::delete(row, key, db, &recorder).await?,
        _ => A::Entity::delete(row).exec(db).await?,
    };
    AuditHooks::after_delete(deleted, db).await?;
    Ok(result)
}

/// `ModelTrait::delete`, recorded.
pub async fn delete_model<M, C>(model: M, db: &C) -> Result<DeleteResult, DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    M::Entity: Auditable,
    <M::Entity as EntityTrait>::ActiveModel: Send,
    C: ConnectionTrait,
{
    delete(model.into_active_model(), db).await
}

/// What is needed to record an update; none if nothing is to be recorded, or `SeaORM` will send no
/// UPDATE because no column or no key is set.
pub(super) fn change_of<A>(row: &A) -> Option<(Recorder<A::Entity>, ValueTuple)>
where
    A: ActiveModelTrait,
    A::Entity: Auditable,
{
    let recorder = Recorder::active()?;
    let key = row.get_primary_key_value()?;
    row::sets_a_column(row).then_some((recorder, key))
}
