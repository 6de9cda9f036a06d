//! A classic entity, with its relation enum; the derive may stand anywhere in the list.

use audit_seaorm::{Auditable, FieldRule};
use sea_orm::{IntoActiveModel, Set, entity::prelude::*};

#[derive(Auditable, Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(redact)]
    pub title: String,
    #[sea_orm(ignore)]
    pub cached: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

/// Calls in the manner of an application: concretely typed, generic over the connection, and generic over the entity.
pub async fn write<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    let post = ActiveModel { title: Set("Audits".to_owned()), ..Default::default() };
    let post = post.insert(db).await?;
    let post = post.into_active_model().update(db).await?;
    post.clone().into_active_model().update_without_returning(db).await?;
    let saved = post.clone().into_active_model().save(db).await?;
    saved.delete(db).await?;
    generic(post.clone().into_active_model(), db).await?;
    post.delete(db).await?;
    Ok(())
}

async fn generic<A, C>(record: A, db: &C) -> Result<(), DbErr>
where
    A: ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    record.save(db).await?;
    Ok(())
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    assert!(matches!(Entity::RULES, [(Column::Title, FieldRule::Redact)]));
    let _ = |db: &DatabaseConnection| assert_send(write(db));
}
