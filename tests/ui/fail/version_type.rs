//! A version that cannot be raised by one.

use audit_seaorm::Auditable;
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(version)]
    pub etag: String,
}

fn main() {}
