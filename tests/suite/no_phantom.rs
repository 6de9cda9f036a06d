//! What did not happen is not in the trail.

use audit_seaorm::AuditTransaction;
use audit_tests::TestDb;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DbErr, EntityTrait, IntoActiveModel, ModelTrait, SqlErr,
    TransactionTrait,
};

use crate::{
    entities::post,
    support::{by, create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    #[only(MariaDb)] a_delete_that_fails_after_its_row_came_has_no_entry,
    a_write_that_breaks_a_constraint_leaves_nothing,
    a_delete_that_others_refer_to_leaves_nothing,
    a_write_of_a_missing_row_leaves_nothing,
    a_write_without_a_key_leaves_nothing,
    a_write_that_changes_nothing_leaves_nothing,
    a_rolled_back_write_leaves_nothing,
    a_failed_write_inside_a_transaction_leaves_the_rest_of_it,
    #[alone] failures_leave_nothing_in_memory,
}

async fn a_write_that_breaks_a_constraint_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "a").await;
    let mut b = unseen_post(&t.db, "b").await.into_active_model();
    let insert = new_post("a").insert(&t.db).await.unwrap_err();
    b.title = Set("a".to_owned());
    let update = b.clone().update(&t.db).await.unwrap_err();
    let bare = b.clone().update_without_returning(&t.db).await.unwrap_err();
    let generic = ActiveModelTrait::update(b, &t.db).await.unwrap_err();
    for error in [insert, update, bare, generic] {
        let kind = error.sql_err();
        assert!(matches!(kind, Some(SqlErr::UniqueConstraintViolation(_))), "{error}");
    }
    assert!(entries(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 2);
}

async fn a_delete_that_others_refer_to_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let comment = "CREATE TABLE comment (post_id int, FOREIGN KEY (post_id) REFERENCES post (id))";
    sql(&t.db, comment).await;
    sql(&t.db, "INSERT INTO comment VALUES (1)").await;
    let error = post.clone().delete(&t.db).await.unwrap_err();
    let kind = error.sql_err();
    assert!(matches!(kind, Some(SqlErr::ForeignKeyConstraintViolation(_))), "{error}");
    let txn = t.db.begin().await.unwrap();
    ModelTrait::delete(post, &txn).await.unwrap_err();
    txn.commit().await.unwrap();
    assert!(entries(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

async fn a_write_of_a_missing_row_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    let ghost = || post::ActiveModel { id: Set(99), likes: Set(1), ..Default::default() };
    let error = ghost().update(&t.db).await.unwrap_err();
    assert!(matches!(error, DbErr::RecordNotUpdated), "{error}");
    let error = ghost().update_without_returning(&t.db).await.unwrap_err();
    assert!(matches!(error, DbErr::RecordNotUpdated), "{error}");
    assert_eq!(ghost().delete(&t.db).await.unwrap().rows_affected, 0);
    let txn = t.db.begin().await.unwrap();
    let error = ActiveModelTrait::update(ghost(), &txn).await.unwrap_err();
    assert!(matches!(error, DbErr::RecordNotUpdated), "{error}");
    let deleted = ActiveModelTrait::delete(ghost(), &txn).await.unwrap();
    assert_eq!(deleted.rows_affected, 0);
    txn.commit().await.unwrap();
    assert!(entries(&t.db).await.is_empty());
}

async fn a_write_without_a_key_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    let keyless = || post::ActiveModel { likes: Set(1), ..Default::default() };
    for error in [
        keyless().update(&t.db).await.unwrap_err(),
        keyless().update_without_returning(&t.db).await.unwrap_err(),
        keyless().delete(&t.db).await.unwrap_err(),
        ActiveModelTrait::update(keyless(), &t.db).await.unwrap_err(),
    ] {
        assert!(matches!(error, DbErr::PrimaryKeyNotSet { .. }), "{error}");
    }
    assert!(entries(&t.db).await.is_empty());
}

