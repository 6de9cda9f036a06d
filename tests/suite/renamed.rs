//! Columns that were renamed, and whose former names are other columns today.

use audit_seaorm::{__private::store, AuditEntry, AuditTrail, Change, GapReason, Image, entity};
use audit_tests::TestDb;
use sea_orm::{
    EntityTrait,
    prelude::{DateTimeUtc, Uuid},
};
use serde_json::{Value as Json, json};

use crate::support::{create, entries, sql};

audit_tests::tests! {
    a_name_that_is_used_again_means_another_column_from_then_on,
    searches_find_a_column_under_the_name_of_each_time,
    a_restore_writes_the_column_that_had_the_name,
    two_columns_that_swapped_names_are_told_apart,
    a_column_that_was_renamed_twice_is_followed,
}

mod article {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "article")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[auditable(renamed_from("title", until = "2026-03-01"))]
        pub headline: String,
        pub title: Option<String>,
    }
}

mod swapped {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "swapped")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[auditable(renamed_from("right", until = "2026-03-01T12:00:00Z"))]
        pub left: i32,
        #[auditable(renamed_from("left", until = "2026-03-01T12:00:00Z"))]
        pub right: i32,
    }
}

mod chained {
    use sea_orm::entity::prelude::*;

    /// `a` became `b` in February and `b` became `c` in March; both names were given away again at once.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "chained")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub a: Option<i32>,
        pub b: Option<i32>,
        #[auditable(renamed_from("b", until = "2026-03-01", "a", until = "2026-02-01"))]
        pub c: i32,
    }
}

fn image(values: Json) -> Image {
    serde_json::from_value(values).unwrap()
}

fn at(text: &str) -> DateTimeUtc {
    text.parse().unwrap()
}

/// An entry as it was made at that time.
async fn record_at(t: &TestDb, when: &str, change: Change) {
    AuditTrail::record(&t.db, change).await.unwrap();
    let entry = entries(&t.db).await.pop().unwrap();
    entity::Entity::delete_by_id(entry.id).exec(&t.db).await.unwrap();
    store(&t.db, AuditEntry { id: Uuid::new_v4(), timestamp: at(when), ..entry }).await.unwrap();
}

async fn update_at(t: &TestDb, table: &str, when: &str, old: Json, new: Json) {
    record_at(t, when, Change::update(table, "1", image(old), image(new))).await;
}

const CREATED: &str = "2026-01-01T00:00:00Z";
const RENAMED_LATER: &str = "2026-02-28T23:59:59.999999Z";
const RENAMED: &str = "2026-03-01T00:00:00Z";
const AFTERWARDS: &str = "2026-03-02T00:00:00Z";

async fn an_article(t: &TestDb) {
    create!(t, article::Entity);
    let created = Change::create("article", "1", image(json!({"id": 1, "title": "Old"})));
    record_at(t, CREATED, created).await;
    update_at(t, "article", RENAMED_LATER, json!({"title": "Old"}), json!({"title": "Older"}))
        .await;
    update_at(t, "article", RENAMED, json!({"title": null}), json!({"title": "New"})).await;
    update_at(t, "article", AFTERWARDS, json!({"headline": "Older"}), json!({"headline": "Head"}))
        .await;
    sql(&t.db, "INSERT INTO article (id, headline, title) VALUES (1, 'Head', 'New')").await;
}

