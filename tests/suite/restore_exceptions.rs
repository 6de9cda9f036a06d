//! Columns that a restore does not bring back as the others: the database's own, ignored ones, versions.

use audit_seaorm::{AuditContext, AuditTrail, AuditTransaction, RestoreError};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};

use crate::{
    entities::post,
    support::{create, entries, migrate, new_post, sql},
};

audit_tests::tests! {
    a_record_with_generated_columns_is_brought_back,
    a_generated_column_is_no_conflict,
    #[only(Postgres)] an_identity_that_is_always_generated_is_brought_back,
    an_ignored_column_stays_and_is_no_conflict,
    a_column_is_ignored_for_one_restore,
    a_misspelt_column_is_not_ignored,
    a_version_goes_on_upwards,
    a_record_comes_back_with_a_version_above_its_last,
    what_only_touched_ignored_columns_is_nothing_to_restore,
}

mod parcel {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "parcel")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub width: i32,
        pub name: String,
        pub twice: i32,
        pub thrice: i32,
    }
}

mod order {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(schema_name = "My \"Shop\"", table_name = "order")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_name = "odd) VALUES (\"name")]
        pub name: String,
        pub twice: Option<i32>,
    }
}

mod page {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "page")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        #[auditable(restore = "ignore")]
        pub updated_at: i64,
        #[auditable(version)]
        pub version: i32,
    }
}

async fn parcels(t: &TestDb) {
    migrate(t).await;
    let (key, first) = match t.backend {
        Backend::Sqlite => ("integer PRIMARY KEY", "VIRTUAL"),
        // Virtual ones are younger than the server.
        Backend::Postgres => ("serial PRIMARY KEY", "STORED"),
        Backend::MariaDb => ("int AUTO_INCREMENT PRIMARY KEY", "VIRTUAL"),
    };
    let table = format!(
        "CREATE TABLE parcel (id {key}, width int NOT NULL, name varchar(20) NOT NULL, \
         twice int GENERATED ALWAYS AS (width * 2) {first}, thrice int GENERATED ALWAYS AS (width * 3) STORED)"
    );
    sql(&t.db, &table).await;
}

fn a_parcel(width: i32) -> parcel::ActiveModel {
    parcel::ActiveModel { width: Set(width), name: Set("a".to_owned()), ..Default::default() }
}

