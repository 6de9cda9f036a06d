//! `Entity::audited()` beside `SeaORM`'s own builders: what they take, and what they answer.

use audit_seaorm::{
    AuditEntry, Operation,
    audited::{Insert, InsertMany},
};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, TryInsertResult,
    sea_query::{Expr, OnConflict},
};

use crate::{
    entities::{country, post},
    support::{create, entries, new_post, number, sql, trail},
};

audit_tests::tests! {
    a_builder_is_changed_by_a_value_if_there_is_one,
    a_conflict_is_settled_after_all,
    updates_and_deletes_can_be_prepared_once,
    upserts_give_their_rows_in_the_order_given,
    the_last_insert_id_is_seaorms,
    the_last_insert_id_of_a_key_of_text_is_seaorms,
    one_row_of_several_is_seaorms,
}

fn liked(title: &str, likes: i32) -> post::ActiveModel {
    post::ActiveModel { likes: Set(likes), ..new_post(title) }
}

fn keyed(id: i32, title: &str) -> post::ActiveModel {
    post::ActiveModel { id: Set(id), ..new_post(title) }
}

fn on_title() -> OnConflict {
    OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned()
}

async fn a_builder_is_changed_by_a_value_if_there_is_one(t: TestDb) {
    create!(t, post::Entity);
    let posts = post::Entity::audited;
    let never = None::<OnConflict>;
    for likes in [1, 2] {
        posts()
            .insert(liked("a", likes))
            .apply_if(Some(on_title()), Insert::on_conflict)
            .apply_if(never.clone(), Insert::on_conflict)
            .exec(&t.db)
            .await
            .unwrap();
        posts()
            .insert_many([liked("b", likes)])
            .apply_if(Some(on_title()), InsertMany::on_conflict)
            .exec(&t.db)
            .await
            .unwrap();
    }
    posts()
        .insert(liked("a", 3))
        .apply_if(never, Insert::on_conflict)
        .exec(&t.db)
        .await
        .unwrap_err();
    let tried = posts()
        .insert(liked("a", 3))
        .try_insert()
        .apply_if(Some([post::Column::Title]), |insert, columns| {
            insert.on_conflict_do_nothing_on(columns)
        });
    assert!(matches!(tried.exec(&t.db).await.unwrap(), TryInsertResult::Conflicted));

    let row = post::ActiveModel { id: Set(1), likes: Set(9), ..Default::default() };
    let update = posts()
        .update(row)
        .apply_if(Some(7), |update, likes| update.filter(post::Column::Likes.eq(likes)));
    assert!(update.exec(&t.db).await.is_err(), "it has two");
    let update = posts()
        .update_many()
        .apply_if(Some(4), |update, likes| update.col_expr(post::Column::Likes, Expr::val(likes)));
    assert_eq!(update.exec(&t.db).await.unwrap().rows_affected, 2);
    let delete = posts()
        .delete_by_id(1)
        .apply_if(Some(7), |delete, likes| delete.filter(post::Column::Likes.eq(likes)));
    assert_eq!(delete.exec(&t.db).await.unwrap().rows_affected, 0);
    let delete = posts()
        .delete_many()
        .apply_if(Some("a"), |delete, title| delete.filter(post::Column::Title.eq(title)));
    assert_eq!(delete.exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(trail(&t.db).await.len(), 7);
}

async fn a_conflict_is_settled_after_all(t: TestDb) {
    create!(t, post::Entity);
    let tried = || post::Entity::audited().insert(liked("a", 1)).try_insert();
    tried().on_conflict(on_title()).exec(&t.db).await.unwrap();
    let again = post::Entity::audited().insert(liked("a", 2)).try_insert();
    assert_eq!(again.on_conflict(on_title()).exec_with_returning(&t.db).await.unwrap().likes, 2);
    let again = tried().on_conflict_do_nothing_on([post::Column::Title]).exec(&t.db).await.unwrap();
    assert!(matches!(again, TryInsertResult::Conflicted));
    let id = i32::try_from(number(&t.db, "SELECT id FROM post").await).unwrap();
    let keyed = post::ActiveModel { id: Set(id), ..liked("b", 1) };
    let again = post::Entity::audited().insert(keyed).try_insert().on_conflict_do_nothing();
    assert!(matches!(again.exec(&t.db).await.unwrap(), TryInsertResult::Conflicted));
    assert_eq!(trail(&t.db).await.len(), 2);
}

async fn updates_and_deletes_can_be_prepared_once(t: TestDb) {
    create!(t, post::Entity);
    let posts = post::Entity::audited;
    posts().insert_many(["a", "b"].map(new_post)).exec(&t.db).await.unwrap();
    let row = post::ActiveModel { id: Set(1), likes: Set(9), ..Default::default() };
    let one = posts().update(row);
    let many = posts().update_many().col_expr(post::Column::Likes, Expr::val(3));
    for _ in 0..2 {
        assert_eq!(one.clone().exec(&t.db).await.unwrap().likes, 9);
        assert_eq!(many.clone().exec(&t.db).await.unwrap().rows_affected, 2);
    }
    let (one, many) = (posts().delete_by_id(1), posts().delete_many());
    assert_eq!(one.clone().exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(one.exec(&t.db).await.unwrap().rows_affected, 0);
    assert_eq!(many.clone().exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(many.exec(&t.db).await.unwrap().rows_affected, 0);
}

/// Three old posts, and the same ids for what comes.
async fn old_posts(t: &TestDb) {
    sql(&t.db, "DROP TABLE IF EXISTS post").await;
    create!(t, post::Entity);
    let old = "INSERT INTO post (title, likes, views) VALUES ('old', 0, 0), ('older', 0, 0), ('oldest', 0, 0)";
    sql(&t.db, old).await;
}

fn titles(posts: Vec<post::Model>) -> Vec<(String, i32)> {
    posts.into_iter().map(|post| (post.title, post.likes)).collect()
}

async fn upserts_give_their_rows_in_the_order_given(t: TestDb) {
    for given in
        [["old", "a", "older", "b"], ["a", "old", "oldest", "older"], ["d", "c", "b", "old"]]
    {
        let rows = given.map(|title| liked(title, 5));
        old_posts(&t).await;
        let ours = post::Entity::audited().insert_many(rows.clone()).on_conflict(on_title());
        let ours = titles(ours.exec_with_returning(&t.db).await.unwrap());
        assert_eq!(ours, given.map(|title| (title.to_owned(), 5)));
        let old = |entry: &AuditEntry| ["1", "2", "3"].contains(&&*entry.record_id);
        let entries = entries(&t.db).await;
        assert_eq!(entries.len(), given.len());
        for entry in &entries {
            assert_eq!(entry.operation == Operation::Update, old(entry), "{entry}");
        }
        sql(&t.db, "DELETE FROM audit_trail").await;
        if t.backend != Backend::MariaDb {
            old_posts(&t).await;
            let theirs = post::Entity::insert_many(rows).on_conflict(on_title());
            assert_eq!(ours, titles(theirs.exec_with_returning(&t.db).await.unwrap()));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum On {
    Nothing,
    Update,
    DoNothing,
}

/// The last key that an insert of several tells, the same for either builder; none if it fails.
macro_rules! last_insert_id {
    ($db:expr, $insert:expr, $on:expr, $unique:expr, $updated:expr) => {
        match $on {
            On::Nothing => $insert.exec($db).await.ok().and_then(|done| done.last_insert_id),
            On::Update => {
                let conflict = OnConflict::column($unique).update_column($updated).to_owned();
                let done = $insert.on_conflict(conflict).exec($db).await;
                done.ok().and_then(|done| done.last_insert_id)
            }
            On::DoNothing => match $insert.on_conflict_do_nothing_on([$unique]).exec($db).await {
                Ok(TryInsertResult::Inserted(done)) => Some(done.last_insert_id),
                _ => None,
            },
        }
    };
}

/// By its title: ours uses ids up.
async fn title_of(t: &TestDb, id: Option<i32>) -> Option<String> {
    let post = post::Entity::find_by_id(id?).one(&t.db).await.unwrap();
    Some(post.unwrap().title)
}

async fn the_last_insert_id_is_seaorms(t: TestDb) {
    let old = post::ActiveModel { id: Set(7), ..liked("old", 9) };
    for rows in [
        vec![new_post("a"), new_post("b"), new_post("c")],
        vec![new_post("a")],
        vec![keyed(9, "a"), keyed(7, "b")],
        vec![keyed(9, "a"), new_post("b"), new_post("c")],
        vec![new_post("a"), new_post("b"), keyed(99, "c")],
        vec![keyed(0, "a")],
        vec![keyed(0, "a"), keyed(0, "b")],
        vec![new_post("a"), new_post("old")],
        vec![new_post("old"), new_post("a")],
        vec![liked("old", 9), new_post("a"), liked("older", 9), new_post("b")],
        vec![liked("old", 9)],
        vec![new_post("old"), liked("older", 9)],
        vec![liked("old", 9), new_post("older")],
        vec![keyed(9, "a"), old.clone()],
        vec![old, keyed(9, "a")],
    ] {
        for on in [On::Nothing, On::Update, On::DoNothing] {
            let (unique, updated) = (post::Column::Title, post::Column::Likes);
            old_posts(&t).await;
            let theirs = post::Entity::insert_many(rows.clone());
            let theirs = last_insert_id!(&t.db, theirs, on, unique, updated);
            let theirs = title_of(&t, theirs).await;
            old_posts(&t).await;
            let ours = post::Entity::audited().insert_many(rows.clone());
            let ours = last_insert_id!(&t.db, ours, on, unique, updated);
            let ours = title_of(&t, ours).await;
            if on == On::DoNothing
                && t.backend == Backend::MariaDb
                && theirs.as_deref() == Some("old")
            {
                assert_eq!(ours.as_deref(), Some("a"), "SeaORM tells what it did not insert");
                continue;
            }
            assert_eq!(ours, theirs, "{on:?} {rows:?}");
        }
    }
}

async fn the_last_insert_id_of_a_key_of_text_is_seaorms(t: TestDb) {
    create!(t, country::Entity);
    let (unique, updated) = (country::Column::Code, country::Column::Name);
    let country = |code: &str| country::ActiveModel {
        code: Set(code.to_owned()),
        name: Set(Some("new".to_owned())),
    };
    for codes in [&["b", "a"][..], &["a", "b"], &["old", "a"], &["a", "old"], &["old"]] {
        let rows = || codes.iter().map(|code| country(code));
        for on in [On::Nothing, On::Update, On::DoNothing] {
            if on == On::DoNothing && codes.last() == Some(&"old") {
                // On MariaDB SeaORM tells a key that it did not insert.
                continue;
            }
            let forget = async || {
                sql(&t.db, "DELETE FROM country").await;
                sql(&t.db, "INSERT INTO country VALUES ('old', 'old')").await;
            };
            forget().await;
            let theirs = country::Entity::insert_many(rows());
            let theirs = last_insert_id!(&t.db, theirs, on, unique, updated);
            forget().await;
            let ours = country::Entity::audited().insert_many(rows());
            let ours = last_insert_id!(&t.db, ours, on, unique, updated);
            assert_eq!(ours, theirs, "{on:?} {codes:?}");
        }
    }
}

async fn one_row_of_several_is_seaorms(t: TestDb) {
    for rows in [vec![new_post("a"), new_post("b")], vec![keyed(9, "a"), keyed(7, "b")]] {
        old_posts(&t).await;
        let theirs = post::Entity::insert_many(rows.clone()).try_insert();
        let theirs = theirs.exec_with_returning(&t.db).await.unwrap();
        old_posts(&t).await;
        let ours = post::Entity::audited().insert_many(rows).try_insert();
        let ours = ours.exec_with_returning(&t.db).await.unwrap();
        let (TryInsertResult::Inserted(ours), TryInsertResult::Inserted(theirs)) = (ours, theirs)
        else {
            panic!("there was no conflict")
        };
        assert_eq!(ours, theirs);
    }
}
