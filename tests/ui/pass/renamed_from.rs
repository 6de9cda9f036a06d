//! Former names of which some are columns today, ignored columns and a version.

use audit_seaorm::{Auditable, FormerName, RestoreRule};
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[auditable(renamed_from("title", until = "2026-03-01T00:00:00Z", "name"))]
    pub headline: String,
    #[auditable(renamed_from = "sub")]
    pub title: String,
    #[auditable(restore = "ignore")]
    pub updated_at: DateTimeUtc,
    #[auditable(version)]
    pub lock: u32,
}

fn main() {
    let [(Column::Headline, headline), (Column::Title, title)] = Entity::RENAMED else {
        panic!("two columns")
    };
    let until = Some("2026-03-01T00:00:00Z".parse().unwrap());
    let told: Vec<_> = headline.iter().map(|it| (it.name(), it.until())).collect();
    assert_eq!(told, [("title", until), ("name", None)]);
    assert_eq!(title, &[FormerName::new("sub")]);
    assert!(matches!(
        Entity::RESTORE,
        [(Column::UpdatedAt, RestoreRule::Ignore), (Column::Lock, RestoreRule::Version)]
    ));
}
