//! `Entity::audited()`: the builders of `EntityTrait`, recorded.

use audit_seaorm::{AuditConfig, AuditContext, AuditTransaction};
use audit_tests::{Backend, TestDb, answer, long, memory};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, Iterable, QueryFilter,
    QuerySelect, QueryTrait, TransactionTrait, TryInsertResult,
    sea_query::{Expr, OnConflict, Query},
};

use crate::{
    entities::{country, device, label, order, post},
    support::{assert_lines, by, create, entries, new_post, number, sql, trail, unseen_post},
};

audit_tests::tests! {
    an_insert_gives_what_seaorm_gives,
    many_rows_are_inserted_and_recorded,
    a_missing_value_is_null_in_every_row,
    no_rows_are_no_statement,
    an_upsert_records_a_create_or_an_update,
    an_upsert_of_one_row_records_what_it_did,
    an_upsert_that_does_nothing_records_what_it_inserted,
    an_upsert_of_the_same_row_twice,
    #[only(Sqlite, Postgres)] an_upsert_with_a_condition_records_what_it_changed,
    an_upsert_that_changes_a_key_is_refused,
    upserts_of_the_same_rows_record_one_create_each,
    try_insert_tells_a_conflict,
    an_update_of_one_row_records_it,
    an_optimistic_lock_that_fails_records_nothing,
    optimistic_locks_of_many_let_one_pass_at_a_time,
    many_rows_are_updated_by_expressions,
    an_update_of_nothing_does_nothing,
    an_update_of_the_key_is_refused,
    an_update_with_a_subquery_sees_one_state,
    a_filter_with_a_subquery_sees_one_state,
    a_delete_of_one_row_records_it,
    many_rows_are_deleted,
    composite_keys_go_in_pages,
    keys_of_text_go_in_pages,
    a_table_of_reserved_words,
    rows_are_matched_when_a_trigger_keeps_some,
    a_failure_in_a_later_page_leaves_nothing,
    a_failure_inside_of_a_transaction_leaves_the_transaction,
    a_transaction_groups_what_it_wrote,
    an_excluded_table_is_written_and_not_recorded,
    ten_thousand_rows,
    #[alone] memory_stays_bounded,
    #[alone] a_million_rows_are_deleted_in_bounded_memory,
    two_updates_in_opposite_orders,
    updates_and_inserts_at_the_same_time,
    #[only(Sqlite)] a_deferred_transaction_takes_the_write_lock_first,
    generic_code_reaches_it_by_the_trait,
}

/// Posts named `p0`, `p1` … with as many likes, unseen by the trail.
async fn posts(t: &TestDb, count: i32) {
    create!(t, post::Entity);
    AuditContext::without_audit(async {
        let rows = (0..count).map(|n| {
            let mut row = new_post(&format!("p{n}"));
            row.likes = Set(n);
            row
        });
        post::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
    })
    .await;
}

