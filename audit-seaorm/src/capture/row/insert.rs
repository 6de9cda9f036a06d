use audit_core::Operation;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable,
    Statement,
};

use crate::{
    Auditable,
    capture::{Executor, Ground, ModelOf, Write, bulk::Rows, returning},
    found::{Facts, Found},
    sql_text::{self, Kind},
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

    async fn run(
        &mut self,
        recorder: &Recorder<A::Entity>,
        ground: Ground<'_>,
    ) -> Result<ModelOf<A>, DbErr> {
        let after = insert(&mut self.0, ground.db).await?;
        let change = recorder.created(&after);
        recorder.record(&ground, change).await?;
        Ok(after.model)
    }
}

/// No shared reference, which would ask more of an application's type than `SeaORM` does.
async fn insert<A>(row: &mut A, db: Executor<'_>) -> Result<Found<A::Entity>, DbErr>
where
    A: ActiveModelTrait + Send + 'static,
    ModelOf<A>: IntoActiveModel<A>,
{
    if returning::is_supported(db) {
        let statement = statement::<A>(row, db);
        match returning::row::<A::Entity>(db, statement).await {
            Err(error) if returning::is_refused(db, &error) => {}
            row => {
                let missing = || DbErr::RecordNotFound("Failed to find inserted item".to_owned());
                return row?.ok_or_else(missing);
            }
        }
    }
    let model = A::Entity::insert(row.clone()).exec_with_returning(&db).await?;
    Ok(Found { model, facts: Facts::ask::<A::Entity>(&db).await? })
}

fn statement<A: ActiveModelTrait>(row: &A, db: Executor<'_>) -> Statement {
    let backend = db.get_database_backend();
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for (place, column) in <A::Entity as EntityTrait>::Column::iter().enumerate() {
        if let ActiveValue::Set(value) | ActiveValue::Unchanged(value) = row.get(column) {
            places.push(place);
            values.push(value);
        }
    }
    sql_text::statement::<A::Entity>(backend, Kind::Insert, places, values, |_| {
        let insert = Rows::<A::Entity>::of([row.clone()]).insert(None);
        returning::insert::<A::Entity>(backend, insert)
    })
}
