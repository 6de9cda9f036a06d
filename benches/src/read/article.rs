//! What the trail is of. There are no articles: reading the trail asks for none.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "what the derives write goes beyond what is called here"
)]

use audit_seaorm::Auditable;
use sea_orm::entity::prelude::*;

pub(super) const TABLE: &str = "article";

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "article")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub author_id: i64,
    pub title: String,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub status: String,
    pub price: i64,
    pub views: i64,
    pub published: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}
