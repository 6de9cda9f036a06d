//! A lost answer to a COMMIT, where the program has several entities of that name, and not each can find the row.

use std::time::Duration;

use audit_seaorm::{AuditConfig, AuditTrail, AuditWriter};
use audit_tests::{
    TestDb, connect,
    wire::{Commit, Wire},
};
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::ground::{Wired, patient, wired};
use crate::support::{create, entries, migrate, sql};

audit_tests::tests! {
    #[only(Postgres, MariaDb)] an_entity_that_cannot_find_a_row_does_not_tell_that_it_is_gone,
    #[only(Postgres)] the_table_of_another_tenant_tells_nothing,
}

mod parcel {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "parcel")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
    }
}

/// Each tenant has a table of that name.
mod shipment {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "shipment")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub weight: i32,
    }
}

/// Entities of a table named as that of `parcel`, in some other database: its records have another key.
macro_rules! with_another_key {
    ($($entity:ident),+) => { $(mod $entity {
        use audit_seaorm::Auditable;
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
        #[sea_orm(table_name = "parcel")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub depot: i32,
            #[sea_orm(primary_key, auto_increment = false)]
            pub shelf: i32,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}
    })+ };
}

/// The key is the same, and a column is not there.
macro_rules! with_another_column {
    ($($entity:ident),+) => { $(mod $entity {
        use audit_seaorm::Auditable;
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
        #[sea_orm(table_name = "parcel")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub colour: String,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}
    })+ };
}

// Which one is asked first differs from run to run: so many, that it is hardly ever the right one.
with_another_key!(keyed_1, keyed_2, keyed_3, keyed_4);
with_another_column!(coloured_1, coloured_2, coloured_3);

fn new_parcel(weight: i32) -> parcel::ActiveModel {
    parcel::ActiveModel { weight: Set(weight), ..Default::default() }
}

async fn an_entity_that_cannot_find_a_row_does_not_tell_that_it_is_gone(t: TestDb) {
    create!(t, parcel::Entity);
    let settings = patient().pauses(Duration::from_millis(5), Duration::from_millis(200));
    let Wired { db, wire, writer, config, .. } = wired(&t, settings).await;
    let wire = wire.unwrap();
    for commit in [Commit::IsNotAnswered, Commit::IsLost] {
        let changed = config.clone().scope(new_parcel(1).insert(&db)).await.unwrap();
        let deleted = config.clone().scope(new_parcel(1).insert(&db)).await.unwrap();
        wire.next_commit(commit);
        config.clone().scope(new_parcel(2).insert(&db)).await.unwrap_err();
        wire.next_commit(commit);
        let change = parcel::ActiveModel { weight: Set(3), ..changed.into_active_model() };
        config.clone().scope(change.update(&db)).await.unwrap_err();
        wire.next_commit(commit);
        config.clone().scope(deleted.delete(&db)).await.unwrap_err();
    }
    writer.shutdown().await.unwrap();
    let trail = entries(&t.db).await;
    let trail: Vec<_> =
        trail.iter().map(|entry| format!("{} {}", entry.operation, entry.record_id)).collect();
    // What was not answered took place, and what was lost did not: the last two are all of the second round.
    let first = ["CREATE 1", "CREATE 2", "CREATE 3", "UPDATE 1", "DELETE 2"];
    assert_eq!(trail, [&first[..], &["CREATE 4", "CREATE 5"]].concat());
    let report = AuditTrail::verify(&t.db, parcel::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// The writer is on a connection of one tenant, and the change is another one's.
async fn the_table_of_another_tenant_tells_nothing(t: TestDb) {
    migrate(&t).await;
    let wire = Wire::to(t.url()).await;
    for tenant in ["one", "other"] {
        sql(&t.db, &format!("CREATE SCHEMA {tenant}")).await;
        let columns = "id serial PRIMARY KEY, weight integer NOT NULL";
        sql(&t.db, &format!("CREATE TABLE {tenant}.shipment ({columns})")).await;
    }
    let db_of = |url: &str, tenant: &str| {
        let (url, path) = (url.to_owned(), format!("{tenant},public"));
        async move {
            let db = connect(t.backend, &url, |options| {
                options.set_schema_search_path(path);
            });
            db.await.unwrap()
        }
    };
    let (one, other) = (db_of(t.url(), "one").await, db_of(wire.url(), "other").await);
    let settings = patient().pauses(Duration::from_millis(1), Duration::from_millis(20));
    let writer = AuditWriter::start_without_last_resort(&one, settings);
    let config = AuditConfig::new().background(&writer);
    wire.next_commit(Commit::IsNotAnswered);
    let shipment = shipment::ActiveModel { weight: Set(1), ..Default::default() };
    config.scope(shipment.insert(&other)).await.unwrap_err();
    let unwritten = writer.shutdown().await.unwrap_err();
    // That `one` has no such shipment tells nothing: the entry is neither stored nor forgotten.
    assert_eq!((unwritten.rescued, unwritten.dropped), (0, 1), "{unwritten}");
    assert!(entries(&t.db).await.is_empty());
}