async fn an_insert_gives_what_seaorm_gives(t: TestDb) {
    create!(t, post::Entity);
    let audited = || post::Entity::audited().insert(new_post("x"));
    let first = audited().exec(&t.db).await.unwrap();
    assert_eq!(first.last_insert_id, 1);
    sql(&t.db, "DELETE FROM post").await;
    let model = audited().exec_with_returning(&t.db).await.unwrap();
    assert_eq!((model.id, &*model.title), (2, "x"));
    sql(&t.db, "DELETE FROM post").await;
    assert_eq!(audited().exec_without_returning(&t.db).await.unwrap(), 1);
    sql(&t.db, "DELETE FROM post").await;
    assert_eq!(audited().exec_with_returning_keys(&t.db).await.unwrap(), [4]);
    let twice = audited().exec(&t.db).await;
    assert!(twice.is_err(), "the title is unique");
    let lines: Vec<_> = (1..=4)
        .map(|id| {
            let token = "\"token\":\"[REDACTED]\"";
            format!("CREATE post {id} by nobody: none -> {{\"id\":{id},\"likes\":0,\"title\":\"x\",{token}}}")
        })
        .collect();
    assert_lines(&trail(&t.db).await, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

async fn many_rows_are_inserted_and_recorded(t: TestDb) {
    create!(t, device::Entity, post::Entity);
    let rows = ["a", "b", "c"].map(new_post);
    let result = by("ann", post::Entity::audited().insert_many(rows).exec(&t.db)).await.unwrap();
    let expected = if t.backend == Backend::MariaDb { 1 } else { 3 };
    assert_eq!(result.last_insert_id, Some(expected), "as SeaORM's own");
    let rows = ["d", "e"].map(new_post);
    let written = post::Entity::audited().insert_many(rows).exec_with_returning(&t.db).await;
    let titles: Vec<_> = written.unwrap().into_iter().map(|post| (post.id, post.title)).collect();
    assert_eq!(titles, [(4, "d".to_owned()), (5, "e".to_owned())]);
    let ids: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.record_id.clone()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    let first = &entries(&t.db).await[0];
    assert_eq!(first.user_id.as_deref(), Some("ann"));
    assert_eq!(first.new_values.as_ref().unwrap()["title"], "a");

    let id = sea_orm::prelude::Uuid::from_u128(7);
    let device = device::ActiveModel { id: Set(id), name: Set("lamp".to_owned()) };
    let result = device::Entity::audited().insert_many([device]).exec(&t.db).await.unwrap();
    assert_eq!(result.last_insert_id, Some(id));
}

async fn a_missing_value_is_null_in_every_row(t: TestDb) {
    create!(t, post::Entity);
    let with = post::ActiveModel { token: Set(Some("t".to_owned())), ..new_post("with") };
    let without = post::ActiveModel { token: sea_orm::ActiveValue::NotSet, ..new_post("without") };
    post::Entity::audited().insert_many([with, without]).exec(&t.db).await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post WHERE token IS NULL").await, 1);
}

async fn no_rows_are_no_statement(t: TestDb) {
    create!(t, post::Entity);
    let none = || post::Entity::audited().insert_many(Vec::<post::ActiveModel>::new());
    assert_eq!(none().exec(&t.db).await.unwrap().last_insert_id, None);
    assert!(none().exec_with_returning(&t.db).await.unwrap().is_empty());
    assert!(matches!(none().try_insert().exec(&t.db).await.unwrap(), TryInsertResult::Empty));
    assert!(trail(&t.db).await.is_empty());
}

fn on_title() -> OnConflict {
    OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned()
}

fn liked(title: &str, likes: i32) -> post::ActiveModel {
    post::ActiveModel { likes: Set(likes), ..new_post(title) }
}

async fn an_upsert_records_a_create_or_an_update(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "old").await;
    unseen_post(&t.db, "same").await;
    let rows = [liked("new", 1), liked("old", 7), liked("same", 0), liked("newer", 2)];
    let audited = post::Entity::audited().insert_many(rows).on_conflict(on_title());
    let written = audited.exec_with_returning(&t.db).await.unwrap();
    let mut found: Vec<_> = written.into_iter().map(|post| (post.title, post.likes)).collect();
    found.sort();
    let expected = [("new", 1), ("newer", 2), ("old", 7), ("same", 0)];
    assert_eq!(found, expected.map(|(title, likes)| (title.to_owned(), likes)));
    let mut lines: Vec<_> = trail(&t.db).await.iter().map(|line| without_ids(line)).collect();
    // Where the database has a clock, new rows come first, which are inserted first.
    lines.sort();
    assert_eq!(
        lines,
        [
            r#"CREATE {"likes":1,"title":"new"}"#,
            r#"CREATE {"likes":2,"title":"newer"}"#,
            r#"UPDATE {"likes":0} -> {"likes":7}"#,
        ]
    );
}

/// Upserts use ids up, differently on each backend.
fn without_ids(line: &str) -> String {
    let (operation, rest) = line.split_once(' ').unwrap();
    let values = rest.split_once(": ").unwrap().1;
    let values = values.strip_prefix("none -> ").unwrap_or(values);
    let values = values.replace(",\"token\":\"[REDACTED]\"", "");
    let start = values.find("\"id\":").map_or(0, |at| at + 5);
    let end = start + values[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let values = if start > 0 { format!("{{{}", &values[end + 1..]) } else { values };
    format!("{operation} {values}")
}

async fn an_upsert_of_one_row_records_what_it_did(t: TestDb) {
    create!(t, post::Entity);
    for likes in [3, 4, 4] {
        let audited = post::Entity::audited().insert(liked("x", likes)).on_conflict(on_title());
        let id = audited.exec(&t.db).await.unwrap().last_insert_id;
        assert_eq!(number(&t.db, "SELECT id FROM post").await, i64::from(id));
    }
    let lines: Vec<_> = trail(&t.db).await.iter().map(|line| without_ids(line)).collect();
    let expected = [r#"CREATE {"likes":3,"title":"x"}"#, r#"UPDATE {"likes":3} -> {"likes":4}"#];
    assert_eq!(lines, expected);
}

async fn an_upsert_that_does_nothing_records_what_it_inserted(t: TestDb) {
    create!(t, label::Entity);
    let label = |language: &str, text: &str| label::ActiveModel {
        post_id: Set(1),
        language: Set(language.to_owned()),
        text: Set(text.to_owned()),
    };
    let audited = || label::Entity::audited();
    audited().insert(label("en", "one")).exec(&t.db).await.unwrap();
    let rows = [label("en", "two"), label("de", "zwei")];
    let tried =
        audited().insert_many(rows).on_conflict_do_nothing().exec_with_returning_many(&t.db);
    let TryInsertResult::Inserted(inserted) = tried.await.unwrap() else { panic!("one is new") };
    assert_eq!(inserted.len(), 1);
    let again = audited().insert(label("de", "drei")).on_conflict_do_nothing().exec(&t.db).await;
    assert!(matches!(again.unwrap(), TryInsertResult::Conflicted));
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE label [1,"en"] by nobody: none -> {"language":"en","post_id":1,"text":"one"}"#,
            r#"CREATE label [1,"de"] by nobody: none -> {"language":"de","post_id":1,"text":"zwei"}"#,
        ],
    );
}

/// One after the other, though `PostgreSQL` would refuse it in one statement.
async fn an_upsert_of_the_same_row_twice(t: TestDb) {
    create!(t, post::Entity);
    let rows = [liked("x", 1), liked("x", 2), liked("y", 5), liked("x", 3)];
    let audited = post::Entity::audited().insert_many(rows).on_conflict(on_title());
    assert_eq!(audited.exec_without_returning(&t.db).await.unwrap(), 4);
    let lines: Vec<_> = trail(&t.db).await.iter().map(|line| without_ids(line)).collect();
    assert_eq!(
        lines,
        [
            r#"CREATE {"likes":1,"title":"x"}"#,
            r#"UPDATE {"likes":1} -> {"likes":2}"#,
            r#"CREATE {"likes":5,"title":"y"}"#,
            r#"UPDATE {"likes":2} -> {"likes":3}"#,
        ]
    );
}

async fn an_upsert_with_a_condition_records_what_it_changed(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "free").await;
    sql(&t.db, "INSERT INTO post (title, likes, views) VALUES ('held', 9, 0)").await;
    let on_conflict = on_title().action_and_where(post::Column::Likes.lt(5)).to_owned();
    let rows = [liked("held", 1), liked("free", 1), liked("new", 1)];
    let written = post::Entity::audited()
        .insert_many(rows)
        .on_conflict(on_conflict)
        .exec_without_returning(&t.db);
    assert_eq!(written.await.unwrap(), 2);
    let lines: Vec<_> = trail(&t.db).await.iter().map(|line| without_ids(line)).collect();
    let expected = [r#"UPDATE {"likes":0} -> {"likes":1}"#, r#"CREATE {"likes":1,"title":"new"}"#];
    assert_eq!(lines, expected);
}

async fn an_upsert_that_changes_a_key_is_refused(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "x").await;
    let on_conflict = OnConflict::column(post::Column::Title)
        .update_columns([post::Column::Id, post::Column::Likes])
        .to_owned();
    let row = post::ActiveModel { id: Set(77), ..liked("x", 1) };
    let result = post::Entity::audited().insert(row).on_conflict(on_conflict).exec(&t.db).await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("an upsert of `post` cannot be recorded"), "{error}");
    assert_eq!(number(&t.db, "SELECT id FROM post").await, 1);
    assert!(trail(&t.db).await.is_empty());
}

