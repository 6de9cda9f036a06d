use std::{any::Any, fmt, pin::Pin};

use audit_core::Operation;
use sea_orm::{
    ActiveModelTrait, Condition, DbErr, DeleteResult, IntoActiveModel, QueryFilter, TryInsertResult,
};

use crate::{
    AuditHooks, Auditable,
    audited::Filter,
    capture::{Executor, escape::escaped},
    error::{AuditError, Place},
    writer::Recorder,
};

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;
/// The rows are a `Vec` of the junction's active models.
type Rows = Box<dyn Any + Send>;

/// The recorded writes of an audited entity whose type is not known to the caller.
pub(crate) struct Junction {
    insert: for<'a> fn(Executor<'a>, Rows) -> Answer<'a, ()>,
    delete: for<'a> fn(Executor<'a>, Rows) -> Answer<'a, ()>,
    delete_where: for<'a> fn(Executor<'a>, Condition) -> Answer<'a, DeleteResult>,
    escape: fn(Place) -> Result<(), AuditError>,
}

impl Junction {
    pub(crate) const fn of<E>() -> Self
    where
        E: Auditable,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: Send + 'static,
    {
        Self {
            insert: |db, rows| Box::pin(insert::<E>(db, rows)),
            delete: |db, rows| Box::pin(delete::<E>(db, rows)),
            delete_where: |db, links| Box::pin(delete_where::<E>(db, links)),
            escape: |place| {
                let recorder = Recorder::<E>::active();
                recorder.map_or(Ok(()), |recorder| escaped(&recorder, Operation::Delete, place))
            },
        }
    }

    /// Links are to be deleted where nothing can be recorded.
    pub(super) fn escape(&self, place: Place) -> Result<(), AuditError> {
        (self.escape)(place)
    }

    /// Inserts what is not there yet.
    pub(super) async fn insert<A: Send + 'static>(
        &self,
        db: Executor<'_>,
        rows: Vec<A>,
    ) -> Result<(), DbErr> {
        (self.insert)(db, Box::new(rows)).await
    }

    pub(super) async fn delete<A: Send + 'static>(
        &self,
        db: Executor<'_>,
        rows: Vec<A>,
    ) -> Result<(), DbErr> {
        (self.delete)(db, Box::new(rows)).await
    }

    /// As `SeaORM`, without any hook.
    pub(super) async fn delete_where(
        &self,
        db: Executor<'_>,
        links: Condition,
    ) -> Result<DeleteResult, DbErr> {
        (self.delete_where)(db, links).await
    }
}

impl fmt::Debug for Junction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Junction")
    }
}

async fn insert<E>(db: Executor<'_>, rows: Rows) -> Result<(), DbErr>
where
    E: Auditable,
    E::ActiveModel: Send + 'static,
{
    let rows = typed::<E>(rows)?;
    let mut ready = Vec::with_capacity(rows.len());
    for row in rows {
        ready.push(AuditHooks::before_save(row, &db, true).await?);
    }
    let insert = E::audited().insert_many(ready).on_conflict_do_nothing();
    if let TryInsertResult::Inserted(rows) = insert.exec_with_returning_many(&db).await? {
        for row in rows {
            <E::ActiveModel as AuditHooks>::after_save(row, &db, true).await?;
        }
    }
    Ok(())
}

async fn delete<E>(db: Executor<'_>, rows: Rows) -> Result<(), DbErr>
where
    E: Auditable,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send + 'static,
{
    let mut these = Condition::any();
    for row in typed::<E>(rows)? {
        these = these
            .add_option(row.get_primary_key_value().map(|key| Filter::key::<E>(key).condition()));
        AuditHooks::before_delete(row, &db).await?;
    }
    if these.is_empty() {
        return Ok(());
    }
    for row in E::audited().delete_many().filter(these).exec_with_returning(&db).await? {
        AuditHooks::after_delete(row.into_active_model(), &db).await?;
    }
    Ok(())
}

async fn delete_where<E: Auditable>(
    db: Executor<'_>,
    links: Condition,
) -> Result<DeleteResult, DbErr> {
    E::audited().delete_many().filter(links).exec(&db).await
}

fn typed<E>(rows: Rows) -> Result<Vec<E::ActiveModel>, DbErr>
where
    E: Auditable,
    E::ActiveModel: 'static,
{
    let rows = rows.downcast::<Vec<E::ActiveModel>>();
    rows.map(|rows| *rows).map_err(|_| DbErr::Type("audit: rows of another junction".to_owned()))
}
