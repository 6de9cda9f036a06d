//! `#[audited]` on a block with generics.

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
impl<T> ActiveModelBehavior for ActiveModel<T> {}

fn main() {}
