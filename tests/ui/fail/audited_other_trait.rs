//! `#[audited]` on the impl of another trait.

use audit_seaorm::{Auditable, audited};
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
#[auditable(hooks)]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
}

#[audited]
impl std::fmt::Display for ActiveModel {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl ActiveModelBehavior for ActiveModel {}

fn main() {}