async fn a_write_that_changes_nothing_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    // Nothing set.
    assert_eq!(post.clone().into_active_model().update(&t.db).await.unwrap(), post);
    // The same values set again.
    let same = post.clone().into_active_model().reset_all();
    assert_eq!(same.clone().update(&t.db).await.unwrap(), post);
    assert_eq!(same.clone().update_without_returning(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(ActiveModelTrait::update(same, &t.db).await.unwrap(), post);
    // A skipped column alone.
    let mut skipped = post.into_active_model();
    skipped.views = Set(7);
    assert_eq!(skipped.update(&t.db).await.unwrap().views, 7);
    assert!(entries(&t.db).await.is_empty());
}

async fn a_rolled_back_write_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    let seen = unseen_post(&t.db, "seen").await;
    for explicit in [true, false] {
        let txn = t.db.begin().await.unwrap();
        new_post("a").insert(&txn).await.unwrap();
        let mut post = seen.clone().into_active_model();
        post.likes = Set(9);
        post.update(&txn).await.unwrap().delete(&txn).await.unwrap();
        assert_eq!(entries(&txn).await.len(), 3);
        if explicit {
            txn.rollback().await.unwrap();
        } else {
            drop(txn);
        }
    }
    let failed = t.db.transaction::<_, (), DbErr>(|txn| {
        Box::pin(async move {
            new_post("b").insert(txn).await?;
            Err(DbErr::Custom("changed my mind".to_owned()))
        })
    });
    failed.await.unwrap_err();
    assert!(entries(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

/// Our savepoint takes the failure back, so that even a `PostgreSQL` transaction goes on.
async fn a_failed_write_inside_a_transaction_leaves_the_rest_of_it(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "taken").await;
    let txn = t.db.begin().await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    new_post("taken").insert(&txn).await.unwrap_err();
    new_post("b").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    let entries = entries(&t.db).await;
    let titles: Vec<_> =
        entries.iter().map(|entry| &entry.new_values.as_ref().unwrap()["title"]).collect();
    assert_eq!(titles, ["a", "b"]);
}

/// Everything that can end badly, many times over: the heap does not grow with it.
async fn failures_leave_nothing_in_memory(t: TestDb) {
    create!(t, post::Entity);
    let taken = unseen_post(&t.db, "taken").await;
    let other = unseen_post(&t.db, "other").await;
    let round = async || {
        by("ann", async {
            new_post("taken").insert(&t.db).await.unwrap_err();
            let mut clash = other.clone().into_active_model();
            clash.title = Set("taken".to_owned());
            clash.clone().update(&t.db).await.unwrap_err();
            let txn = t.db.begin().await.unwrap();
            clash.clone().update(&txn).await.unwrap_err();
            ActiveModelTrait::update(clash.clone(), &txn).await.unwrap_err();
            txn.rollback().await.unwrap();
            let txn = t.db.begin().await.unwrap();
            let ghost = post::ActiveModel { id: Set(99), likes: Set(1), ..Default::default() };
            ghost.clone().update(&txn).await.unwrap_err();
            ModelTrait::delete(taken.clone(), &txn).await.unwrap();
            drop(txn);
            let mut slow = taken.clone().into_active_model();
            slow.likes = Set(1);
            let cancelled = slow.update(&t.db);
            let _ = tokio::time::timeout(std::time::Duration::ZERO, cancelled).await;
        })
        .await;
    };
    for _ in 0..50 {
        round().await;
    }
    let before = audit_tests::memory::live_bytes();
    for _ in 0..500 {
        round().await;
    }
    let grown = audit_tests::memory::live_bytes().saturating_sub(before);
    // An image kept for each of these 3,000 failures would be a third of a megabyte and more; buffers
    // of the pool's sixteen connections come and go by some tens of kilobytes.
    assert!(grown < 160 * 1024, "500 rounds of failures left {grown} bytes");
    assert!(post::Entity::find_by_id(taken.id).one(&t.db).await.unwrap().is_some());
}

/// `MariaDB` sends the row that a DELETE gives back before it looks for rows that refer to it, and
/// `SQLx` reads no further than a first row that is asked for alone.
async fn a_delete_that_fails_after_its_row_came_has_no_entry(t: TestDb) {
    crate::property::schema(&t).await;
    let article = crate::relations::article("a").set_writer(crate::relations::writer("ann"));
    article.save(&t.db).await.unwrap();
    let before = entries(&t.db).await.len();
    let other = t.db.begin().await.unwrap();
    sql(&other, "DELETE FROM article").await;
    let ann = crate::relations::writer::ActiveModel { id: Set(1), ..Default::default() };

    let plain = t.db.begin().await.unwrap();
    sql(&plain, "SET SESSION innodb_lock_wait_timeout = 1").await;
    let on_plain = ann.clone().delete(&plain).await;
    plain.rollback().await.unwrap();
    let ours = AuditTransaction::begin(&t.db).await.unwrap();
    sql(&ours, "SET SESSION innodb_lock_wait_timeout = 1").await;
    let on_ours = ann.delete(&ours).await;
    let _ = ours.commit().await;
    other.rollback().await.unwrap();

    assert!(on_plain.is_err() && on_ours.is_err(), "{on_plain:?} {on_ours:?}");
    assert_eq!(entries(&t.db).await.len(), before);
}
