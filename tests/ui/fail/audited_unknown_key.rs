//! `#[audited]` with a key that it does not take.

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

#[audited(hooks)]
impl ActiveModelBehavior for ActiveModel {}

fn main() {}