async fn upserts_of_the_same_rows_record_one_create_each(t: TestDb) {
    create!(t, post::Entity);
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let db = t.db.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                let rows = (0..4).map(|n| liked(&format!("r{round}-{n}"), 1 + writer));
                let upsert =
                    || post::Entity::audited().insert_many(rows.clone()).on_conflict(on_title());
                // A deadlock is a clean error, and the same again is allowed.
                while upsert().exec(&db).await.is_err() {}
            }
        });
    }
    tasks.join_all().await;
    let entries = entries(&t.db).await;
    let creates = entries.iter().filter(|entry| entry.old_values.is_none()).count();
    assert_eq!(creates, 40);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 40);
    for id in entries
        .iter()
        .map(|entry| entry.record_id.clone())
        .collect::<std::collections::HashSet<_>>()
    {
        let of = entries.iter().filter(|entry| entry.record_id == id);
        let mut likes = serde_json::Value::Null;
        for entry in of {
            let before =
                entry.old_values.as_ref().map_or(&serde_json::Value::Null, |old| &old["likes"]);
            assert_eq!(*before, likes);
            likes = entry.new_values.as_ref().unwrap()["likes"].clone();
        }
    }
}

async fn try_insert_tells_a_conflict(t: TestDb) {
    create!(t, device::Entity);
    let id = sea_orm::prelude::Uuid::from_u128(7);
    let device = || device::ActiveModel { id: Set(id), name: Set("lamp".to_owned()) };
    let tried = || device::Entity::audited().insert(device()).on_conflict_do_nothing();
    assert!(matches!(tried().exec(&t.db).await.unwrap(), TryInsertResult::Inserted(_)));
    assert!(matches!(tried().exec(&t.db).await.unwrap(), TryInsertResult::Conflicted));
    let returning = tried().exec_with_returning(&t.db).await.unwrap();
    assert!(matches!(returning, TryInsertResult::Conflicted));
    let count = tried().exec_without_returning(&t.db).await.unwrap();
    assert!(matches!(count, TryInsertResult::Conflicted));
    let keys = tried().exec_with_returning_keys(&t.db).await.unwrap();
    assert!(matches!(keys, TryInsertResult::Conflicted));
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn an_update_of_one_row_records_it(t: TestDb) {
    posts(&t, 2).await;
    let row = || post::ActiveModel { id: Set(1), likes: Set(5), ..Default::default() };
    let model = post::Entity::audited().update(row()).exec(&t.db).await.unwrap();
    assert_eq!((model.likes, &*model.title), (5, "p0"));
    let row = post::ActiveModel { likes: Set(6), ..row() };
    let result = post::Entity::audited().update(row).exec_without_returning(&t.db).await.unwrap();
    assert_eq!(result.rows_affected, 1);
    let noop = post::ActiveModel { id: Set(2), ..Default::default() };
    let model = post::Entity::audited().update(noop.clone()).exec(&t.db).await.unwrap();
    assert_eq!(model.title, "p1");
    let none = post::ActiveModel { id: Set(9), ..noop };
    let missing = post::Entity::audited().update(none.clone()).exec(&t.db).await;
    assert!(matches!(missing, Err(DbErr::RecordNotFound(_))));
    let none = post::ActiveModel { likes: Set(1), ..none };
    let missing = post::Entity::audited().update(none).exec(&t.db).await;
    assert_eq!(missing, Err(DbErr::RecordNotUpdated));
    let keyless = post::Entity::audited().update(new_post("x")).exec(&t.db).await;
    assert!(matches!(keyless, Err(DbErr::PrimaryKeyNotSet { .. })));
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":5}"#,
            r#"UPDATE post 1 by nobody: {"likes":5} -> {"likes":6}"#,
        ],
    );
}

