//! `#[audited]` with every name given by its path.

use audit_seaorm::Auditable;
use sea_orm::{Set, entity::prelude::*};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
#[auditable(hooks)]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub title: String,
}

#[audit_seaorm::audited]
#[sea_orm::prelude::async_trait::async_trait]
impl sea_orm::ActiveModelBehavior for self::ActiveModel {
    fn new() -> Self {
        Self { title: Set("untitled".to_owned()), ..ActiveModelTrait::default() }
    }

    async fn before_save<C>(mut self, _: &C, insert: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        if insert {
            self.title = Set("inserted".to_owned());
        }
        Ok(self)
    }

    async fn after_save<C>(model: Model, db: &C, _: bool) -> Result<Model, DbErr>
    where
        C: ConnectionTrait,
    {
        Entity::find().one(db).await?;
        Ok(model)
    }

    async fn before_delete<C>(self, db: &C) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        // Hooks may write records of the same entity.
        let copy = <Self as Default>::default();
        copy.insert(db).await?;
        Ok(self)
    }

    async fn after_delete<C>(self, _: &C) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        Ok(self)
    }
}

fn main() {
    let post = <ActiveModel as Default>::default();
    assert_eq!(post.title, Set("untitled".to_owned()));
}
