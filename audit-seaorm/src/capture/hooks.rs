//! The hooks of an audited entity, which calls through `SeaORM`'s traits meet: generic code, and
//! whatever `SeaORM` itself writes that way.
//!
//! A hook cannot put a transaction around the write that follows it, and nothing but the row travels
//! from a before-hook to its after-hook. So each operation takes what is at hand:
//!
//! - An update is done in the before-hook, as one unit, and the row goes back with nothing left to
//!   set: `SeaORM` then reads it and calls the after-hook. This holds on a pool, too.
//! - An insert has no before-image: the after-hook records it.
//! - A delete reads its before-image under lock in the before-hook, and the row itself carries it to
//!   the after-hook. There is no store beside the row that could leak, or mix up two of them.
//!
//! They give their futures in boxes: so the compiler looks once, here, whether these may go to other threads, and not
//! again for each entity of an application, which takes it longer than all the rest.

#![allow(
    clippy::missing_errors_doc,
    reason = "called by what the derive writes, and by nobody else"
)]

use audit_core::Operation;
use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbBackend, DbErr, DeleteMany, DeleteResult,
    EntityTrait, IntoActiveModel, Iterable, QueryFilter, TryIntoModel, sea_query::ValueTuple,
};

use super::{
    Executor, ModelOf, Target,
    before_image::{self, Intent},
    bulk::key_of,
    cascade,
    escape::escaped,
    ground::Ground,
    row::Update,
    sent::Sent,
    unit::perform,
    user::require_user,
};
use crate::{
    AuditHooks, Auditable,
    audited::Filter,
    engine::{self, PoolId},
    error::AuditError,
    found::{Facts, Found},
    record,
    registry::TableName,
    writer::Recorder,
};

/// `ActiveModelBehavior::before_save`.
pub fn before_save<A, C>(row: A, db: &C, insert: bool) -> BoxFuture<'_, Result<A, DbErr>>
where
    A: AuditHooks + Send + 'static,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    Box::pin(watched(db, ahead_of_save::<A, C>(row, db, insert)))
}

async fn ahead_of_save<A, C>(row: A, db: &C, insert: bool) -> Result<A, DbErr>
where
    A: AuditHooks + Send + 'static,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let row = AuditHooks::before_save(row, db, insert).await?;
    let Some(recorder) = Recorder::<A::Entity>::active() else {
        return Ok(row);
    };
    if insert {
        require_user(recorder.config(), recorder.table())?;
        admit(db, &recorder, Operation::Create)?;
        require_transactions::<A::Entity>(Executor::of(db)).await?;
        refuse_a_link_that_is_there(row.get_primary_key_value(), db, &recorder).await?;
        permit(db, &recorder, Operation::Create);
        return Ok(row);
    }
    match Update::of(&row) {
        Some(update) => {
            let after = perform(update, recorder, Sent::Returning, db).await?;
            Ok(after.into_active_model())
        }
        None => Ok(row),
    }
}

/// `ActiveModelBehavior::after_save`.
pub fn after_save<A, C>(
    after: ModelOf<A>,
    db: &C,
    insert: bool,
) -> BoxFuture<'_, Result<ModelOf<A>, DbErr>>
where
    A: AuditHooks + Send + 'static,
    A::Entity: Auditable,
    C: ConnectionTrait,
{
    Box::pin(watched(db, behind_save::<A, C>(after, db, insert)))
}

async fn behind_save<A, C>(after: ModelOf<A>, db: &C, insert: bool) -> Result<ModelOf<A>, DbErr>
where
    A: AuditHooks + Send + 'static,
    A::Entity: Auditable,
    C: ConnectionTrait,
{
    if insert && let Some(recorder) = Recorder::<A::Entity>::active() {
        let (row, ground) =
            (Filter::key_of::<A::Entity>(&after), Ground::of_caller(Executor::of(db)));
        let recorded = follow_up(db, record_created(&recorder, &ground, after.clone())).await;
        if let Err(error) = recorded {
            // A caller who overlooks the error must not commit the row without its entry. Where this
            // fails, too, the transaction can only be rolled back.
            let _ = take_back(A::Entity::delete_many().filter(row.condition()), db).await;
            return Err(error);
        }
    }
    <A as AuditHooks>::after_save(after, db, insert).await
}