async fn an_optimistic_lock_that_fails_records_nothing(t: TestDb) {
    posts(&t, 1).await;
    let update = |likes: i32| {
        let row =
            post::ActiveModel { id: Set(1), views: Set(1), likes: Set(9), ..Default::default() };
        let update = post::Entity::audited().update(row).validate().unwrap();
        update.filter(post::Column::Likes.eq(likes)).exec(&t.db)
    };
    assert_eq!(update(3).await, Err(DbErr::RecordNotUpdated));
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(update(0).await.unwrap().likes, 9);
    let delete = |likes: i32| {
        let delete = post::Entity::audited().delete_by_id(1);
        delete.filter(post::Column::Likes.eq(likes)).exec(&t.db)
    };
    assert_eq!(delete(3).await.unwrap().rows_affected, 0);
    assert_eq!(delete(9).await.unwrap().rows_affected, 1);
    assert_eq!(trail(&t.db).await.len(), 2);
}

/// Each counts up from what it read, if nobody else has since. The lock waits, and then the condition
/// must be asked of the newest version of the row.
async fn optimistic_locks_of_many_let_one_pass_at_a_time(t: TestDb) {
    posts(&t, 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let db = t.db.clone();
        tasks.spawn(async move {
            let mut passed = 0;
            while passed < 10 {
                let seen = post::Entity::find_by_id(1).one(&db).await.unwrap().unwrap().likes;
                let row =
                    post::ActiveModel { id: Set(1), likes: Set(seen + 1), ..Default::default() };
                let update = post::Entity::audited().update(row).validate().unwrap();
                match update.filter(post::Column::Likes.eq(seen)).exec(&db).await {
                    Ok(_) => passed += 1,
                    Err(DbErr::RecordNotUpdated) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    tasks.join_all().await;
    crate::concurrency::assert_chain(&entries(&t.db).await, 60, 60);
}

async fn many_rows_are_updated_by_expressions(t: TestDb) {
    posts(&t, 5).await;
    let result = by(
        "ann",
        post::Entity::audited()
            .update_many()
            .col_expr(post::Column::Likes, Expr::col(post::Column::Likes).mul(10))
            .set(post::ActiveModel { views: Set(3), ..Default::default() })
            .filter(post::Column::Likes.lt(3))
            .filter(post::Column::Title.ne("p1"))
            .exec(&t.db),
    )
    .await;
    // p0 changes in a column that is skipped, and its likes stay 0.
    assert_eq!(result.unwrap().rows_affected, 2);
    assert_lines(&trail(&t.db).await, &[r#"UPDATE post 3 by ann: {"likes":2} -> {"likes":20}"#]);
    let all = post::Entity::audited()
        .update_many()
        .col_expr(post::Column::Likes, Expr::value(1))
        .exec_with_returning(&t.db);
    let all: Vec<_> = all.await.unwrap().into_iter().map(|post| (post.id, post.likes)).collect();
    assert_eq!(all, [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    assert_eq!(trail(&t.db).await.len(), 1 + 4, "one had one like already");
}

async fn an_update_of_nothing_does_nothing(t: TestDb) {
    posts(&t, 2).await;
    let nothing = || post::Entity::audited().update_many();
    assert_eq!(nothing().exec(&t.db).await.unwrap().rows_affected, 0);
    let none = nothing()
        .col_expr(post::Column::Likes, Expr::value(1))
        .filter(post::Column::Id.gt(7))
        .exec(&t.db);
    assert_eq!(none.await.unwrap().rows_affected, 0);
    assert!(trail(&t.db).await.is_empty());
}

async fn an_update_of_the_key_is_refused(t: TestDb) {
    posts(&t, 2).await;
    let error = post::Entity::audited()
        .update_many()
        .col_expr(post::Column::Id, Expr::col(post::Column::Id).add(100))
        .exec(&t.db)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("would change the primary key"), "{error}");
    assert_eq!(number(&t.db, "SELECT MAX(id) FROM post").await, 2);
}

/// The sum is the same for every row, as in one statement: 0 + 1 + … + 299.
async fn an_update_with_a_subquery_sees_one_state(t: TestDb) {
    posts(&t, 300).await;
    let mut sum = Query::select();
    // MariaDB does not let an UPDATE read its own table but through another one.
    let inner =
        Query::select().expr_as(Expr::cust("SUM(likes)"), "total").from(post::Entity).take();
    sum.expr(Expr::cust(if t.backend == Backend::MariaDb {
        "CAST(total AS SIGNED)"
    } else {
        "CAST(total AS INTEGER)"
    }));
    sum.from_subquery(inner, "sums");
    let result = post::Entity::audited()
        .update_many()
        .col_expr(post::Column::Likes, Expr::SubQuery(None, Box::new(sum.take().into())))
        .filter(post::Column::Id.gt(10))
        .exec(&t.db);
    assert_eq!(result.await.unwrap().rows_affected, 290);
    assert_eq!(number(&t.db, "SELECT MIN(likes) FROM post WHERE id > 10").await, 44850);
    assert_eq!(number(&t.db, "SELECT MAX(likes) FROM post").await, 44850);
    assert_eq!(trail(&t.db).await.len(), 290);
}

async fn a_filter_with_a_subquery_sees_one_state(t: TestDb) {
    posts(&t, 600).await;
    let below_average = || {
        let average = post::Entity::find().select_only().expr(Expr::cust("AVG(likes)"));
        Expr::col((post::Entity, post::Column::Likes))
            .lt(Expr::SubQuery(None, Box::new(average.into_query().into())))
    };
    let result = post::Entity::audited()
        .update_many()
        .col_expr(post::Column::Likes, Expr::value(10_000))
        .filter(below_average())
        .exec(&t.db);
    assert_eq!(result.await.unwrap().rows_affected, 300);
    let deleted = post::Entity::audited().delete_many().filter(below_average()).exec(&t.db).await;
    assert_eq!(deleted.unwrap().rows_affected, 300);
    assert_eq!(trail(&t.db).await.len(), 600);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post WHERE likes = 10000").await, 300);
}

async fn a_delete_of_one_row_records_it(t: TestDb) {
    posts(&t, 3).await;
    let audited = || post::Entity::audited();
    assert_eq!(audited().delete_by_id(1).exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(audited().delete_by_id(1).exec(&t.db).await.unwrap().rows_affected, 0);
    let row = post::ActiveModel { id: Set(2), ..Default::default() };
    let deleted = audited().delete(row).exec_with_returning(&t.db).await.unwrap();
    assert_eq!(deleted.unwrap().title, "p1");
    let keyless = audited().delete(new_post("x")).exec(&t.db).await;
    assert!(matches!(keyless, Err(DbErr::PrimaryKeyNotSet { .. })));
    let ids: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.record_id.clone()).collect();
    assert_eq!(ids, ["1", "2"]);
}

async fn many_rows_are_deleted(t: TestDb) {
    posts(&t, 6).await;
    let audited = || post::Entity::audited().delete_many();
    let deleted = audited().filter(post::Column::Likes.gte(4)).exec(&t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 2);
    let deleted = audited().filter_by_ids([1, 3, 99]).exec_with_returning(&t.db).await.unwrap();
    let titles: Vec<_> = deleted.into_iter().map(|post| post.title).collect();
    assert_eq!(titles, ["p0", "p2"]);
    assert_eq!(audited().filter_by_ids([]).exec(&t.db).await.unwrap().rows_affected, 0);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 2);
    let entries = entries(&t.db).await;
    let ids: Vec<_> = entries.iter().map(|entry| &*entry.record_id).collect();
    assert_eq!(ids, ["5", "6", "1", "3"]);
    assert_eq!(entries[3].old_values.as_ref().unwrap()["title"], "p2");
    assert_eq!(audited().exec(&t.db).await.unwrap().rows_affected, 2);
}

async fn composite_keys_go_in_pages(t: TestDb) {
    create!(t, label::Entity);
    let rows = (0..700).map(|n| label::ActiveModel {
        post_id: Set(n / 7),
        language: Set(format!("l{}", n % 7)),
        text: Set("a".to_owned()),
    });
    AuditContext::without_audit(async {
        label::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
    })
    .await;
    let updated = label::Entity::audited()
        .update_many()
        .col_expr(label::Column::Text, Expr::value("b"))
        .filter(label::Column::Language.ne("l3"))
        .exec(&t.db);
    assert_eq!(updated.await.unwrap().rows_affected, 600);
    let deleted = label::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 700);
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 1300);
    let ids: std::collections::HashSet<_> =
        entries[600..].iter().map(|entry| &entry.record_id).collect();
    assert_eq!(ids.len(), 700);
}

/// The order of the database is not that of the bytes.
async fn keys_of_text_go_in_pages(t: TestDb) {
    create!(t, country::Entity);
    let rows = (0..900).map(|n| country::ActiveModel {
        code: Set(format!("{}{n}", ["a", "B", "ä", "z", "Ö", "_", "-", "É", "e"][n % 9])),
        name: Set(None),
    });
    AuditContext::without_audit(async {
        country::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
    })
    .await;
    let updated = country::Entity::audited()
        .update_many()
        .col_expr(country::Column::Name, Expr::value("x"))
        .exec(&t.db);
    assert_eq!(updated.await.unwrap().rows_affected, 900);
    let deleted = country::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 900);
    assert_eq!(trail(&t.db).await.len(), 1800);
}

async fn a_table_of_reserved_words(t: TestDb) {
    create!(t, order::Entity);
    let row = |id: i64| order::ActiveModel {
        id: Set(id),
        r#type: Set("a".to_owned()),
        group: Set(order::Select::From),
        secret: Set("s".to_owned()),
    };
    let audited = || order::Entity::audited();
    audited().insert_many([row(1), row(2)]).exec(&t.db).await.unwrap();
    let on_conflict =
        OnConflict::column(order::Column::Id).update_column(order::Column::Type).to_owned();
    let changed = order::ActiveModel { r#type: Set("b".to_owned()), ..row(1) };
    audited().insert(changed).on_conflict(on_conflict).exec(&t.db).await.unwrap();
    audited()
        .update_many()
        .set(order::ActiveModel { group: Set(order::Select::Where), ..Default::default() })
        .filter(order::Column::Grouping.eq(order::Select::From))
        .exec(&t.db)
        .await
        .unwrap();
    audited().delete_many().filter(order::Column::Id.eq(2)).exec(&t.db).await.unwrap();
    let lines = trail(&t.db).await;
    assert_lines(
        &lines[2..],
        &[
            r#"UPDATE order 1 by nobody: {"type":"a"} -> {"type":"b"}"#,
            r#"UPDATE order 1 by nobody: {"group by":"from"} -> {"group by":"where"}"#,
            r#"UPDATE order 2 by nobody: {"group by":"from"} -> {"group by":"where"}"#,
            concat!(
                r#"DELETE order 2 by nobody: {"camelCase":"[REDACTED]","group by":"where","#,
                r#""select":2,"type":"a"} -> none"#
            ),
        ],
    );
    assert_eq!(order::Column::iter().count(), 4);
}

/// Triggers that keep the post `p1` as it is.
async fn keep(t: &TestDb) {
    match t.backend {
        Backend::Sqlite => {
            for operation in ["UPDATE", "DELETE"] {
                let trigger = format!(
                    "CREATE TRIGGER keep_{operation} BEFORE {operation} ON post WHEN OLD.title = 'p1' \
                     BEGIN SELECT RAISE(IGNORE); END"
                );
                sql(&t.db, &trigger).await;
            }
        }
        Backend::Postgres => {
            sql(
                &t.db,
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF OLD.title = 'p1' THEN RETURN NULL; END IF; \
                 IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON post \
                 FOR EACH ROW EXECUTE FUNCTION keep()",
            )
            .await;
        }
        Backend::MariaDb => {
            sql(
                &t.db,
                "CREATE TRIGGER keep BEFORE UPDATE ON post FOR EACH ROW \
                 SET NEW.likes = IF(OLD.title = 'p1', OLD.likes, NEW.likes)",
            )
            .await;
        }
    }
}

async fn rows_are_matched_when_a_trigger_keeps_some(t: TestDb) {
    posts(&t, 4).await;
    keep(&t).await;
    let update = post::Entity::audited().update_many();
    update.col_expr(post::Column::Likes, Expr::value(7)).exec(&t.db).await.unwrap();
    let ids: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.record_id.clone()).collect();
    assert_eq!(ids, ["1", "3", "4"]);
    let deleted = post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    let kept = number(&t.db, "SELECT COUNT(*) FROM post").await;
    assert_eq!(deleted.rows_affected + kept.unsigned_abs(), 4);
    let recorded = entries(&t.db).await.len() - 3;
    assert_eq!(recorded as u64, deleted.rows_affected);
}

/// The last of the posts cannot have a tenth of the likes more.
async fn refuse_the_last(t: &TestDb, count: i32) {
    let last = count - 1;
    let check = format!("likes <> {}", last + 1);
    if t.backend == Backend::Sqlite {
        let trigger = format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON post WHEN NEW.likes = {} \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
            last + 1
        );
        sql(&t.db, &trigger).await;
    } else {
        sql(&t.db, &format!("ALTER TABLE post ADD CONSTRAINT refuse CHECK ({check})")).await;
    }
}

async fn a_failure_in_a_later_page_leaves_nothing(t: TestDb) {
    posts(&t, 1000).await;
    refuse_the_last(&t, 1000).await;
    let update = post::Entity::audited().update_many();
    let update = update.col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1));
    update.exec(&t.db).await.unwrap_err();
    assert_eq!(number(&t.db, "SELECT likes FROM post WHERE id = 1").await, 0);
    assert!(trail(&t.db).await.is_empty());
}

async fn a_failure_inside_of_a_transaction_leaves_the_transaction(t: TestDb) {
    posts(&t, 1000).await;
    refuse_the_last(&t, 1000).await;
    let update = || {
        let update = post::Entity::audited().update_many();
        update.col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1))
    };
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("before").insert(&txn).await.unwrap();
    update().exec(&txn).await.unwrap_err();
    new_post("after").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 2);
    assert_eq!(number(&t.db, "SELECT likes FROM post WHERE id = 1").await, 0);

    let txn = t.db.begin().await.unwrap();
    new_post("more").insert(&txn).await.unwrap();
    update().exec(&txn).await.unwrap_err();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 3);
    assert_eq!(number(&t.db, "SELECT likes FROM post WHERE id = 1").await, 0);
}

