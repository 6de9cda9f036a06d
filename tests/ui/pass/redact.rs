//! `redact` is a rule of the column.

use audit_seaorm::{Auditable, FieldRule};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(redact)]
    pub reset_token: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

fn main() {
    assert!(matches!(Entity::RULES, [(Column::ResetToken, FieldRule::Redact)]));
}
