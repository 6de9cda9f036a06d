//! `AuditTrail::history`, `as_of`, `diff`, `blame`: what records were, typed.

use audit_seaorm::{AuditConfig, AuditTrail, Change, GapReason, Image, Operation};
use audit_tests::TestDb;
use chrono::TimeDelta;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel, prelude::DateTimeUtc,
};
use serde_json::{Value as Json, json};

use crate::{
    entities::{label, post},
    property::dice::Dice,
    support::{by, create, entries, migrate, new_post, sql},
};

audit_tests::tests! {
    a_revision_has_the_record_before_and_after,
    what_is_hidden_is_named_and_not_made_up,
    an_older_form_of_the_entity_is_read,
    a_record_that_is_older_than_the_trail_is_known_in_part,
    a_value_that_no_longer_fits_is_named,
    a_record_is_read_at_any_moment,
    a_composite_key_is_read_at_a_moment,
    an_incomplete_record_is_an_error_that_names_why,
    a_table_is_read_at_a_moment_with_what_is_gone,
    random_histories_are_read_at_random_moments,
    two_moments_are_compared,
    blame_names_who_last_set_each_column,
    blame_of_a_deleted_record_is_its_deletion,
    blame_with_full_records_tells_real_changes,
    an_altered_entry_is_a_gap_in_the_history,
}

/// It was called `name` once, then `heading`, and had a `colour` that is gone and no `pages`.
mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "book")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[auditable(renamed_from("heading", "name"))]
        pub title: String,
        pub pages: Option<i32>,
    }

    impl Model {
        pub fn new(id: i32, title: &str, pages: Option<i32>) -> Self {
            Self { id, title: title.to_owned(), pages }
        }
    }
}

fn image(values: Json) -> Image {
    serde_json::from_value(values).unwrap()
}

async fn record(db: &impl ConnectionTrait, change: Change) {
    AuditTrail::record(db, change).await.unwrap();
}

async fn times(t: &TestDb) -> Vec<DateTimeUtc> {
    entries(&t.db).await.iter().map(|entry| entry.timestamp).collect()
}

/// A book that is made, given pages, renamed and deleted, by ann and by bob.
async fn a_life(t: &TestDb) {
    create!(t, book::Entity);
    let book = book::Model::new(1, "Ants", None).into_active_model();
    let mut book = by("ann", book.insert(&t.db)).await.unwrap().into_active_model();
    book.pages = Set(Some(90));
    let mut book = by("bob", book.update(&t.db)).await.unwrap().into_active_model();
    book.title = Set("Bees".to_owned());
    by("ann", book.update(&t.db)).await.unwrap();
}