async fn a_transaction_groups_what_it_wrote(t: TestDb) {
    posts(&t, 3).await;
    let update = || {
        let update = post::Entity::audited().update_many();
        update.col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1))
    };
    update().exec(&t.db).await.unwrap();
    AuditTransaction::run(&t.db, async |txn| {
        update().exec(txn).await?;
        post::Entity::audited().delete_by_id(1).exec(txn).await
    })
    .await
    .unwrap();
    let groups: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.transaction_id).collect();
    assert!(groups[0].is_some() && groups[3].is_some() && groups[0] != groups[3]);
    assert!(groups[..3].iter().all(|group| *group == groups[0]));
    assert!(groups[3..].iter().all(|group| *group == groups[3]));
}

async fn an_excluded_table_is_written_and_not_recorded(t: TestDb) {
    posts(&t, 0).await;
    let excluded = AuditConfig::new().exclude_table("post");
    excluded.clone().scope(every_builder(&t.db)).await;
    AuditContext::without_audit(every_builder(&t.db)).await;
    let txn = t.db.begin().await.unwrap();
    excluded.clone().scope(every_builder(&txn)).await;
    txn.commit().await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    excluded.scope(every_builder(&txn)).await;
    AuditContext::without_audit(every_builder(&txn)).await;
    txn.commit().await.unwrap();
    assert_lines(&trail(&t.db).await, &[]);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

/// Leaves the table empty.
async fn every_builder(db: &impl ConnectionTrait) {
    let posts = post::Entity::audited;
    let first = posts().insert(new_post("a")).exec_with_returning(db).await.unwrap().id;
    posts().insert_many(["b", "c"].map(new_post)).exec(db).await.unwrap();
    posts().insert(liked("a", 2)).on_conflict(on_title()).exec(db).await.unwrap();
    posts().insert(new_post("d")).try_insert().exec(db).await.unwrap();
    let row = post::ActiveModel { id: Set(first), ..liked("a", 3) };
    assert_eq!(posts().update(row).exec(db).await.unwrap().likes, 3);
    let update = posts().update_many().col_expr(post::Column::Likes, Expr::value(7));
    assert_eq!(update.exec(db).await.unwrap().rows_affected, 4);
    assert_eq!(posts().delete_by_id(first).exec(db).await.unwrap().rows_affected, 1);
    assert_eq!(posts().delete_many().exec(db).await.unwrap().rows_affected, 3);
}

async fn ten_thousand_rows(t: TestDb) {
    create!(t, post::Entity);
    let rows = (0..10_000).map(|n| liked(&format!("p{n}"), n));
    let inserted = post::Entity::audited().insert_many(rows).exec_without_returning(&t.db).await;
    assert_eq!(inserted.unwrap(), 10_000);
    let update = post::Entity::audited().update_many();
    let update = update.col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1));
    assert_eq!(update.exec(&t.db).await.unwrap().rows_affected, 10_000);
    let deleted = post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 10_000);
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 30_000);
    for entry in &entries[20_000..] {
        let old = entry.old_values.as_ref().unwrap();
        let likes: i64 = old["title"].as_str().unwrap()[1..].parse().unwrap();
        assert_eq!(old["likes"], likes + 1);
    }
}

