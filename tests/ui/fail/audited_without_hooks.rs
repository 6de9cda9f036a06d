//! `#[audited]` beside a derive that was not told of it.

use audit_seaorm::{Auditable, audited};
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
}

#[audited]
impl ActiveModelBehavior for ActiveModel {}

fn main() {}
