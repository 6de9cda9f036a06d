//! `own` leaves methods out, for an entity that has inherent methods of these names.

use audit_seaorm::Auditable;
use sea_orm::{DeleteResult, IntoActiveModel, UpdateResult, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
#[auditable(own(insert, update, update_without_returning, save, delete, model_delete))]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModel {
    /// Another meaning than SeaORM's.
    pub fn insert(self) -> Self {
        self
    }

    pub fn save(&self) {}

    pub async fn update<C: ConnectionTrait>(self, db: &C) -> Result<Model, DbErr> {
        ActiveModelTrait::update(self, db).await
    }

    pub async fn update_without_returning(self) -> Option<UpdateResult> {
        None
    }

    pub async fn delete<C: ConnectionTrait>(self, db: &C) -> Result<DeleteResult, DbErr> {
        ActiveModelTrait::delete(self, db).await
    }
}

impl Model {
    pub async fn delete<C: ConnectionTrait>(self, db: &C) -> Result<DeleteResult, DbErr> {
        self.into_active_model().delete(db).await
    }
}

fn main() {
    assert!(Entity::RULES.is_empty());
}