/// Rows of 10 kB each: 40 MB in all, of which a few hundred rows are in memory at a time.
async fn memory_stays_bounded(t: TestDb) {
    create!(t, country::Entity);
    sql(
        &t.db,
        match t.backend {
            Backend::Sqlite => "SELECT 1",
            Backend::Postgres => "ALTER TABLE country ALTER COLUMN name TYPE text",
            Backend::MariaDb => "ALTER TABLE country MODIFY name longtext",
        },
    )
    .await;
    for chunk in 0..40 {
        let rows = (0..100).map(|n| country::ActiveModel {
            code: Set(format!("{}", chunk * 100 + n)),
            name: Set(Some("x".repeat(10_000))),
        });
        AuditContext::without_audit(country::Entity::audited().insert_many(rows).exec(&t.db))
            .await
            .unwrap();
    }
    let peak = memory::peak_of(async {
        let update = country::Entity::audited().update_many();
        let name = Expr::col(country::Column::Name);
        update
            .col_expr(country::Column::Name, sea_orm::sea_query::Func::upper(name).into())
            .exec(&t.db)
            .await
            .unwrap();
        country::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    })
    .await;
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM audit_trail").await, 8000);
    assert!(peak < 32 << 20, "{peak} bytes at the peak");
}

/// The long form; the short one is `memory_stays_bounded`, with larger rows.
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
async fn a_million_rows_are_deleted_in_bounded_memory(t: TestDb) {
    let rows = if long() { 1_000_000 } else { 5000 };
    create!(t, post::Entity);
    let numbers = match t.backend {
        Backend::Postgres => format!("SELECT n FROM generate_series(1, {rows}) n"),
        Backend::MariaDb => format!("SELECT seq AS n FROM seq_1_to_{rows}"),
        Backend::Sqlite => format!(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rows}) \
             SELECT n FROM c"
        ),
    };
    let text = if t.backend == Backend::MariaDb { "char" } else { "text" };
    let insert = format!(
        "INSERT INTO post (title, likes, views) SELECT CAST(n AS {text}), 0, 0 FROM ({numbers}) s"
    );
    sql(&t.db, &insert).await;
    let begun = std::time::Instant::now();
    let resident = memory::resident_bytes();
    let peak = memory::peak_of(async {
        let deleted = post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
        assert_eq!(deleted.rows_affected, rows);
    })
    .await;
    if long() {
        println!(
            "{}: {rows} rows deleted in {:?}, {} KiB at the peak, {} KiB resident before, {} after",
            t.backend.name(),
            begun.elapsed(),
            peak >> 10,
            resident >> 10,
            memory::resident_bytes() >> 10,
        );
    }
    let recorded = number(&t.db, "SELECT COUNT(*) FROM audit_trail").await;
    assert_eq!(u64::try_from(recorded).unwrap(), rows);
    assert!(peak < 64 << 20, "{peak} bytes at the peak");
}

