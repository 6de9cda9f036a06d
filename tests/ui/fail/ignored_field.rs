//! A rule on a field that is not a column.

use audit_seaorm::Auditable;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(ignore)]
    #[auditable(skip)]
    pub cache: String,
}

/// The rest of the entity gives no further message.
pub async fn write(db: &sea_orm::DatabaseConnection) -> Result<(), DbErr> {
    let post = <ActiveModel as Default>::default();
    post.insert(db).await?.delete(db).await?;
    Ok(())
}

fn main() {}