/// The row was given back by a statement of `SeaORM`'s, without the database's clock.
async fn record_created<E: Auditable>(
    recorder: &Recorder<E>,
    ground: &Ground<'_>,
    model: E::Model,
) -> Result<(), DbErr> {
    let facts = Facts::ask::<E>(&ground.unguarded()).await?;
    let change = recorder.created(&Found { model, facts });
    recorder.record(ground, change).await
}

/// `ActiveModelBehavior::before_delete`.
pub fn before_delete<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<A, DbErr>>
where
    A: AuditHooks + Send + 'static,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    Box::pin(watched(db, ahead_of_delete::<A, C>(row, db)))
}

async fn ahead_of_delete<A, C>(row: A, db: &C) -> Result<A, DbErr>
where
    A: AuditHooks + Send + 'static,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    let row = AuditHooks::before_delete(row, db).await?;
    let Some(recorder) = Recorder::<A::Entity>::active() else {
        return Ok(row);
    };
    let Some(key) = row.get_primary_key_value() else {
        return Ok(row);
    };
    require_user(recorder.config(), recorder.table())?;
    admit(db, &recorder, Operation::Delete)?;
    require_transactions::<A::Entity>(Executor::of(db)).await?;
    let ground = Ground::of_caller(Executor::of(db));
    let target = Target::of(key);
    let before = before_image::locked::<A::Entity>(&ground, &target, Intent::Delete).await;
    let before = before.map_err(|error| Sent::Executed.error(ground.db, error))?;
    if let Some(before) = &before {
        let keys = [key_of::<A::Entity>(&before.model)];
        cascade::refuse::<A::Entity>(&ground, recorder.config(), &keys).await?;
    }
    permit(db, &recorder, Operation::Delete);
    match before {
        Some(before) => Ok(before.model.into_active_model()),
        None => Ok(marked_missing(row)),
    }
}

/// `ActiveModelBehavior::after_delete`.
pub fn after_delete<A, C>(row: A, db: &C) -> BoxFuture<'_, Result<A, DbErr>>
where
    A: AuditHooks + TryIntoModel<ModelOf<A>> + Send + 'static,
    A::Entity: Auditable,
    C: ConnectionTrait,
{
    Box::pin(watched(db, behind_delete::<A, C>(row, db)))
}

async fn behind_delete<A, C>(row: A, db: &C) -> Result<A, DbErr>
where
    A: AuditHooks + TryIntoModel<ModelOf<A>> + Send + 'static,
    A::Entity: Auditable,
    C: ConnectionTrait,
{
    if is_before_image(&row)
        && let Some(recorder) = Recorder::<A::Entity>::active()
    {
        follow_up(db, record_deleted(&recorder, row.clone(), db)).await?;
    }
    AuditHooks::after_delete(row, db).await
}

/// Whichever lock the statement took is held, so the clock can be asked now.
async fn record_deleted<A, C>(recorder: &Recorder<A::Entity>, row: A, db: &C) -> Result<(), DbErr>
where
    A: ActiveModelTrait + TryIntoModel<ModelOf<A>> + Send,
    A::Entity: Auditable,
    C: ConnectionTrait,
{
    if !is_gone::<A::Entity, C>(row.get_primary_key_value(), db).await? {
        return Ok(());
    }
    let ground = Ground::of_caller(Executor::of(db));
    let facts = Facts::ask::<A::Entity>(&ground.unguarded()).await?;
    let change = recorder.deleted(&Found { model: row.try_into_model()?, facts });
    recorder.record(&ground, change).await
}

async fn require_transactions<E: EntityTrait>(db: Executor<'_>) -> Result<(), DbErr> {
    let table = TableName::of::<E>();
    match db {
        Executor::Audit(txn) => txn.core().require_transactions(table).await,
        _ => engine::require_transactions(&db, &PoolId::default(), table).await,
    }
}