/// Pages are taken in the order of the keys, so that the two wait for each other; filters that
/// differ make them meet in the middle all the same.
async fn two_updates_in_opposite_orders(t: TestDb) {
    posts(&t, 400).await;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let db = t.db.clone();
        tasks.spawn(async move {
            let mut failures = 0;
            for _ in 0..5 {
                // One transaction for each half, in opposite orders: these can deadlock.
                let halves =
                    if writer % 2 == 0 { [(0, 200), (200, 400)] } else { [(200, 400), (0, 200)] };
                let txn = AuditTransaction::begin(&db).await.unwrap();
                let mut outcome = Ok(());
                for (from, to) in halves {
                    let update = post::Entity::audited().update_many();
                    outcome = update
                        .col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1))
                        .filter(post::Column::Id.gt(from).and(post::Column::Id.lte(to)))
                        .exec(&txn)
                        .await
                        .map(drop);
                    if outcome.is_err() {
                        break;
                    }
                }
                match outcome {
                    Ok(()) => txn.commit().await.unwrap(),
                    Err(error) => {
                        assert!(answer::is_deadlock(&error), "{error}");
                        txn.rollback().await.unwrap();
                        failures += 1;
                    }
                }
            }
            failures
        });
    }
    let failures: usize = tasks.join_all().await.into_iter().sum();
    assert!(failures < 20);
    // Every like has its entry, and each entry takes up where the former one of its record left off.
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), (20 - failures) * 400);
    let mut likes: std::collections::HashMap<_, i64> = std::collections::HashMap::new();
    for entry in &entries {
        let value =
            |side: &Option<serde_json::Value>| side.as_ref().unwrap()["likes"].as_i64().unwrap();
        let id: i64 = entry.record_id.parse().unwrap();
        let last = likes.insert(id, value(&entry.new_values)).unwrap_or(id - 1);
        assert_eq!(value(&entry.old_values), last);
    }
}

