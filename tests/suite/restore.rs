//! `AuditTrail::restore`, `restore_request`, `restore_transaction`: records as they were.

use std::time::Duration;

use audit_seaorm::{
    AuditConfig, AuditConnection, AuditContext, AuditTrail, AuditTransaction, AuditUser, Change,
    Image, Operation, RestoreError, RestorePlan,
};
use audit_tests::{Backend, TestDb};
use chrono::TimeDelta;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, TransactionTrait,
    prelude::{DateTimeUtc, Uuid},
};
use serde_json::{Value as Json, json};

use crate::{
    entities::{label, post},
    support::{by, create, entries, new_post, sql, trail, unseen_post},
};

audit_tests::tests! {
    a_changed_record_is_brought_back,
    a_deleted_record_is_made_anew,
    a_record_that_there_was_not_is_deleted,
    a_composite_key_is_brought_back,
    a_record_that_is_older_than_the_trail_is_brought_back,
    a_restore_names_its_user_and_its_reason,
    a_restore_can_be_restored_from,
    a_request_is_undone_in_an_order_that_foreign_keys_allow,
    a_request_that_moved_children_is_undone,
    a_unique_value_that_changed_hands_is_given_back,
    a_record_that_a_request_changed_twice_is_undone,
    what_a_request_made_and_deleted_stays_gone,
    a_transaction_is_undone,
    a_bulk_delete_is_undone,
    other_columns_keep_what_others_wrote,
    what_others_changed_since_is_a_conflict,
    what_others_changed_in_between_is_a_conflict,
    what_is_as_it_was_is_no_conflict,
    a_record_that_others_deleted_is_a_conflict,
    a_record_that_others_deleted_is_not_made_anew_for_nothing,
    a_record_that_others_made_again_is_a_conflict,
    a_record_that_others_changed_is_not_deleted_unless_told,
    a_change_past_the_trail_is_a_conflict,
    a_row_past_the_trail_is_not_deleted_unless_told,
    what_came_after_the_plan_is_a_conflict,
    a_plan_writes_nothing,
    a_plan_is_told_in_words_and_in_json,
    a_hidden_column_is_a_gap,
    a_column_that_is_hidden_now_is_shown_nowhere,
    a_column_that_is_gone_is_a_gap,
    a_renamed_column_is_brought_back,
    an_error_in_the_middle_leaves_everything,
    what_is_not_there_is_an_error,
    a_table_without_an_entity_is_an_error,
    of_several_entities_the_one_that_fits_writes,
    it_runs_on_pools_and_transactions_of_ours,
    #[only(Postgres, MariaDb)] a_writer_at_the_same_time_is_a_conflict,
    a_restore_that_is_dropped_restores_all_or_nothing,
}

mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "shelf")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(unique)]
        pub name: String,
        #[sea_orm(has_many)]
        pub books: HasMany<super::book::Entity>,
    }
}

mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "tome")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub shelf_id: i32,
        #[auditable(renamed_from = "name")]
        pub title: String,
        pub pages: Option<i32>,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id")]
        pub shelf: HasOne<super::shelf::Entity>,
        #[sea_orm(has_many)]
        pub reviews: HasMany<super::review::Entity>,
    }
}

mod review {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "review")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub book_id: i32,
        pub text: String,
        #[sea_orm(belongs_to, from = "book_id", to = "id")]
        pub book: HasOne<super::book::Entity>,
    }
}

/// The same table, in part.
mod title_page {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "tome")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub title: String,
    }
}

/// One of that name in another database.
mod elsewhere {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "tome")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub shelf_id: i32,
        pub title: String,
        pub pages: Option<i32>,
        pub price: i32,
    }
}

fn shelf(id: i32, name: &str) -> shelf::ActiveModel {
    shelf::ActiveModel { id: Set(id), name: Set(name.to_owned()) }
}

fn book(id: i32, shelf: i32, title: &str) -> book::ActiveModel {
    book::ActiveModel {
        id: Set(id),
        shelf_id: Set(shelf),
        title: Set(title.to_owned()),
        pages: Set(None),
    }
}

fn review(id: i32, book: i32, text: &str) -> review::ActiveModel {
    review::ActiveModel { id: Set(id), book_id: Set(book), text: Set(text.to_owned()) }
}

/// Two shelves with a book each, of which the first one has a review.
async fn library(t: &TestDb) {
    create!(t, shelf::Entity, book::Entity, review::Entity);
    shelf(1, "high").insert(&t.db).await.unwrap();
    shelf(2, "low").insert(&t.db).await.unwrap();
    book(1, 1, "Ants").insert(&t.db).await.unwrap();
    book(2, 2, "Bees").insert(&t.db).await.unwrap();
    review(1, 1, "small").insert(&t.db).await.unwrap();
}

