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
        let before = before_image::locked::<A, D>(&ground, self.key, Intent::Update).await?;
        // A row that comes into being after this look is one that the update came too early for.
        let before = before.ok_or(DbErr::RecordNotUpdated)?;
        let after = A::Entity::update(self.row).exec(ground.db).await?;
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
        let before = before_image::locked::<A, D>(&ground, self.key, Intent::Delete).await?;
        let Some(before) = before else {
            return Ok(DeleteResult::empty());
        };
        let result = A::Entity::delete(self.row).exec(ground.db).await?;
        // Zero where a trigger of the database kept the row.
        if result.rows_affected > 0 {
            let change = recorder.deleted(&before);
            recorder.record(&ground, change).await?;
        }
        Ok(result)
    }
}

fn sets_a_column<A: ActiveModelTrait>(row: &A) -> bool {
    type Key<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::PrimaryKey;
    <A::Entity as EntityTrait>::Column::iter()
        .filter(|column| Key::<A>::from_column(*column).is_none())
        .any(|column| matches!(row.get(column), ActiveValue::Set(_)))
}
