//! Columns that a restore cannot treat as it is told.

use audit_seaorm::Auditable;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[auditable(version)]
    pub id: i32,
    #[auditable(restore)]
    pub title: String,
    #[auditable(restore = "never")]
    pub text: String,
    #[auditable(restore = "ignore", version)]
    pub first: i32,
    #[auditable(skip, version)]
    pub second: i32,
    #[auditable(version = 1)]
    pub third: i32,
}

/// The rest of the entity gives no further message.
pub async fn write(db: &sea_orm::DatabaseConnection) -> Result<(), DbErr> {
    let post = <ActiveModel as Default>::default();
    post.insert(db).await?.delete(db).await?;
    Ok(())
}

fn main() {}
