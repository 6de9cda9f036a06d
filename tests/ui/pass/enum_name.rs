//! Columns that are renamed in the enum, in the table, or in both.

use audit_seaorm::{Auditable, FieldRule};
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
#[sea_orm(rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(enum_name = "Heading")]
    #[auditable(redact)]
    pub title: String,
    #[auditable(skip)]
    #[sea_orm(column_name = "body", enum_name = "Body", column_type = "Text")]
    pub text: String,
    #[auditable(skip)]
    #[sea_orm(column_name = "changed")]
    pub updated_at: DateTimeUtc,
}

fn main() {
    assert!(matches!(
        Entity::RULES,
        [
            (Column::Heading, FieldRule::Redact),
            (Column::Body, FieldRule::Skip),
            (Column::UpdatedAt, FieldRule::Skip),
        ]
    ));
}