type Rows = (Vec<shelf::Model>, Vec<book::Model>, Vec<review::Model>);

async fn rows(db: &impl ConnectionTrait) -> Rows {
    (
        shelf::Entity::find().order_by_asc(shelf::Column::Id).all(db).await.unwrap(),
        book::Entity::find().order_by_asc(book::Column::Id).all(db).await.unwrap(),
        review::Entity::find().order_by_asc(review::Column::Id).all(db).await.unwrap(),
    )
}

async fn verify(t: &TestDb) {
    for report in [
        AuditTrail::verify(&t.db, shelf::Entity).await.unwrap(),
        AuditTrail::verify(&t.db, book::Entity).await.unwrap(),
        AuditTrail::verify(&t.db, review::Entity).await.unwrap(),
    ] {
        assert!(report.is_clean(), "{report}");
    }
}

/// Runs `work` as a request.
async fn request<T>(id: &str, work: impl Future<Output = T>) -> T {
    AuditContext::new().request_id(id).scope(work).await
}

async fn title(db: &impl ConnectionTrait, id: i32, title: &str) {
    let change =
        book::ActiveModel { id: Set(id), title: Set(title.to_owned()), ..Default::default() };
    change.update(db).await.unwrap();
}

async fn pages(db: &impl ConnectionTrait, id: i32, pages: i32) {
    let change = book::ActiveModel { id: Set(id), pages: Set(Some(pages)), ..Default::default() };
    change.update(db).await.unwrap();
}

async fn found(db: &impl ConnectionTrait, id: i32) -> Option<book::Model> {
    book::Entity::find_by_id(id).one(db).await.unwrap()
}

async fn now(t: &TestDb) -> DateTimeUtc {
    entries(&t.db).await.last().unwrap().timestamp
}

