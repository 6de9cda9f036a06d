//! `#[audited]` on a block without hooks.

use audit_seaorm::{Auditable, audited};
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
#[auditable(hooks)]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub title: String,
}

#[audited]
impl ActiveModelBehavior for ActiveModel {}

fn main() {
    assert!(Entity::RULES.is_empty());
}
