//! What is done to one row, without any hook of the user's and wherever it runs.

use audit_core::Operation;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbErr, DeleteResult, EntityTrait,
    IntoActiveModel, Iterable, PrimaryKeyToColumn, sea_query::ValueTuple,
};

use super::{
    ModelOf,
    before_image::{self, Intent},
    ground::Ground,
};
use crate::{Auditable, writer::Recorder};

/// A write of one row together with its entry.
pub(crate) trait RowWrite: Send + 'static {
    type Entity: Auditable;
    type Output: Send + 'static;
    const OPERATION: Operation;

    /// Writes and records. An error leaves it to the caller to take back what was written.
    fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<Self::Entity>,
        ground: Ground<'_, D>,
    ) -> impl Future<Output = Result<Self::Output, DbErr>> + Send;
}

pub(super) struct Insert<A>(pub(super) A);

impl<A> RowWrite for Insert<A>
where
    A: ActiveModelTrait + Send + 'static,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
{
    type Entity = A::Entity;
    type Output = ModelOf<A>;
    const OPERATION: Operation = Operation::Create;

    async fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<A::Entity>,
        ground: Ground<'_, D>,
    ) -> Result<ModelOf<A>, DbErr> {
        let after = A::Entity::insert(self.0).exec_with_returning(ground.db).await?;
        let change = recorder.created(&after);
        recorder.record(&ground, change).await?;
        Ok(after)
    }
}

/// The row `key` with the columns that `row` sets, of which there must be one.
pub(super) struct Update<A> {
    pub(super) row: A,
    pub(super) key: ValueTuple,
}

impl<A: ActiveModelTrait> Update<A> {
    /// Gives the row back if `SeaORM` will send no UPDATE because no column or no key is set.
    pub(super) fn of(row: A) -> Result<Self, A> {
        match row.get_primary_key_value() {
            Some(key) if sets_a_column(&row) => Ok(Self { row, key }),
            _ => Err(row),
        }
    }
}

impl<A> RowWrite for Update<A>
where
    A: ActiveModelTrait + Send + 'static,
    A::Entity: Auditable,
    ModelOf<A>: IntoActiveModel<A>,
{
    type Entity = A::Entity;
    type Output = ModelOf<A>;
    const OPERATION: Operation = Operation::Update;

    async fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<A::Entity>,
        ground: Ground<'_, D>,
    ) -> Result<ModelOf<A>, DbErr> {
        let Self { row, key } = self;
        let before = before_image::locked::<A, D>(&ground, key.clone(), Intent::Update).await?;
        // A row that comes into being after this look is one that the update came too early for.
        let before = before.ok_or(DbErr::RecordNotUpdated)?;
        let after = if ground.db.support_returning() {
            A::Entity::update(row).exec(ground.db).await?
        } else {
            // Read again under the lock: an UPDATE to the values that are there already makes no
            // version of the row, and a plain SELECT of a MariaDB transaction would show the one that
            // the transaction saw first.
            A::Entity::update(row).exec_without_returning(ground.db).await?;
            let after = before_image::locked::<A, D>(&ground, key, Intent::Update).await?;
            after.ok_or(DbErr::RecordNotUpdated)?
        };
        let change = recorder.updated(&before, &after);
        recorder.record(&ground, change).await?;
        Ok(after)
    }
}

pub(super) struct Delete<A> {
    pub(super) row: A,
    pub(super) key: ValueTuple,
}

impl<A> RowWrite for Delete<A>
where
    A: ActiveModelTrait + Send + 'static,
    A::Entity: Auditable,
{
    type Entity = A::Entity;
    type Output = DeleteResult;
    const OPERATION: Operation = Operation::Delete;

    async fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<A::Entity>,
        ground: Ground<'_, D>,
    ) -> Result<DeleteResult, DbErr> {
        let (before, result) = if ground.db.support_returning() {
            delete_returning(self.row, &ground).await?
        } else {
            delete_locked(self, &ground).await?
        };
        if let Some(before) = before {
            recorder.record(&ground, recorder.deleted(&before)).await?;
        }
        Ok(result)
    }
}

/// The statement is its own before-image. It asks for no more than the right to delete, where
/// `SELECT … FOR UPDATE` asks for that to update as well.
async fn delete_returning<A: ActiveModelTrait, D: ConnectionTrait>(
    row: A,
    ground: &Ground<'_, D>,
) -> Result<(Option<ModelOf<A>>, DeleteResult), DbErr> {
    let before = A::Entity::delete(row).exec_with_returning(ground.db).await?;
    let mut result = DeleteResult::empty();
    result.rows_affected = before.is_some().into();
    Ok((before, result))
}

async fn delete_locked<A: ActiveModelTrait, D: ConnectionTrait>(
    delete: Delete<A>,
    ground: &Ground<'_, D>,
) -> Result<(Option<ModelOf<A>>, DeleteResult), DbErr> {
    let before = before_image::locked::<A, D>(ground, delete.key, Intent::Delete).await?;
    let Some(before) = before else {
        return Ok((None, DeleteResult::empty()));
    };
    let result = A::Entity::delete(delete.row).exec(ground.db).await?;
    // Zero where a trigger of the database kept the row.
    Ok(((result.rows_affected > 0).then_some(before), result))
}

fn sets_a_column<A: ActiveModelTrait>(row: &A) -> bool {
    type Key<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::PrimaryKey;
    <A::Entity as EntityTrait>::Column::iter()
        .filter(|column| Key::<A>::from_column(*column).is_none())
        .any(|column| matches!(row.get(column), ActiveValue::Set(_)))
}