/// Rows that come into being while a bulk update runs are its own or not, and never half.
async fn updates_and_inserts_at_the_same_time(t: TestDb) {
    posts(&t, 300).await;
    let inserts = async {
        for n in 0..100 {
            AuditContext::without_audit(liked(&format!("q{n}"), 1000).insert(&t.db)).await.unwrap();
        }
    };
    let updates = async {
        for _ in 0..5 {
            let update = post::Entity::audited().update_many();
            let update =
                update.col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1));
            if let Err(error) = update.exec(&t.db).await {
                assert!(answer::is_deadlock(&error), "{error}");
            }
        }
    };
    tokio::join!(inserts, updates);
    let posts = post::Entity::find().all(&t.db).await.unwrap();
    let likes: i64 = posts.iter().map(|post| i64::from(post.likes)).sum();
    let start = (0..300).sum::<i64>() + 100 * 1000;
    assert_eq!(likes - start, number(&t.db, "SELECT COUNT(*) FROM audit_trail").await);
}

async fn a_deferred_transaction_takes_the_write_lock_first(t: TestDb) {
    posts(&t, 50).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let db = t.db.clone();
        tasks.spawn(async move {
            let txn = db.begin().await.unwrap();
            let update = post::Entity::audited().update_many();
            let update =
                update.col_expr(post::Column::Likes, Expr::col(post::Column::Likes).add(1));
            update.exec(&txn).await.unwrap();
            post::Entity::audited()
                .delete_many()
                .filter(post::Column::Likes.eq(-1))
                .exec(&txn)
                .await
                .unwrap();
            txn.commit().await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(trail(&t.db).await.len(), 200);
}

async fn generic_code_reaches_it_by_the_trait(t: TestDb) {
    async fn clear<E: audit_seaorm::Auditable>(db: &impl ConnectionTrait) -> u64 {
        E::audited().delete_many().exec(db).await.unwrap().rows_affected
    }
    posts(&t, 3).await;
    assert_eq!(clear::<post::Entity>(&t.db).await, 3);
    assert_eq!(trail(&t.db).await.len(), 3);
}