/// `SeaORM` calls the after-hook also if there was no row, or a trigger of the database kept it.
async fn is_gone<E: EntityTrait, C: ConnectionTrait>(
    key: Option<ValueTuple>,
    db: &C,
) -> Result<bool, DbErr> {
    match key {
        Some(key) => {
            Ok(E::find().filter(Filter::key::<E>(key).condition()).one(db).await?.is_none())
        }
        None => Ok(false),
    }
}

/// Past the guard, which would take it for somebody else's.
async fn take_back<E: EntityTrait, C: ConnectionTrait>(
    delete: DeleteMany<E>,
    db: &C,
) -> Result<DeleteResult, DbErr> {
    match Executor::of(db) {
        Executor::Pool(pool) => delete.exec(pool).await,
        Executor::Guarded(guarded) => delete.exec(guarded.inner()).await,
        Executor::Audit(txn) => delete.exec(txn.core().unguarded()).await,
        _ => delete.exec(db).await,
    }
}

/// Runs a hook. After one that failed, or was dropped, no statement comes that those ahead of it permitted.
async fn watched<C: ConnectionTrait, T>(
    db: &C,
    hook: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    match Executor::of(db) {
        Executor::Audit(txn) => txn.core().permits().watch(hook).await,
        _ => hook.await,
    }
}

/// Does what belongs to a change that has been made already: one that is dropped half-way must not commit.
async fn follow_up<C: ConnectionTrait, T>(db: &C, work: impl Future<Output = T>) -> T {
    match Executor::of(db) {
        Executor::Audit(txn) => txn.core().follow_up(work).await,
        _ => work.await,
    }
}

/// Tells the guard of a transaction what comes next. Nothing may be awaited after this, so that no other
/// statement comes in between.
fn permit<E: Auditable, C: ConnectionTrait>(db: &C, recorder: &Recorder<E>, operation: Operation) {
    if let Executor::Audit(txn) = Executor::of(db) {
        txn.core().permit(recorder.table(), operation);
    }
}

/// The guard of a pool judges the statement itself, which comes next.
fn admit<E: Auditable, C: ConnectionTrait>(
    db: &C,
    recorder: &Recorder<E>,
    operation: Operation,
) -> Result<(), DbErr> {
    match (Executor::of(db), Executor::of(db).place()) {
        (Executor::Guarded(_), _) | (_, None) => Ok(()),
        (_, Some(place)) => Ok(escaped(recorder, operation, place)?),
    }
}

/// On `MariaDB` `SeaORM` takes a link that is there already for inserted and calls the after-hook. So the
/// before-hook has to look; a record with a key of several columns might be a link.
async fn refuse_a_link_that_is_there<E: Auditable, C: ConnectionTrait>(
    key: Option<ValueTuple>,
    db: &C,
    recorder: &Recorder<E>,
) -> Result<(), DbErr> {
    let may_be_a_link = record::key_columns::<E>().nth(1).is_some();
    if db.get_database_backend() != DbBackend::MySql || !may_be_a_link {
        return Ok(());
    }
    let Some(key) = key else {
        return Ok(());
    };
    let ground = Ground::of_caller(Executor::of(db));
    let there = before_image::locked::<E>(&ground, &Target::of(key), Intent::Update).await;
    match there.map_err(|error| Sent::Returning.error(ground.db, error))? {
        Some(_) => Err(AuditError::LinkIsThere { table: recorder.table().to_owned() }.into()),
        None => Ok(()),
    }
}

/// A row that was read from the database has all its columns unchanged.
fn is_before_image<A: ActiveModelTrait>(row: &A) -> bool {
    <A::Entity as EntityTrait>::Column::iter()
        .all(|column| matches!(row.get(column), ActiveValue::Unchanged(_)))
}

/// Tells the after-hook, which runs all the same, that there was no row to delete. Whether a key is
/// set or unchanged makes no difference to the DELETE.
fn marked_missing<A: ActiveModelTrait>(mut row: A) -> A {
    for column in record::key_columns::<A::Entity>() {
        row.reset(column);
    }
    row
}
