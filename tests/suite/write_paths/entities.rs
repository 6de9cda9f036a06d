//! Entities for what the others have not, and the worlds they live in.

use audit_tests::TestDb;
use sea_orm::{ActiveValue::Set, ConnectionTrait};

use super::ground::{World, findings_of};
use crate::{
    relations::{shelf, shelf_tag, tag_of_shelf},
    support::{create, sql},
};

/// Refers to itself.
pub(crate) mod staff {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "staff")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub reports_to_id: Option<i32>,
        #[sea_orm(
            self_ref,
            relation_enum = "ReportsTo",
            relation_reverse = "Manages",
            from = "reports_to_id",
            to = "id"
        )]
        pub reports_to: BelongsTo<Option<Entity>>,
        #[sea_orm(self_ref, relation_enum = "Manages", relation_reverse = "ReportsTo")]
        pub manages: HasMany<Entity>,
    }
}

/// The database fills in what is not said.
pub(crate) mod counter {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "counter")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(default_value = 7)]
        pub count: i32,
    }
}

/// Whose children the database deletes or changes by itself.
pub(crate) mod team {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "team")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(has_many)]
        pub players: HasMany<super::player::Entity>,
        #[sea_orm(has_many)]
        pub fans: HasMany<super::fan::Entity>,
    }
}

pub(crate) mod player {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "player")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub team_id: i32,
        #[sea_orm(belongs_to, from = "team_id", to = "id", on_delete = "Cascade")]
        pub team: BelongsTo<super::team::Entity>,
    }
}

pub(crate) mod fan {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "fan")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub team_id: Option<i32>,
        #[sea_orm(belongs_to, from = "team_id", to = "id", on_delete = "SetNull")]
        pub team: BelongsTo<Option<super::team::Entity>>,
    }
}

/// A boss and who reports to her. The seed is the boss.
pub(crate) struct Staff;

impl World for Staff {
    type Seed = staff::ActiveModelEx;

    const TABLES: &'static [&'static str] = &["staff WHERE reports_to_id IS NOT NULL", "staff"];

    async fn create(t: &TestDb) {
        create!(t, staff::Entity);
    }

    async fn seed(t: &TestDb) -> staff::ActiveModelEx {
        let mut boss = staff::ActiveModel::builder().set_name("boss");
        boss.manages.push(staff::ActiveModel::builder().set_name("ann"));
        boss.save(&t.db).await.unwrap()
    }

    async fn findings(db: &impl ConnectionTrait) -> Vec<String> {
        findings_of(db, staff::Entity).await
    }
}

/// Empty.
pub(crate) struct Counters;

impl World for Counters {
    type Seed = ();

    const TABLES: &'static [&'static str] = &["counter"];

    async fn create(t: &TestDb) {
        create!(t, counter::Entity);
    }

    async fn seed(_: &TestDb) {}

    async fn findings(db: &impl ConnectionTrait) -> Vec<String> {
        findings_of(db, counter::Entity).await
    }
}

/// A team with a player and a fan. The seed is the team.
pub(crate) struct Cascading;

impl World for Cascading {
    type Seed = team::Model;

    const TABLES: &'static [&'static str] = &["player", "fan", "team"];

    async fn create(t: &TestDb) {
        create!(t, team::Entity, player::Entity, fan::Entity);
    }

    async fn seed(t: &TestDb) -> team::Model {
        let team = team::ActiveModel { id: Set(1) }.insert(&t.db).await.unwrap();
        player::ActiveModel { id: Set(1), team_id: Set(1) }.insert(&t.db).await.unwrap();
        fan::ActiveModel { id: Set(1), team_id: Set(Some(1)) }.insert(&t.db).await.unwrap();
        team
    }

    async fn findings(db: &impl ConnectionTrait) -> Vec<String> {
        [
            findings_of(db, team::Entity).await,
            findings_of(db, player::Entity).await,
            findings_of(db, fan::Entity).await,
        ]
        .concat()
    }
}

/// A shelf that is not audited, with an audited link to a tag. The seed is the shelf.
pub(crate) struct Shelves;

impl World for Shelves {
    type Seed = shelf::ActiveModelEx;

    const TABLES: &'static [&'static str] = &["shelf_tag", "shelf", "tag_of_shelf"];

    async fn create(t: &TestDb) {
        create!(t, shelf::Entity, tag_of_shelf::Entity, shelf_tag::Entity);
    }

    async fn seed(t: &TestDb) -> shelf::ActiveModelEx {
        // With a key of its own there is a column to insert.
        sql(&t.db, "INSERT INTO tag_of_shelf (id) VALUES (7), (8)").await;
        sql(&t.db, "INSERT INTO shelf (id) VALUES (1)").await;
        let link = shelf_tag::ActiveModel { shelf_id: Set(1), tag_id: Set(7) };
        link.insert(&t.db).await.unwrap();
        shelf::Entity::load().one(&t.db).await.unwrap().unwrap().into()
    }

    async fn findings(db: &impl ConnectionTrait) -> Vec<String> {
        findings_of(db, shelf_tag::Entity).await
    }
}
