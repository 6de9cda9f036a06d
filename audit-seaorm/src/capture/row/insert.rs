use audit_core::Operation;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel};

use crate::{
    Auditable,
    capture::{Ground, ModelOf, Write},
    writer::Recorder,
};

pub(in crate::capture) struct Insert<A>(pub(in crate::capture) A);

impl<A> Write for Insert<A>
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