async fn assert_clean<E: audit_seaorm::Auditable>(db: &impl ConnectionTrait, entity: E) {
    let report = AuditTrail::verify(db, entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn a_record_with_generated_columns_is_brought_back(t: TestDb) {
    parcels(&t).await;
    let first = a_parcel(2).insert(&t.db).await.unwrap();
    assert_eq!((first.twice, first.thrice), (4, 6));
    let then = entries(&t.db).await[0].timestamp;
    let mut row = first.clone().into_active_model();
    row.width = Set(5);
    row.update(&t.db).await.unwrap();
    let restore = || AuditTrail::restore(parcel::Entity, 1, then);
    let plan = restore().plan(&t.db).await.unwrap();
    assert_eq!(plan.to_string(), "UPDATE parcel 1\n  width: 5 -> 2");
    restore().exec(&t.db).await.unwrap();
    assert_eq!(parcel::Entity::find().one(&t.db).await.unwrap(), Some(first.clone()));
    parcel::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    restore().exec(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(parcel::Entity::find().one(&t.db).await.unwrap(), Some(first));
    assert!(restore().plan(&t.db).await.unwrap().is_empty());
    assert_clean(&t.db, parcel::Entity).await;
}

async fn a_generated_column_is_no_conflict(t: TestDb) {
    parcels(&t).await;
    let first = a_parcel(2).insert(&t.db).await.unwrap();
    let request = AuditContext::new().request_id("req-1");
    request
        .scope(async {
            let mut row = first.clone().into_active_model();
            row.name = Set("b".to_owned());
            row.width = Set(3);
            row.update(&t.db).await.unwrap();
        })
        .await;
    // As was before the request: of the columns that it changed only the database's own differ from what it left.
    let mut row = first.clone().into_active_model();
    row.width = Set(2);
    row.update(&t.db).await.unwrap();
    AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(parcel::Entity::find().one(&t.db).await.unwrap(), Some(first));
}

async fn an_identity_that_is_always_generated_is_brought_back(t: TestDb) {
    migrate(&t).await;
    sql(&t.db, r#"CREATE SCHEMA "My ""Shop""""#).await;
    sql(
        &t.db,
        r#"CREATE TABLE "My ""Shop"""."order" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
           "odd) VALUES (""name" text NOT NULL, twice int GENERATED ALWAYS AS (length("odd) VALUES (""name") * 2) STORED)"#,
    )
    .await;
    let row = order::ActiveModel { name: Set("a".to_owned()), ..Default::default() };
    let first = row.clone().insert(&t.db).await.unwrap();
    let then = entries(&t.db).await[0].timestamp;
    first.clone().delete(&t.db).await.unwrap();
    AuditTrail::restore(order::Entity, 1, then).exec(&t.db).await.unwrap();
    assert_eq!(order::Entity::find().one(&t.db).await.unwrap(), Some(first));
    assert_eq!(row.insert(&t.db).await.unwrap().id, 2, "the sequence goes on");
    assert_clean(&t.db, order::Entity).await;
}

/// A page that a request changed, and that somebody saved again since, without changing its title.
async fn a_page(t: &TestDb) -> page::Model {
    create!(t, page::Entity);
    let row = page::ActiveModel {
        title: Set("a".to_owned()),
        updated_at: Set(1),
        version: Set(1),
        ..Default::default()
    };
    let mut row = row.insert(&t.db).await.unwrap().into_active_model();
    row.title = Set("b".to_owned());
    row.updated_at = Set(2);
    row.version = Set(2);
    let saved = AuditContext::new().request_id("req-1").scope(row.update(&t.db)).await.unwrap();
    let mut row = saved.into_active_model();
    row.updated_at = Set(3);
    row.version = Set(3);
    row.update(&t.db).await.unwrap()
}

async fn an_ignored_column_stays_and_is_no_conflict(t: TestDb) {
    let saved = a_page(&t).await;
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(plan.to_string(), "UPDATE page 1\n  title: \"b\" -> \"a\"");
    let row = page::Entity::find().one(&t.db).await.unwrap().unwrap();
    let expected = page::Model { title: "a".to_owned(), version: 4, ..saved };
    assert_eq!(row, expected);
    assert_clean(&t.db, page::Entity).await;
}

async fn a_column_is_ignored_for_one_restore(t: TestDb) {
    create!(t, post::Entity);
    let mut row = new_post("a").insert(&t.db).await.unwrap().into_active_model();
    row.title = Set("b".to_owned());
    row.likes = Set(1);
    let saved = AuditContext::new().request_id("req-1").scope(row.update(&t.db)).await.unwrap();
    let mut row = saved.into_active_model();
    row.likes = Set(2);
    row.update(&t.db).await.unwrap();
    let restore = || AuditTrail::restore_request("req-1");
    let refused = restore().exec(&t.db).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Conflict(_)), "{refused}");
    restore().ignore_columns(["likes", "of another table"]).exec(&t.db).await.unwrap();
    let row = post::Entity::find().one(&t.db).await.unwrap().unwrap();
    assert_eq!((&*row.title, row.likes), ("a", 2));
}

async fn a_misspelt_column_is_not_ignored(t: TestDb) {
    a_page(&t).await;
    let then = entries(&t.db).await[0].timestamp;
    let restore = AuditTrail::restore(page::Entity, 1, then).ignore_columns(["titel"]);
    let error = restore.exec(&t.db).await.unwrap_err().to_string();
    assert!(error.contains("`page` has no column `titel`"), "{error}");
}

async fn a_version_goes_on_upwards(t: TestDb) {
    let saved = a_page(&t).await;
    let then = entries(&t.db).await[0].timestamp;
    AuditTrail::restore(page::Entity, 1, then).exec(&t.db).await.unwrap();
    for stale in 1..=saved.version {
        let mut row = page::ActiveModel { id: Set(1), ..Default::default() };
        row.title = Set("stale".to_owned());
        let update = page::Entity::audited().update(row);
        let update = update.filter(page::Column::Version.eq(stale)).exec(&t.db).await;
        update.unwrap_err();
    }
    let row = page::Entity::find().one(&t.db).await.unwrap().unwrap();
    assert_eq!((&*row.title, row.updated_at, row.version), ("a", 3, 4));
}

async fn a_record_comes_back_with_a_version_above_its_last(t: TestDb) {
    a_page(&t).await;
    let then = entries(&t.db).await[0].timestamp;
    page::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
    AuditTrail::restore(page::Entity, 1, then).exec(&t.db).await.unwrap();
    let row = page::Entity::find().one(&t.db).await.unwrap().unwrap();
    assert_eq!((&*row.title, row.updated_at, row.version), ("a", 1, 4));
    assert!(AuditTrail::restore(page::Entity, 1, then).plan(&t.db).await.unwrap().is_empty());
    assert_clean(&t.db, page::Entity).await;
}

async fn what_only_touched_ignored_columns_is_nothing_to_restore(t: TestDb) {
    a_page(&t).await;
    let times: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.timestamp).collect();
    let plan = AuditTrail::restore(page::Entity, 1, times[1]).exec(&t.db).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(entries(&t.db).await.len(), 3);
}
