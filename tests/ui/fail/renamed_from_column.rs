//! A former name that is a column today, and moments that are none.

use audit_seaorm::Auditable;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(renamed_from = "title")]
    pub headline: String,
    pub title: String,
    #[auditable(renamed_from("subTitle"))]
    pub under: String,
    pub sub_title: String,
    #[auditable(renamed_from("x"))]
    pub first: String,
    #[sea_orm(column_name = "x")]
    pub second: String,
    #[auditable(renamed_from("old", until = "2026-03-01"))]
    pub third: String,
    #[auditable(renamed_from("old", until = "2026-03-01"))]
    pub fourth: String,
    #[auditable(renamed_from("older", until = "in spring"))]
    pub fifth: String,
    #[auditable(renamed_from(until = "2026-03-01", "oldest"))]
    pub sixth: String,
    #[auditable(renamed_from(before = "2026-03-01"))]
    pub seventh: String,
}

/// The rest of the entity gives no further message.
pub async fn write(db: &sea_orm::DatabaseConnection) -> Result<(), DbErr> {
    let post = <ActiveModel as Default>::default();
    post.insert(db).await?.delete(db).await?;
    Ok(())
}

fn main() {}
