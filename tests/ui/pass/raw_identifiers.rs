//! Fields whose names are keywords, or begin with an underscore.
#![allow(non_snake_case)]

use audit_seaorm::{Auditable, FieldRule};
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(redact)]
    pub r#type: String,
    #[auditable(skip)]
    pub r#match: i32,
    #[auditable(skip)]
    pub self_: i32,
    #[auditable(skip)]
    pub _hidden: i32,
}

fn main() {
    assert!(matches!(
        Entity::RULES,
        [
            (Column::Type, FieldRule::Redact),
            (Column::Match, FieldRule::Skip),
            (Column::Self_, FieldRule::Skip),
            (Column::Hidden, FieldRule::Skip),
        ]
    ));
}
