//! Lists that cannot be read.

use audit_seaorm::Auditable;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(redact skip)]
    pub title: String,
    #[auditable(redact =)]
    pub text: String,
}

/// The rest of the entity gives no further message.
pub async fn write(db: &sea_orm::DatabaseConnection) -> Result<(), DbErr> {
    let post = <ActiveModel as Default>::default();
    post.insert(db).await?.delete(db).await?;
    Ok(())
}

fn main() {}
