//! The methods of an audited `ActiveModel`: the user's hooks around one unit.
//!
//! The user's hooks get the caller's connection, as they would without auditing. So the order is:
//! before-hook, `BEGIN`, before-image, write, entry, `COMMIT`, after-hook.

#![allow(
    clippy::missing_errors_doc,
    reason = "called by what the derive writes, and by nobody else"
)]

use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveModelBehavior, ConnectionTrait, DbErr, DeleteResult, EntityTrait, IntoActiveModel,
    ModelTrait, UpdateResult,
};

use super::{
    ModelOf,
    row::{Delete, Insert, Update},
    sent::Sent,
    unit::perform,
};
use crate::{AuditHooks, Auditable, writer::Recorder};

/// `ActiveModelTrait::insert`, recorded.
pub fn insert<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<ModelOf<A>, DbErr>>
where
    A: ActiveModelBehavior + Send + 'static,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let row = AuditHooks::before_save(row, db, true).await?;
        let after = match Recorder::active() {
            Some(recorder) => perform(Insert(row), recorder, Sent::Returning, db).await?,
            None => A::Entity::insert(row).exec_with_returning(db).await?,
        };
        <A as AuditHooks>::after_save(after, db, true).await
    })
}

/// `ActiveModelTrait::update`, recorded.
pub fn update<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<ModelOf<A>, DbErr>>
where
    A: ActiveModelBehavior + Send + 'static,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let row = AuditHooks::before_save(row, db, false).await?;
        let after = match (Recorder::active(), Update::of(&row)) {
            (Some(recorder), Some(update)) => {
                perform(update, recorder, Sent::Returning, db).await?
            }
            _ => A::Entity::update(row).exec(db).await?,
        };
        <A as AuditHooks>::after_save(after, db, false).await
    })
}

/// `ActiveModelTrait::update_without_returning`, recorded. The after-image is read all the same.
pub fn update_without_returning<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<UpdateResult, DbErr>>
where
    A: ActiveModelBehavior + Send + 'static,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let row = AuditHooks::before_save(row, db, false).await?;
        match (Recorder::active(), Update::of(&row)) {
            (Some(recorder), Some(update)) => perform(update, recorder, Sent::Executed, db).await?,
            _ => return A::Entity::update(row).exec_without_returning(db).await,
        };
        let mut result = UpdateResult::default();
        result.rows_affected = 1;
        Ok(result)
    })
}

/// `ActiveModelTrait::save`, recorded.
pub fn save<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<A, DbErr>>
where
    A: ActiveModelBehavior + Send + 'static,
    A::Entity: Auditable<ActiveModel = A>,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let after = if row.is_update() { update(row, db).await? } else { insert(row, db).await? };
        Ok(after.into_active_model())
    })
}

/// `ActiveModelTrait::delete`, recorded.
pub fn delete<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<DeleteResult, DbErr>>
where
    A: ActiveModelBehavior + Send + 'static,
    A::Entity: Auditable<ActiveModel = A>,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let row = AuditHooks::before_delete(row, db).await?;
        let deleted = row.clone();
        let result = match (Recorder::active(), row.get_primary_key_value()) {
            (Some(recorder), Some(key)) => {
                let delete = Delete::<A::Entity>::of(key);
                let before = perform(delete, recorder, Sent::Executed, db).await?;
                let mut result = DeleteResult::empty();
                result.rows_affected = before.is_some().into();
                result
            }
            _ => A::Entity::delete(row).exec(db).await?,
        };
        AuditHooks::after_delete(deleted, db).await?;
        Ok(result)
    })
}

/// `ModelTrait::delete`, recorded.
pub fn delete_model<M, C>(model: M, db: &C) -> BoxFuture<'_, Result<DeleteResult, DbErr>>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    M::Entity: Auditable,
    <M::Entity as EntityTrait>::ActiveModel: Send + 'static,
    C: ConnectionTrait,
{
    delete(model.into_active_model(), db)
}
