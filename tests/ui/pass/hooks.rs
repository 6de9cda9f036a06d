//! `hooks` leaves `ActiveModelBehavior` to the entity, here a classic one with a synchronous hook only.

use audit_seaorm::{Auditable, FieldRule, audited};
use sea_orm::{Set, entity::prelude::*};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
#[auditable(hooks)]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(redact)]
    pub title: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

#[audited]
impl ActiveModelBehavior for ActiveModel {
    fn new() -> Self {
        Self { title: Set("untitled".to_owned()), ..ActiveModelTrait::default() }
    }
}

fn main() {
    let post = <ActiveModel as Default>::default();
    assert_eq!(post.title, Set("untitled".to_owned()));
    assert!(matches!(Entity::RULES, [(Column::Title, FieldRule::Redact)]));
}