fn conflict(outcome: Result<RestorePlan, RestoreError>) -> RestorePlan {
    match outcome {
        Err(RestoreError::Conflict(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

fn gap(outcome: Result<RestorePlan, RestoreError>) -> RestorePlan {
    match outcome {
        Err(RestoreError::Gap(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

async fn a_changed_record_is_brought_back(t: TestDb) {
    library(&t).await;
    let (before, then) = (rows(&t.db).await, now(&t).await);
    title(&t.db, 1, "Apes").await;
    pages(&t.db, 1, 90).await;
    title(&t.db, 1, "Asps").await;
    let plan = AuditTrail::restore(book::Entity, 1, then).exec(&t.db).await.unwrap();
    assert_eq!(
        plan.to_string(),
        "UPDATE tome 1\n  pages: 90 -> null\n  title: \"Asps\" -> \"Ants\""
    );
    assert_eq!(rows(&t.db).await, before);
    let last = entries(&t.db).await.pop().unwrap();
    assert_eq!(last.new_values, Some(json!({"title": "Ants", "pages": null})));
    verify(&t).await;
    assert!(AuditTrail::restore(book::Entity, 1, then).plan(&t.db).await.unwrap().is_empty());
}

async fn a_deleted_record_is_made_anew(t: TestDb) {
    library(&t).await;
    let (before, then) = (rows(&t.db).await, now(&t).await);
    title(&t.db, 2, "Bugs").await;
    book::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
    let plan = AuditTrail::restore(book::Entity, 2, then).exec(&t.db).await.unwrap();
    assert_eq!(plan.records[0].operation, Operation::Create);
    assert_eq!(rows(&t.db).await, before);
    verify(&t).await;
}

async fn a_record_that_there_was_not_is_deleted(t: TestDb) {
    library(&t).await;
    let (before, then) = (rows(&t.db).await, now(&t).await);
    book(3, 1, "Cats").insert(&t.db).await.unwrap();
    title(&t.db, 3, "Cows").await;
    let plan = AuditTrail::restore(book::Entity, 3, then).exec(&t.db).await.unwrap();
    assert_eq!(plan.records[0].operation, Operation::Delete);
    assert_eq!(rows(&t.db).await, before);
    verify(&t).await;
}

async fn a_composite_key_is_brought_back(t: TestDb) {
    create!(t, label::Entity);
    let en = label::ActiveModel {
        post_id: Set(7),
        language: Set("en\"{}".to_owned()),
        text: Set("one".to_owned()),
    };
    let mut en = en.insert(&t.db).await.unwrap().into_active_model();
    let then = now(&t).await;
    en.text = Set("two".to_owned());
    en.update(&t.db).await.unwrap().delete(&t.db).await.unwrap();
    let key = (7, "en\"{}".to_owned());
    AuditTrail::restore(label::Entity, key.clone(), then).exec(&t.db).await.unwrap();
    let row = label::Entity::find_by_id(key).one(&t.db).await.unwrap().unwrap();
    assert_eq!(row.text, "one");
}

/// What it was is told by what the first change found.
async fn a_record_that_is_older_than_the_trail_is_brought_back(t: TestDb) {
    library(&t).await;
    sql(&t.db, "DELETE FROM audit_trail").await;
    let then = chrono::Utc::now() - TimeDelta::seconds(1);
    title(&t.db, 1, "Apes").await;
    title(&t.db, 1, "Asps").await;
    AuditTrail::restore(book::Entity, 1, then).exec(&t.db).await.unwrap();
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Ants");
    review(2, 1, "tiny").insert(&t.db).await.unwrap();
    review::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    AuditTrail::restore(review::Entity, 1, then).exec(&t.db).await.unwrap();
    assert_eq!(rows(&t.db).await.2[0].text, "small");
}

async fn a_restore_names_its_user_and_its_reason(t: TestDb) {
    library(&t).await;
    request("req-1", title(&t.db, 1, "Apes")).await;
    let restore = AuditTrail::restore_request("req-1");
    by("ann", restore.exec(&t.db)).await.unwrap();
    let entry = entries(&t.db).await.pop().unwrap();
    assert_eq!(entry.user_id.as_deref(), Some("ann"));
    assert_eq!(entry.reason.as_deref(), Some("restore of request req-1"));
    assert_eq!(entry.metadata, Some(json!({"restored": {"request_id": "req-1"}})));
    assert!(entry.transaction_id.is_some());

    let again = AuditTrail::restore_transaction(entry.transaction_id.unwrap()).reason("a slip");
    let bob = AuditContext::new().user(AuditUser::new("bob")).reason("of his own").metadata("a", 1);
    bob.scope(again.exec(&t.db)).await.unwrap();
    let entry = entries(&t.db).await.pop().unwrap();
    assert_eq!((entry.user_id.as_deref(), entry.reason.as_deref()), (Some("bob"), Some("a slip")));
    assert_eq!(entry.metadata.unwrap()["a"], 1);
}

async fn a_restore_can_be_restored_from(t: TestDb) {
    library(&t).await;
    let before = rows(&t.db).await;
    request("req-1", async {
        review::Entity::audited().delete_many().exec(&t.db).await.unwrap();
        book::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
        title(&t.db, 2, "Bugs").await;
    })
    .await;
    let after = rows(&t.db).await;
    request("req-2", AuditTrail::restore_request("req-1").exec(&t.db)).await.unwrap();
    assert_eq!(rows(&t.db).await, before);
    request("req-3", AuditTrail::restore_request("req-2").exec(&t.db)).await.unwrap();
    assert_eq!(rows(&t.db).await, after);
    verify(&t).await;
}

async fn a_request_is_undone_in_an_order_that_foreign_keys_allow(t: TestDb) {
    library(&t).await;
    let before = rows(&t.db).await;
    request("req-1", async {
        shelf(3, "new").insert(&t.db).await.unwrap();
        book(3, 3, "Cats").insert(&t.db).await.unwrap();
        review(3, 3, "furry").insert(&t.db).await.unwrap();
        review::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
        book::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
        shelf::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
    })
    .await;
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    let steps: Vec<_> =
        plan.records.iter().map(|it| (it.operation, &*it.table, &*it.record_id)).collect();
    assert_eq!(
        steps,
        [
            (Operation::Create, "shelf", "1"),
            (Operation::Create, "tome", "1"),
            (Operation::Create, "review", "1"),
            (Operation::Delete, "review", "3"),
            (Operation::Delete, "tome", "3"),
            (Operation::Delete, "shelf", "3"),
        ]
    );
    assert_eq!(rows(&t.db).await, before);
    verify(&t).await;
}

/// The book is written to before and after the shelves are: neither end of its changes alone would do.
async fn a_request_that_moved_children_is_undone(t: TestDb) {
    library(&t).await;
    let before = rows(&t.db).await;
    let to_shelf = async |shelf| {
        let book = book::ActiveModel { id: Set(2), shelf_id: Set(shelf), ..Default::default() };
        book.update(&t.db).await.unwrap();
    };
    request("req-1", async {
        pages(&t.db, 2, 7).await;
        to_shelf(1).await;
        shelf::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
        shelf(3, "new").insert(&t.db).await.unwrap();
        to_shelf(3).await;
        title(&t.db, 2, "Bugs").await;
    })
    .await;
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(plan.records.len(), 3);
    assert_eq!(rows(&t.db).await, before);
    verify(&t).await;
}

async fn a_unique_value_that_changed_hands_is_given_back(t: TestDb) {
    library(&t).await;
    sql(&t.db, "DELETE FROM review").await;
    sql(&t.db, "DELETE FROM tome").await;
    request("req-1", async {
        shelf::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
        shelf(2, "high").update(&t.db).await.unwrap();
        shelf(3, "low").insert(&t.db).await.unwrap();
    })
    .await;
    AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    let names: Vec<_> = rows(&t.db).await.0.into_iter().map(|it| (it.id, it.name)).collect();
    assert_eq!(names, [(1, "high".to_owned()), (2, "low".to_owned())]);
}

async fn a_record_that_a_request_changed_twice_is_undone(t: TestDb) {
    library(&t).await;
    let before = rows(&t.db).await;
    request("req-1", async {
        title(&t.db, 1, "Apes").await;
        pages(&t.db, 1, 7).await;
        title(&t.db, 1, "Asps").await;
        book::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
        book(2, 1, "Bugs").insert(&t.db).await.unwrap();
    })
    .await;
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(plan.records.len(), 2);
    assert!(plan.records.iter().all(|record| record.operation == Operation::Update));
    assert_eq!(rows(&t.db).await, before);
    let restored = entries(&t.db).await.split_off(10);
    assert_eq!(restored.len(), 2, "one step for the changes of a record that belong together");
    verify(&t).await;
}

async fn what_a_request_made_and_deleted_stays_gone(t: TestDb) {
    library(&t).await;
    request("req-1", async {
        book(3, 1, "Cats").insert(&t.db).await.unwrap();
        title(&t.db, 1, "Apes").await;
        book::Entity::audited().delete_by_id(3).exec(&t.db).await.unwrap();
    })
    .await;
    // Others use its key again, which is no concern of the request's.
    book(3, 2, "Dogs").insert(&t.db).await.unwrap();
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(plan.records.len(), 1);
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Ants");
    assert_eq!(found(&t.db, 3).await.unwrap().title, "Dogs");
    verify(&t).await;
}

async fn a_transaction_is_undone(t: TestDb) {
    library(&t).await;
    let before = rows(&t.db).await;
    AuditTransaction::run(&t.db, async |txn| {
        book::Entity::audited()
            .update_many()
            .col_expr(book::Column::Pages, 5.into())
            .exec(txn)
            .await?;
        book(3, 2, "Cats").insert(txn).await
    })
    .await
    .unwrap();
    let id = entries(&t.db).await.pop().unwrap().transaction_id.unwrap();
    AuditTrail::restore_transaction(id).exec(&t.db).await.unwrap();
    assert_eq!(rows(&t.db).await, before);
    verify(&t).await;
}

/// More rows than are read, or looked at, at once.
async fn a_bulk_delete_is_undone(t: TestDb) {
    library(&t).await;
    let many = (10..1510).map(|id| book(id, 1 + id % 2, &format!("t{id}")));
    book::Entity::audited().insert_many(many).exec(&t.db).await.unwrap();
    let before = rows(&t.db).await;
    let delete = book::Entity::audited().delete_many().filter(book::Column::Id.gte(10));
    request("req-1", delete.exec(&t.db)).await.unwrap();
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(plan.records.len(), 1500);
    assert_eq!(rows(&t.db).await, before);
    verify(&t).await;
}

async fn other_columns_keep_what_others_wrote(t: TestDb) {
    library(&t).await;
    request("req-1", title(&t.db, 1, "Apes")).await;
    pages(&t.db, 1, 90).await;
    AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    let row = found(&t.db, 1).await.unwrap();
    assert_eq!((row.title.as_str(), row.pages), ("Ants", Some(90)));
}

async fn what_others_changed_since_is_a_conflict(t: TestDb) {
    library(&t).await;
    request("req-1", async {
        title(&t.db, 1, "Apes").await;
        title(&t.db, 2, "Bugs").await;
    })
    .await;
    title(&t.db, 1, "Asps").await;
    let before = (rows(&t.db).await, trail(&t.db).await);
    let restore = AuditTrail::restore_request("req-1");
    let error = restore.exec(&t.db).await.unwrap_err();
    assert!(error.to_string().contains("others changed it since: `title` of tome 1."), "{error}");
    let plan = conflict(Err(error));
    let [(record, field)] = plan.conflicts().collect::<Vec<_>>()[..] else { panic!("{plan}") };
    assert_eq!((&*record.record_id, &*field.column), ("1", "title"));
    assert_eq!(
        [&field.then, &field.since, &field.now].map(|it| it.clone().unwrap()),
        ["Ants", "Apes", "Asps"].map(Json::from)
    );
    assert_eq!((rows(&t.db).await, trail(&t.db).await), before, "nothing was written");
    assert_eq!(restore.plan(&t.db).await.unwrap(), plan);

    restore.overwrite(true).exec(&t.db).await.unwrap();
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Ants");
    assert_eq!(found(&t.db, 2).await.unwrap().title, "Bees");
    verify(&t).await;
}

async fn what_others_changed_in_between_is_a_conflict(t: TestDb) {
    library(&t).await;
    request("req-1", title(&t.db, 1, "Apes")).await;
    title(&t.db, 1, "Asps").await;
    request("req-1", title(&t.db, 1, "Auks")).await;
    let plan = conflict(AuditTrail::restore_request("req-1").exec(&t.db).await);
    assert_eq!(
        plan.to_string(),
        "UPDATE tome 1\n  title: CONFLICT: \"Ants\" then, \"Apes\" since, \"Asps\" now"
    );
    AuditTrail::restore_request("req-1").overwrite(true).exec(&t.db).await.unwrap();
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Ants");
}

async fn what_is_as_it_was_is_no_conflict(t: TestDb) {
    library(&t).await;
    request("req-1", async {
        title(&t.db, 1, "Apes").await;
        book(3, 1, "Cats").insert(&t.db).await.unwrap();
    })
    .await;
    title(&t.db, 1, "Ants").await;
    book::Entity::audited().delete_by_id(3).exec(&t.db).await.unwrap();
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(plan.to_string(), "nothing to restore: all is as it was");
}

async fn a_record_that_others_deleted_is_a_conflict(t: TestDb) {
    library(&t).await;
    let then = now(&t).await;
    request("req-1", title(&t.db, 2, "Bugs")).await;
    pages(&t.db, 2, 90).await;
    book::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
    let restore = AuditTrail::restore_request("req-1");
    let plan = conflict(restore.exec(&t.db).await);
    assert_eq!(plan.records[0].operation, Operation::Create);
    restore.overwrite(true).exec(&t.db).await.unwrap();
    let row = found(&t.db, 2).await.unwrap();
    assert_eq!((row.title.as_str(), row.pages), ("Bees", Some(90)));
    // The whole record at a moment is another matter.
    AuditTrail::restore(book::Entity, 2, then).exec(&t.db).await.unwrap();
    assert_eq!(found(&t.db, 2).await.unwrap().pages, None);
    verify(&t).await;
}

/// There is nothing to give back of a change that came to nothing, or that nobody knows.
async fn a_record_that_others_deleted_is_not_made_anew_for_nothing(t: TestDb) {
    library(&t).await;
    request("req-1", async {
        title(&t.db, 2, "Bugs").await;
        title(&t.db, 2, "Bees").await;
    })
    .await;
    let hidden = AuditConfig::new().redact("tome", ["title"]);
    request("req-2", hidden.scope(title(&t.db, 2, "Bats"))).await;
    book::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
    for id in ["req-1", "req-2"] {
        let plan = AuditTrail::restore_request(id).accept_gaps(true).exec(&t.db).await.unwrap();
        assert!(plan.is_empty(), "{plan}");
    }
    assert!(found(&t.db, 2).await.is_none());
}

async fn a_record_that_others_made_again_is_a_conflict(t: TestDb) {
    library(&t).await;
    request("req-1", book::Entity::audited().delete_by_id(2).exec(&t.db)).await.unwrap();
    book(2, 1, "Bats").insert(&t.db).await.unwrap();
    let restore = AuditTrail::restore_request("req-1");
    let plan = conflict(restore.exec(&t.db).await);
    let conflicts: Vec<_> = plan.conflicts().map(|(_, field)| &*field.column).collect();
    assert_eq!(conflicts, ["shelf_id", "title"], "what is the same is none");
    restore.overwrite(true).exec(&t.db).await.unwrap();
    let row = found(&t.db, 2).await.unwrap();
    assert_eq!((row.shelf_id, row.title.as_str()), (2, "Bees"));
    verify(&t).await;
}

async fn a_record_that_others_changed_is_not_deleted_unless_told(t: TestDb) {
    library(&t).await;
    request("req-1", book(3, 1, "Cats").insert(&t.db)).await.unwrap();
    title(&t.db, 3, "Cows").await;
    let restore = AuditTrail::restore_request("req-1");
    let plan = conflict(restore.exec(&t.db).await);
    assert!(plan.to_string().contains(r#"title: CONFLICT: (none) then, "Cats" since, "Cows" now"#));
    restore.overwrite(true).exec(&t.db).await.unwrap();
    assert!(found(&t.db, 3).await.is_none());
}

async fn a_change_past_the_trail_is_a_conflict(t: TestDb) {
    library(&t).await;
    let then = now(&t).await;
    title(&t.db, 1, "Apes").await;
    sql(&t.db, "UPDATE tome SET pages = 666 WHERE id = 1").await;
    let restore = AuditTrail::restore(book::Entity, 1, then);
    let plan = conflict(restore.exec(&t.db).await);
    assert!(plan.to_string().contains("pages: CONFLICT: null then, null since, 666 now"), "{plan}");
    restore.overwrite(true).exec(&t.db).await.unwrap();
    let row = found(&t.db, 1).await.unwrap();
    assert_eq!((row.title.as_str(), row.pages), ("Ants", None));
}

async fn a_row_past_the_trail_is_not_deleted_unless_told(t: TestDb) {
    library(&t).await;
    book::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
    let then = now(&t).await;
    sql(&t.db, "INSERT INTO tome (id, shelf_id, title) VALUES (2, 1, 'Bats')").await;
    let restore = AuditTrail::restore(book::Entity, 2, then);
    let plan = conflict(restore.exec(&t.db).await);
    assert!(plan.to_string().contains(r#"title: CONFLICT: (none) then, (none) since, "Bats" now"#));
    restore.overwrite(true).exec(&t.db).await.unwrap();
    assert!(found(&t.db, 2).await.is_none());
}

async fn what_came_after_the_plan_is_a_conflict(t: TestDb) {
    library(&t).await;
    let then = now(&t).await;
    title(&t.db, 1, "Apes").await;
    let restore = AuditTrail::restore(book::Entity, 1, then);
    let plan = restore.plan(&t.db).await.unwrap();
    assert!(plan.conflicts().next().is_none());
    title(&t.db, 1, "Asps").await;
    let until = restore.clone().until(plan.until);
    let conflicts = conflict(until.exec(&t.db).await);
    assert!(conflicts.to_string().contains(r#""Ants" then, "Apes" since, "Asps" now"#));
    // Without it, everything since then is undone.
    restore.exec(&t.db).await.unwrap();
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Ants");
}

async fn a_plan_writes_nothing(t: TestDb) {
    library(&t).await;
    request("req-1", book::Entity::audited().delete_by_id(2).exec(&t.db)).await.unwrap();
    let before = (rows(&t.db).await, trail(&t.db).await);
    let plan = AuditTrail::restore_request("req-1").plan(&t.db).await.unwrap();
    assert_eq!((rows(&t.db).await, trail(&t.db).await), before);
    let done = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(done, plan);
}

async fn a_plan_is_told_in_words_and_in_json(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    request("req-1", async {
        let mut post = post.into_active_model();
        post.title = Set("b".to_owned());
        post.token = Set(Some("hunter2".to_owned()));
        post.update(&t.db).await.unwrap();
    })
    .await;
    let plan = AuditTrail::restore_request("req-1").plan(&t.db).await.unwrap();
    assert_eq!(
        plan.to_string(),
        "UPDATE post 1\n  title: \"b\" -> \"a\"\n  cannot be brought back: `token` is redacted"
    );
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(
        json["records"][0],
        json!({
            "table": "post", "record_id": "1", "operation": "UPDATE",
            "fields": [{"column": "title", "then": "a", "since": "b", "now": "b", "conflict": false}],
            "gaps": [{"column": "token", "reason": "is redacted"}],
        })
    );
    assert!(!format!("{plan:?}").contains("hunter2"));
}

async fn a_hidden_column_is_a_gap(t: TestDb) {
    create!(t, post::Entity);
    let post = new_post("a").insert(&t.db).await.unwrap();
    let then = now(&t).await;
    request("req-1", post.delete(&t.db)).await.unwrap();
    let restore = AuditTrail::restore_request("req-1");
    let error = restore.exec(&t.db).await.unwrap_err();
    assert!(
        error.to_string().contains("is not known: `token` of post 1, `views` of post 1"),
        "{error}"
    );
    gap(Err(error));
    // `views` has no default that it could be left to.
    let refused = restore.clone().accept_gaps(true).exec(&t.db).await;
    if t.backend == Backend::MariaDb {
        sql(&t.db, "DELETE FROM post").await;
    } else {
        assert!(matches!(refused, Err(RestoreError::Db(_))), "{refused:?}");
        assert_eq!(post::Entity::find().count(&t.db).await.unwrap(), 0);
    }

    let mut post = new_post("b").insert(&t.db).await.unwrap().into_active_model();
    let id = *post.id.as_ref();
    let (made, key) = (now(&t).await, id);
    assert!(made > then);
    post.token = Set(Some("hunter2".to_owned()));
    post.title = Set("c".to_owned());
    post.update(&t.db).await.unwrap();
    let restore = AuditTrail::restore(post::Entity, key, made);
    assert_eq!(gap(restore.exec(&t.db).await).gaps().count(), 1);
    restore.accept_gaps(true).exec(&t.db).await.unwrap();
    let row = post::Entity::find_by_id(key).one(&t.db).await.unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.token.as_deref()), ("b", Some("hunter2")));
}

/// The trail has it in the clear from before; a plan does not show it.
async fn a_column_that_is_hidden_now_is_shown_nowhere(t: TestDb) {
    library(&t).await;
    let then = now(&t).await;
    title(&t.db, 1, "hunter2").await;
    pages(&t.db, 1, 7).await;
    let hidden = AuditConfig::new().redact("tome", ["title"]);
    let restore = AuditTrail::restore(book::Entity, 1, then);
    let plan = hidden.scope(restore.plan(&t.db)).await.unwrap();
    assert_eq!(
        plan.to_string(),
        "UPDATE tome 1\n  pages: 7 -> null\n  cannot be brought back: `title` is redacted"
    );
    assert!(!format!("{plan:?}").contains("hunter2"));
}

async fn record(db: &impl ConnectionTrait, change: Change) {
    AuditTrail::record(db, change).await.unwrap();
}

fn image(values: Json) -> Image {
    serde_json::from_value(values).unwrap()
}

async fn a_column_that_is_gone_is_a_gap(t: TestDb) {
    library(&t).await;
    let old = json!({"id": 9, "shelf_id": 1, "title": "Old", "pages": 1, "colour": "red"});
    let deletion = Change::delete("tome", "9", image(old));
    request("req-1", record(&t.db, deletion)).await;
    let (old, new) =
        (json!({"colour": "red", "pages": null}), json!({"colour": "tan", "pages": 7}));
    request("req-2", record(&t.db, Change::update("tome", "1", image(old), image(new)))).await;
    sql(&t.db, "UPDATE tome SET pages = 7 WHERE id = 1").await;

    for (request, column) in [("req-1", "`colour` of tome 9"), ("req-2", "`colour` of tome 1")] {
        let restore = AuditTrail::restore_request(request);
        let error = restore.exec(&t.db).await.unwrap_err();
        assert!(error.to_string().contains(column), "{error}");
        gap(Err(error));
        restore.accept_gaps(true).exec(&t.db).await.unwrap();
    }
    assert_eq!(found(&t.db, 9).await.unwrap().title, "Old");
    assert_eq!(found(&t.db, 1).await.unwrap().pages, None);
}

async fn a_renamed_column_is_brought_back(t: TestDb) {
    library(&t).await;
    let (old, new) = (json!({"name": "Bees"}), json!({"name": "Bugs"}));
    request("req-1", record(&t.db, Change::update("tome", "2", image(old), image(new)))).await;
    sql(&t.db, "UPDATE tome SET title = 'Bugs' WHERE id = 2").await;
    let plan = AuditTrail::restore_request("req-1").exec(&t.db).await.unwrap();
    assert_eq!(plan.to_string(), "UPDATE tome 2\n  title: \"Bugs\" -> \"Bees\"");
    assert_eq!(found(&t.db, 2).await.unwrap().title, "Bees");
}

async fn an_error_in_the_middle_leaves_everything(t: TestDb) {
    library(&t).await;
    request("req-1", async {
        shelf(3, "new").insert(&t.db).await.unwrap();
        title(&t.db, 1, "Apes").await;
    })
    .await;
    // Somebody has put a book on the shelf that the request made.
    book(3, 3, "Cats").insert(&t.db).await.unwrap();
    let before = (rows(&t.db).await, trail(&t.db).await);
    let refused = AuditTrail::restore_request("req-1").exec(&t.db).await;
    assert!(matches!(refused, Err(RestoreError::Db(_))), "{refused:?}");
    assert_eq!((rows(&t.db).await, trail(&t.db).await), before);
}

async fn what_is_not_there_is_an_error(t: TestDb) {
    library(&t).await;
    let long = "x".repeat(10_000_000);
    for id in ["", "req-9", "'; DROP TABLE tome --", "\0", "%", "🦀", &long] {
        let restore = AuditTrail::restore_request(id);
        for outcome in [restore.plan(&t.db).await, restore.exec(&t.db).await] {
            assert!(matches!(outcome, Err(RestoreError::NoEntry(_))), "{id:.20?}: {outcome:?}");
        }
    }
    let none = AuditTrail::restore(book::Entity, 9, now(&t).await).exec(&t.db).await;
    assert_eq!(
        none.unwrap_err().to_string(),
        "audit: there is nothing to restore: the trail has no entry of tome 9"
    );
    let unknown = AuditTrail::restore_transaction(Uuid::nil()).exec(&t.db).await;
    assert!(matches!(unknown, Err(RestoreError::NoEntry(_))), "{unknown:?}");
}

async fn a_table_without_an_entity_is_an_error(t: TestDb) {
    library(&t).await;
    request("req-1", async {
        title(&t.db, 1, "Apes").await;
        record(&t.db, Change::create("elsewhere", "1", image(json!({"id": 1})))).await;
    })
    .await;
    let outcome = AuditTrail::restore_request("req-1").exec(&t.db).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("no audited entity of the table `elsewhere`"), "{error}");
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Apes");
}

/// What only another entity of that name knows is not asked for.
async fn of_several_entities_the_one_that_fits_writes(t: TestDb) {
    library(&t).await;
    let before = rows(&t.db).await;
    let part = title_page::ActiveModel { id: Set(1), title: Set("Apes".to_owned()) };
    request("req-1", part.update(&t.db)).await.unwrap();
    request("req-2", book::Entity::audited().delete_by_id(2).exec(&t.db)).await.unwrap();
    for id in ["req-1", "req-2"] {
        AuditTrail::restore_request(id).exec(&t.db).await.unwrap();
    }
    assert_eq!(rows(&t.db).await, before);
    let absent = elsewhere::Entity::find().one(&t.db).await;
    assert!(absent.is_err(), "there is no such table here");
}

async fn it_runs_on_pools_and_transactions_of_ours(t: TestDb) {
    library(&t).await;
    request("req-1", title(&t.db, 1, "Apes")).await;
    let restore = AuditTrail::restore_request("req-1");

    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    assert_eq!(restore.plan(&txn).await.unwrap().records.len(), 1);
    restore.exec(&txn).await.unwrap();
    assert_eq!(found(&txn, 1).await.unwrap().title, "Ants");
    txn.rollback().await.unwrap();
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Apes");

    let txn = t.db.begin().await.unwrap();
    let error = restore.exec(&txn).await.unwrap_err().to_string();
    assert!(error.contains("an AuditConnection or an AuditTransaction"), "{error}");
    txn.rollback().await.unwrap();

    let guarded = AuditConnection::new(t.db.clone());
    restore.plan(&guarded).await.unwrap();
    restore.exec(&guarded).await.unwrap();
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Ants");
    let as_db_err: DbErr =
        AuditTrail::restore_request("?").exec(&guarded).await.unwrap_err().into();
    assert!(as_db_err.to_string().contains("no entry of request ?"));
}

/// Its write is seen once it has committed, and not overwritten.
async fn a_writer_at_the_same_time_is_a_conflict(t: TestDb) {
    library(&t).await;
    request("req-1", title(&t.db, 1, "Apes")).await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    title(&txn, 1, "Asps").await;
    let db = t.db.clone();
    let restore = tokio::spawn(async move { AuditTrail::restore_request("req-1").exec(&db).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!restore.is_finished(), "it waits for the lock");
    txn.commit().await.unwrap();
    conflict(restore.await.unwrap());
    assert_eq!(found(&t.db, 1).await.unwrap().title, "Asps");
}

async fn a_restore_that_is_dropped_restores_all_or_nothing(t: TestDb) {
    library(&t).await;
    for round in 0..20_u64 {
        let id = format!("req-{round}");
        request(&id, async {
            title(&t.db, 1, "Apes").await;
            title(&t.db, 2, "Bugs").await;
        })
        .await;
        let restore = AuditTrail::restore_request(&id);
        let wait = Duration::from_micros(round * 500);
        let _ = tokio::time::timeout(wait, restore.exec(&t.db)).await;
        // Waits for what may still be under way.
        let count = book::Entity::find().filter(book::Column::Title.is_in(["Apes", "Bugs"]));
        AuditTransaction::run(&t.db, async |txn| {
            book::Entity::find().lock_exclusive().all(txn).await?;
            let left = count.count(txn).await?;
            assert!(left == 0 || left == 2, "{left}");
            Ok::<_, DbErr>(())
        })
        .await
        .unwrap();
        AuditContext::without_audit(title(&t.db, 1, "Ants")).await;
        AuditContext::without_audit(title(&t.db, 2, "Bees")).await;
    }
}