async fn a_name_that_is_used_again_means_another_column_from_then_on(t: TestDb) {
    an_article(&t).await;
    let state = async |when| {
        AuditTrail::state_as_of(&t.db, article::Entity, 1, at(when)).await.unwrap().unwrap()
    };
    let before = state(RENAMED_LATER).await;
    assert_eq!(json!(before.values()), json!({"id": 1, "headline": "Older"}));
    assert_eq!(
        (&*before.gaps()[0].column, &before.gaps()[0].reason),
        ("title", &GapReason::Untold)
    );
    let model = |headline: &str| article::Model {
        id: 1,
        headline: headline.to_owned(),
        title: Some("New".to_owned()),
    };
    assert_eq!(state(RENAMED).await.model().unwrap(), model("Older"));
    assert_eq!(state(AFTERWARDS).await.model().unwrap(), model("Head"));

    let history = AuditTrail::history(&t.db, article::Entity, 1).await.unwrap();
    let [head, new, older, created] = &history[..] else { panic!("four steps") };
    assert_eq!(head.before().unwrap(), Some(model("Older")));
    assert_eq!(
        json!(new.old.as_ref().unwrap().values()),
        json!({"id": 1, "headline": "Older", "title": null})
    );
    assert_eq!(json!(older.old.as_ref().unwrap().values()), json!({"id": 1, "headline": "Old"}));
    assert_eq!(json!(created.new.as_ref().unwrap().values()), json!({"id": 1, "headline": "Old"}));

    let blame = AuditTrail::blame(&t.db, article::Entity, 1).await.unwrap();
    let set: Vec<_> = blame.iter().map(|it| (&*it.column, it.timestamp)).collect();
    assert_eq!(set, [("id", at(CREATED)), ("headline", at(AFTERWARDS)), ("title", at(RENAMED))]);
    let diff = AuditTrail::diff(&t.db, article::Entity, 1, at(CREATED), at(AFTERWARDS)).await;
    let diff = diff.unwrap().to_string();
    assert!(diff.contains(r#"headline: "Old" -> "Head""#), "{diff}");
    let report = AuditTrail::verify(&t.db, article::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn searches_find_a_column_under_the_name_of_each_time(t: TestDb) {
    an_article(&t).await;
    let times = async |query: audit_seaorm::AuditQuery| {
        let entries = query.oldest_first().all(&t.db).await.unwrap();
        entries.iter().map(|entry| entry.timestamp).collect::<Vec<_>>()
    };
    let of = || AuditTrail::query().entity(article::Entity);
    let [created, later, renamed, afterwards] =
        [CREATED, RENAMED_LATER, RENAMED, AFTERWARDS].map(at);
    assert_eq!(times(of().changed("headline")).await, [created, later, afterwards]);
    assert_eq!(times(of().changed("title")).await, [renamed]);
    assert_eq!(times(AuditTrail::query().table("article").changed("title")).await, [renamed]);
    assert_eq!(times(of().new_value("headline", "Older")).await, [later]);
    assert_eq!(times(of().old_value("headline", "Older")).await, [afterwards]);
    assert!(times(of().new_value("title", "Older")).await.is_empty());
    let by_this_name = AuditTrail::query().changed("title");
    assert_eq!(times(by_this_name).await, [created, later, renamed], "of any table");
}

async fn a_restore_writes_the_column_that_had_the_name(t: TestDb) {
    an_article(&t).await;
    let restore = AuditTrail::restore(article::Entity, 1, at(RENAMED_LATER));
    let plan = restore.plan(&t.db).await.unwrap().to_string();
    assert_eq!(
        plan,
        "UPDATE article 1\n  headline: \"Head\" -> \"Older\"\n  title: \"New\" -> null"
    );
    AuditTrail::restore(article::Entity, 1, at(RENAMED)).exec(&t.db).await.unwrap();
    let row = article::Entity::find_by_id(1).one(&t.db).await.unwrap().unwrap();
    assert_eq!((&*row.headline, row.title.as_deref()), ("Older", Some("New")));
    let report = AuditTrail::verify(&t.db, article::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn two_columns_that_swapped_names_are_told_apart(t: TestDb) {
    create!(t, swapped::Entity);
    let noon = "2026-03-01T12:00:00Z";
    let created = image(json!({"id": 1, "left": 1, "right": 2}));
    record_at(&t, CREATED, Change::create("swapped", "1", created)).await;
    update_at(&t, "swapped", RENAMED, json!({"right": 2}), json!({"right": 3})).await;
    update_at(&t, "swapped", noon, json!({"right": 1}), json!({"right": 5})).await;
    sql(&t.db, "INSERT INTO swapped VALUES (1, 3, 5)").await;
    for (when, left, right) in [(CREATED, 2, 1), (RENAMED, 3, 1), (noon, 3, 5)] {
        let then = AuditTrail::as_of(&t.db, swapped::Entity, 1, at(when)).await.unwrap();
        assert_eq!(then, Some(swapped::Model { id: 1, left, right }), "{when}");
    }
    let report = AuditTrail::verify(&t.db, swapped::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let changed = AuditTrail::query().entity(swapped::Entity).changed("left");
    assert_eq!(changed.count(&t.db).await.unwrap(), 2);
}

async fn a_column_that_was_renamed_twice_is_followed(t: TestDb) {
    create!(t, chained::Entity);
    let change = async |when, name: &str, old, new| {
        update_at(&t, "chained", when, json!({name: old}), json!({name: new})).await;
    };
    let created = image(json!({"id": 1, "a": 1}));
    record_at(&t, CREATED, Change::create("chained", "1", created)).await;
    change("2026-01-31T00:00:00Z", "a", json!(1), json!(2)).await;
    change("2026-02-01T00:00:00Z", "a", json!(null), json!(10)).await;
    change("2026-02-28T00:00:00Z", "b", json!(2), json!(3)).await;
    change("2026-03-01T00:00:00Z", "b", json!(null), json!(20)).await;
    change(AFTERWARDS, "c", json!(3), json!(4)).await;
    sql(&t.db, "INSERT INTO chained VALUES (1, 10, 20, 4)").await;
    let state = async |when| {
        let state = AuditTrail::state_as_of(&t.db, chained::Entity, 1, at(when)).await.unwrap();
        json!(state.unwrap().values())
    };
    assert_eq!(state("2026-01-31T00:00:00Z").await, json!({"id": 1, "c": 2}));
    assert_eq!(state("2026-02-28T00:00:00Z").await, json!({"id": 1, "a": 10, "c": 3}));
    assert_eq!(state(AFTERWARDS).await, json!({"id": 1, "a": 10, "b": 20, "c": 4}));
    let report = AuditTrail::verify(&t.db, chained::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    for (column, changes) in [("a", 1), ("b", 1), ("c", 4)] {
        let query = AuditTrail::query().entity(chained::Entity).changed(column);
        assert_eq!(query.count(&t.db).await.unwrap(), changes, "{column}");
    }
}