async fn a_revision_has_the_record_before_and_after(t: TestDb) {
    a_life(&t).await;
    book::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
    let history = AuditTrail::history(&t.db, book::Entity, 1).await.unwrap();
    let steps: Vec<_> = history
        .iter()
        .map(|step| (step.entry.operation, step.before().unwrap(), step.after().unwrap()))
        .collect();
    let states = [
        None,
        Some(book::Model::new(1, "Ants", None)),
        Some(book::Model::new(1, "Ants", Some(90))),
        Some(book::Model::new(1, "Bees", Some(90))),
        None,
    ];
    let step =
        |operation, place: usize| (operation, states[place].clone(), states[place + 1].clone());
    assert_eq!(
        steps,
        [
            step(Operation::Delete, 3),
            step(Operation::Update, 2),
            step(Operation::Update, 1),
            step(Operation::Create, 0),
        ]
    );
    let changes: Vec<_> = history[1].changes().iter().map(ToString::to_string).collect();
    assert_eq!(changes, [r#"title: "Ants" -> "Bees""#]);
    assert_eq!(history[2].entry.user_id.as_deref(), Some("bob"));
    assert!(AuditTrail::history(&t.db, book::Entity, 2).await.unwrap().is_empty());
}

async fn what_is_hidden_is_named_and_not_made_up(t: TestDb) {
    create!(t, post::Entity);
    let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
    post.token = Set(Some("hunter2".to_owned()));
    post.update(&t.db).await.unwrap();
    let history = AuditTrail::history(&t.db, post::Entity, 1).await.unwrap();
    let after = history[0].new.as_ref().unwrap();
    let gaps: Vec<_> = after.gaps().iter().map(|gap| (&*gap.column, &gap.reason)).collect();
    assert_eq!(gaps, [("token", &GapReason::Redacted), ("views", &GapReason::Skipped)]);
    let error = history[0].after().unwrap_err().to_string();
    assert!(error.contains("`token` is redacted; `views` is skipped"), "{error}");
    let row = after.active_model();
    assert_eq!(row.title, Set("a".to_owned()));
    assert!(row.token.is_not_set() && row.views.is_not_set());
    assert_eq!(history[0].changes()[0].to_string(), "token: (redacted)");
}

async fn an_older_form_of_the_entity_is_read(t: TestDb) {
    migrate(&t).await;
    let first = image(json!({"id": 1, "name": "Ants", "colour": "red"}));
    record(&t.db, Change::create("book", "1", first)).await;
    let (old, new) = (image(json!({"name": "Ants"})), image(json!({"name": "Apes"})));
    record(&t.db, Change::update("book", "1", old, new)).await;
    let (old, new) = (image(json!({"heading": "Apes"})), image(json!({"heading": "Bees"})));
    record(&t.db, Change::update("book", "1", old, new)).await;
    let (old, new) = (image(json!({"pages": null})), image(json!({"pages": 7})));
    record(&t.db, Change::update("book", "1", old, new)).await;

    let history = AuditTrail::history(&t.db, book::Entity, 1).await.unwrap();
    let [pages, heading, ..] = &history[..] else { panic!("four steps") };
    assert_eq!(pages.after().unwrap(), Some(book::Model::new(1, "Bees", Some(7))));
    assert_eq!(pages.before().unwrap(), Some(book::Model::new(1, "Bees", None)));
    let before = heading.old.as_ref().unwrap();
    assert_eq!(before.values()["title"], "Apes");
    assert_eq!(before.unknown_columns().collect::<Vec<_>>(), [("colour", &json!("red"))]);
    assert_eq!(before.gaps()[0].column, "pages");
    assert_eq!(before.gaps()[0].reason, GapReason::Untold);

    let blame = AuditTrail::blame(&t.db, book::Entity, 1).await.unwrap();
    let new: Vec<_> = blame.iter().map(|it| (&*it.column, it.new.clone().unwrap())).collect();
    assert_eq!(new, [("id", json!(1)), ("title", json!("Bees")), ("pages", json!(7))]);

    create!(t, book::Entity);
    sql(&t.db, "INSERT INTO book VALUES (1, 'Bees', 7)").await;
    let report = AuditTrail::verify(&t.db, book::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn a_record_that_is_older_than_the_trail_is_known_in_part(t: TestDb) {
    create!(t, book::Entity);
    sql(&t.db, "INSERT INTO book VALUES (1, 'Ants', 7)").await;
    let book = book::Entity::find_by_id(1).one(&t.db).await.unwrap().unwrap();
    let mut book = book.into_active_model();
    book.pages = Set(Some(8));
    book.update(&t.db).await.unwrap();
    let history = AuditTrail::history(&t.db, book::Entity, 1).await.unwrap();
    let before = history[0].old.as_ref().unwrap();
    assert_eq!(json!(before.values()), json!({"pages": 7}));
    let gaps: Vec<_> = before.gaps().iter().map(ToString::to_string).collect();
    assert_eq!(
        gaps,
        ["`id` is told by no entry up to then", "`title` is told by no entry up to then"]
    );
}

async fn a_value_that_no_longer_fits_is_named(t: TestDb) {
    migrate(&t).await;
    for (id, values) in [
        ("1", json!({"id": 1, "title": null, "pages": 1})),
        ("2", json!({"id": 2, "title": "x", "pages": "many"})),
        ("3", json!({"id": 3, "title": "x", "pages": 1_u64 << 40})),
    ] {
        record(&t.db, Change::create("book", id, image(values))).await;
        let id: i32 = id.parse().unwrap();
        let history = AuditTrail::history(&t.db, book::Entity, id).await.unwrap();
        let gaps = history[0].new.as_ref().unwrap().gaps();
        assert!(
            matches!(gaps, [gap] if matches!(gap.reason, GapReason::Unreadable(_))),
            "{gaps:?}"
        );
        history[0].after().unwrap_err();
    }
}

async fn a_record_is_read_at_any_moment(t: TestDb) {
    a_life(&t).await;
    let times = times(&t).await;
    let tick = TimeDelta::microseconds(1);
    let as_of = async |when| AuditTrail::as_of(&t.db, book::Entity, 1, when).await.unwrap();
    assert_eq!(as_of(times[0] - tick).await, None);
    assert_eq!(as_of(times[0]).await, Some(book::Model::new(1, "Ants", None)));
    assert_eq!(as_of(times[1] - tick).await, Some(book::Model::new(1, "Ants", None)));
    assert_eq!(as_of(times[1]).await, Some(book::Model::new(1, "Ants", Some(90))));
    assert_eq!(as_of(times[2] + tick).await, Some(book::Model::new(1, "Bees", Some(90))));
    let far: DateTimeUtc = "2999-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(as_of(far).await.unwrap().title, "Bees");
}

async fn a_composite_key_is_read_at_a_moment(t: TestDb) {
    create!(t, label::Entity);
    let row = label::ActiveModel {
        post_id: Set(1),
        language: Set("en".to_owned()),
        text: Set("A".to_owned()),
    };
    let row = row.insert(&t.db).await.unwrap();
    let when = times(&t).await[0];
    let key = (1, "en".to_owned());
    let then = AuditTrail::as_of(&t.db, label::Entity, key.clone(), when).await.unwrap();
    assert_eq!(then, Some(row));
    assert_eq!(AuditTrail::history(&t.db, label::Entity, key).await.unwrap().len(), 1);
}

async fn an_incomplete_record_is_an_error_that_names_why(t: TestDb) {
    create!(t, post::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    let when = times(&t).await[0];
    let error = AuditTrail::as_of(&t.db, post::Entity, 1, when).await.unwrap_err().to_string();
    assert!(error.contains("`token` is redacted; `views` is skipped"), "{error}");
    assert!(error.contains("state_as_of"), "{error}");
    let state = AuditTrail::state_as_of(&t.db, post::Entity, 1, when).await.unwrap().unwrap();
    assert_eq!(state.values()["title"], "a");
}

async fn a_table_is_read_at_a_moment_with_what_is_gone(t: TestDb) {
    create!(t, book::Entity);
    let rows = (1..=300).map(|id| book::Model::new(id, &format!("t{id}"), Some(id)));
    let rows = rows.map(IntoActiveModel::into_active_model);
    book::Entity::audited().insert_many(rows).exec_without_returning(&t.db).await.unwrap();
    let then = *times(&t).await.last().unwrap();
    book::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
    let gone = *times(&t).await.last().unwrap();
    let all = AuditTrail::table_as_of(book::Entity, then).all(&t.db).await.unwrap();
    assert_eq!(all.len(), 300);
    assert_eq!(AuditTrail::table_as_of(book::Entity, gone).all(&t.db).await.unwrap().len(), 299);
    let some = AuditTrail::table_as_of(book::Entity, then).among([3, 2, 999]).all(&t.db).await;
    let titles: Vec<_> = some.unwrap().iter().map(|(_, it)| it.model().unwrap().title).collect();
    assert_eq!(titles, ["t3", "t2"]);
    let large = AuditTrail::table_as_of(book::Entity, then)
        .matching(|book| book.values()["pages"].as_i64() > Some(290));
    assert_eq!(large.all(&t.db).await.unwrap().len(), 10);
}

/// What the generator keeps is what is read.
async fn random_histories_are_read_at_random_moments(t: TestDb) {
    create!(t, book::Entity);
    let mut dice = Dice::new(7);
    let mut kept: Vec<(DateTimeUtc, Vec<book::Model>)> = Vec::new();
    let mut books: Vec<book::Model> = Vec::new();
    for step in 0..60 {
        match dice.below(3) {
            0 => {
                let book = book::Model::new(step, &format!("t{step}"), None);
                book.clone().into_active_model().insert(&t.db).await.unwrap();
                books.push(book);
            }
            1 if !books.is_empty() => {
                let place = dice.below(books.len());
                books[place].pages = Some(step);
                let mut row = books[place].clone().into_active_model();
                row.pages = Set(Some(step));
                row.update(&t.db).await.unwrap();
            }
            _ if !books.is_empty() => {
                let place = dice.below(books.len());
                books.remove(place).delete(&t.db).await.unwrap();
            }
            _ => continue,
        }
        kept.push((*times(&t).await.last().unwrap(), books.clone()));
    }
    for (when, expected) in kept {
        let states = AuditTrail::table_as_of(book::Entity, when).all(&t.db).await.unwrap();
        let mut read: Vec<_> = states.iter().map(|(_, state)| state.model().unwrap()).collect();
        read.sort_unstable_by_key(|book| book.id);
        assert_eq!(read, expected);
    }
}

async fn two_moments_are_compared(t: TestDb) {
    a_life(&t).await;
    let times = times(&t).await;
    let diff = async |from, to| AuditTrail::diff(&t.db, book::Entity, 1, from, to).await.unwrap();
    let all = diff(times[0], times[2]).await;
    assert_eq!(all.to_string(), "pages: null -> 90\ntitle: \"Ants\" -> \"Bees\"");
    assert!(diff(times[1], times[1]).await.changes().is_empty());
    let born = diff(times[0] - TimeDelta::seconds(1), times[0]).await;
    assert!(born.old.is_none() && born.changes().len() == 3);
}

async fn blame_names_who_last_set_each_column(t: TestDb) {
    a_life(&t).await;
    let blame = AuditTrail::blame(&t.db, book::Entity, 1).await.unwrap();
    let found: Vec<_> = blame
        .iter()
        .map(|it| (&*it.column, it.operation, it.user_id.as_deref().unwrap()))
        .collect();
    let expected = [
        ("id", Operation::Create, "ann"),
        ("title", Operation::Update, "ann"),
        ("pages", Operation::Update, "bob"),
    ];
    assert_eq!(found, expected);
    assert_eq!(blame[1].old, Some(json!("Ants")));
    assert!(
        blame[2].to_string().starts_with("pages: null -> 90, UPDATE by bob at 20"),
        "{}",
        blame[2]
    );
    assert!(AuditTrail::blame(&t.db, book::Entity, 9).await.unwrap().is_empty());
}

async fn blame_of_a_deleted_record_is_its_deletion(t: TestDb) {
    a_life(&t).await;
    by("eve", book::Entity::audited().delete_by_id(1).exec(&t.db)).await.unwrap();
    let blame = AuditTrail::blame(&t.db, book::Entity, 1).await.unwrap();
    assert_eq!(blame.len(), 3);
    assert!(blame.iter().all(|it| it.user_id.as_deref() == Some("eve") && it.new.is_none()));
}

async fn blame_with_full_records_tells_real_changes(t: TestDb) {
    AuditConfig::new().full_record(true).scope(a_life(&t)).await;
    let blame = AuditTrail::blame(&t.db, book::Entity, 1).await.unwrap();
    let users: Vec<_> = blame.iter().map(|it| it.user_id.as_deref().unwrap()).collect();
    assert_eq!(users, ["ann", "ann", "bob"]);
}

async fn an_altered_entry_is_a_gap_in_the_history(t: TestDb) {
    a_life(&t).await;
    sql(&t.db, "UPDATE audit_trail SET old_values = NULL WHERE operation = 'UPDATE'").await;
    let history = AuditTrail::history(&t.db, book::Entity, 1).await.unwrap();
    let [.., altered, created] = &history[..] else { panic!("{history:?}") };
    let unreadable = altered.entry.unreadable.as_ref().unwrap();
    assert_eq!(unreadable.to_string(), "old_values is missing");
    assert_eq!((&altered.old, &altered.new), (&None, &None), "nothing is made up");
    assert!(created.after().unwrap().is_some());
    let when = times(&t).await[2];
    let error = AuditTrail::as_of(&t.db, book::Entity, 1, when).await.unwrap_err().to_string();
    assert!(error.contains("cannot be read: it was altered"), "{error}");
}
