//! `AuditTransaction` keeps its entries until it commits.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use audit_seaorm::{
    AuditConfig, AuditContext, AuditTrail, AuditTransaction, Change, FailurePolicy, Image,
};
use audit_tests::{Backend, TestDb, answer};
use futures_util::TryStreamExt;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    ModelTrait, Statement, StreamTrait, TransactionOptions, TransactionTrait,
};
use serde_json::json;
use tokio::sync::Barrier;

use crate::{
    concurrency::{assert_chain, cancelled_after, contend, settled},
    entities::post,
    relations,
    support::{assert_lines, by, create, entries, new_post, number, sql, trail, unseen_post},
};

audit_tests::tests! {
    entries_wait_for_the_commit_and_share_a_group,
    a_hundred_entries_are_three_statements,
    many_entries_do_not_wait_for_the_commit,
    many_nested_transactions_do_not_pile_up_entries,
    nested_transactions_hand_over_or_drop_their_entries,
    a_write_belongs_to_the_innermost_level_whoever_makes_it,
    entries_read_inside_of_a_nested_one_outlive_its_rollback,
    a_nested_one_reads_what_its_parent_did,
    levels_that_end_crosswise_keep_rows_and_entries_together,
    a_transaction_that_does_not_commit_leaves_nothing,
    run_commits_or_rolls_back,
    the_trail_read_inside_shows_what_was_done,
    all_of_seaorm_runs_on_it,
    generic_code_runs_on_it,
    eight_of_them_on_one_row_leave_an_unbroken_chain,
    joined_writes_take_turns,
    a_cancelled_write_comes_to_its_end,
    a_cancelled_commit_commits,
    a_transaction_with_an_open_nested_one_does_not_commit,
    a_commit_without_a_trail_commits_nothing,
    a_commit_without_a_trail_commits_if_told_so,
    an_entry_that_cannot_be_made_breaks_it,
    a_refused_statement_does_not_break_it,
    a_failed_nested_commit_leaves_the_parent,
    a_deadlock_breaks_it,
    a_deadlock_of_a_statement_that_is_not_audited_breaks_it,
    #[only(MariaDb)] a_conflict_of_snapshots_breaks_it,
    #[only(MariaDb)] a_lock_that_is_not_had_leaves_it_whole,
    #[only(MariaDb)] a_deadlock_of_a_stream_breaks_it,
    a_savepoint_that_fails_breaks_it,
    a_cancelled_write_with_children_leaves_it_whole,
    it_obeys_its_options,
}

const COUNT: &str = "SELECT COUNT(*) FROM audit_trail";

async fn entries_wait_for_the_commit_and_share_a_group(t: TestDb) {
    create!(t, post::Entity);
    let txn = by("ann", AuditTransaction::begin(&t.db)).await.unwrap();
    let mut post = by("ann", new_post("a").insert(&txn)).await.unwrap().into_active_model();
    post.likes = Set(1);
    let post = by("bob", post.update(&txn)).await.unwrap();
    post.delete(&txn).await.unwrap();
    assert_eq!(number(&txn, COUNT).await, 0);
    by("eve", txn.commit()).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by ann: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by bob: {"likes":0} -> {"likes":1}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":1,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
    let groups: Vec<_> = entries(&t.db).await.iter().map(|entry| entry.transaction_id).collect();
    assert!(groups[0].is_some());
    assert!(groups.iter().all(|group| *group == groups[0]));
}

async fn a_hundred_entries_are_three_statements(t: TestDb) {
    create!(t, post::Entity);
    let inserts = Arc::new(AtomicUsize::new(0));
    let mut db = t.connect_with(|_| {}).await;
    let seen = Arc::clone(&inserts);
    db.set_metric_callback(move |info| {
        let sql = info.statement.sql.replace(['"', '`'], "");
        if sql.contains("INTO audit_trail") {
            seen.fetch_add(1, Ordering::Relaxed);
        }
    });
    let txn = AuditTransaction::begin(&db).await.unwrap();
    for row in 0..100 {
        new_post(&row.to_string()).insert(&txn).await.unwrap();
    }
    txn.commit().await.unwrap();
    assert_eq!(inserts.load(Ordering::Relaxed), 3);
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 100);
    assert!(entries.is_sorted_by_key(|entry| entry.record_id.parse::<i32>().unwrap()));
    db.close().await.unwrap();
}

async fn many_entries_do_not_wait_for_the_commit(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for row in 0..1100 {
        new_post(&row.to_string()).insert(&txn).await.unwrap();
    }
    assert_eq!(number(&txn, COUNT).await, 1024);
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1100);
    // A few large ones are many, too.
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for row in 0..3 {
        let image = Image::from_iter([("v".to_owned(), json!("x".repeat(500_000)))]);
        AuditTrail::record(&txn, Change::create("t", row.to_string(), image)).await.unwrap();
    }
    assert_eq!(number(&txn, COUNT).await, 1103);
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1103);
}

async fn many_nested_transactions_do_not_pile_up_entries(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for row in 0..1100 {
        let nested = TransactionTrait::begin(&txn).await.unwrap();
        new_post(&row.to_string()).insert(&nested).await.unwrap();
        nested.commit().await.unwrap();
    }
    assert!(number(&txn, COUNT).await > 0);
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1100);
}

async fn nested_transactions_hand_over_or_drop_their_entries(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let kept = TransactionTrait::begin(&txn).await.unwrap();
    new_post("b").insert(&kept).await.unwrap();
    let deeper = TransactionTrait::begin(&kept).await.unwrap();
    new_post("lost").insert(&deeper).await.unwrap();
    drop(deeper);
    kept.commit().await.unwrap();
    let dropped = TransactionTrait::begin(&txn).await.unwrap();
    new_post("lost").insert(&dropped).await.unwrap();
    dropped.rollback().await.unwrap();
    new_post("c").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    let entries = entries(&t.db).await;
    let titles: Vec<_> =
        entries.iter().map(|entry| &entry.new_values.as_ref().unwrap()["title"]).collect();
    assert_eq!(titles, ["a", "b", "c"]);
    assert!(entries.iter().all(|entry| entry.transaction_id == entries[0].transaction_id));
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 3);
}

async fn assert_explained(t: &TestDb) {
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}\n{}", trail(&t.db).await.join("\n"));
}

/// The savepoint takes the row along, so the entry must go as well.
async fn a_write_belongs_to_the_innermost_level_whoever_makes_it(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("before").insert(&txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    new_post("gone").insert(&txn).await.unwrap();
    nested.rollback().await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    new_post("kept").insert(&txn).await.unwrap();
    nested.commit().await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    new_post("dropped").insert(&txn).await.unwrap();
    drop(nested);
    new_post("after").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 3);
    assert_explained(&t).await;
}

/// Reading writes the entries out, inside of the savepoint that is then rolled back.
async fn entries_read_inside_of_a_nested_one_outlive_its_rollback(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    let innermost = TransactionTrait::begin(&nested).await.unwrap();
    new_post("b").insert(&innermost).await.unwrap();
    for db in [&txn, &nested, &innermost] {
        assert_eq!(AuditTrail::query().count(db).await.unwrap(), 2);
    }
    innermost.commit().await.unwrap();
    nested.rollback().await.unwrap();
    assert_eq!(AuditTrail::query().count(&txn).await.unwrap(), 1);
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    let many = (0..1500).map(|n| new_post(&format!("{n}")));
    post::Entity::audited().insert_many(many).exec_without_returning(&txn).await.unwrap();
    nested.rollback().await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
    assert_explained(&t).await;
}

async fn a_nested_one_reads_what_its_parent_did(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let post = new_post("a").insert(&txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    let found = AuditTrail::find_for_record(&nested, post::Entity, post.id).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(AuditTrail::verify(&nested, post::Entity).await.unwrap().is_clean());
    nested.commit().await.unwrap();
    txn.commit().await.unwrap();
    assert_explained(&t).await;
}

/// Two nested in one: the database stacks them, in whatever order they end.
async fn levels_that_end_crosswise_keep_rows_and_entries_together(t: TestDb) {
    create!(t, post::Entity);
    for (round, first_commits) in [true, false].into_iter().enumerate() {
        let title = |name: &str| new_post(&format!("{name} {round}"));
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        let one = TransactionTrait::begin(&txn).await.unwrap();
        title("one").insert(&one).await.unwrap();
        let other = TransactionTrait::begin(&txn).await.unwrap();
        title("other").insert(&other).await.unwrap();
        title("one again").insert(&one).await.unwrap();
        if first_commits {
            one.commit().await.unwrap();
            other.rollback().await.unwrap();
        } else {
            one.rollback().await.unwrap();
            other.commit().await.unwrap();
        }
        title("after").insert(&txn).await.unwrap();
        txn.commit().await.unwrap();
        assert_explained(&t).await;
    }
}

async fn a_transaction_that_does_not_commit_leaves_nothing(t: TestDb) {
    create!(t, post::Entity);
    for explicit in [true, false] {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        new_post("a").insert(&txn).await.unwrap();
        txn.flush().await.unwrap();
        new_post("b").insert(&txn).await.unwrap();
        if explicit {
            txn.rollback().await.unwrap();
        } else {
            drop(txn);
        }
    }
    assert!(entries(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

async fn run_commits_or_rolls_back(t: TestDb) {
    create!(t, post::Entity);
    let post = AuditTransaction::run(&t.db, async |txn| new_post("a").insert(txn).await).await;
    assert_eq!(post.unwrap().title, "a");
    let failed = AuditTransaction::run(&t.db, async |txn| {
        new_post("b").insert(txn).await?;
        Err::<(), _>(DbErr::Custom("changed my mind".to_owned()))
    });
    assert_eq!(failed.await.unwrap_err().to_string(), "Custom Error: changed my mind");
    assert_eq!(entries(&t.db).await.len(), 1);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

async fn the_trail_read_inside_shows_what_was_done(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let mut post = new_post("a").insert(&txn).await.unwrap().into_active_model();
    assert_eq!(AuditTrail::find_for_record(&txn, post::Entity, 1).await.unwrap().len(), 1);
    post.likes = Set(1);
    post.update(&txn).await.unwrap();
    assert_eq!(AuditTrail::find_for_record(&txn, post::Entity, 1).await.unwrap().len(), 2);
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 2);
}

async fn all_of_seaorm_runs_on_it(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let new = post::ActiveModel::builder()
        .set_title("a")
        .set_likes(0)
        .set_token(None::<String>)
        .set_views(0);
    let mut post = new.insert(&txn).await.unwrap().into_active_model();
    post.likes = Set(1);
    post.update(&txn).await.unwrap();
    let inside = txn.transaction::<_, _, DbErr>(|nested| {
        Box::pin(async move { new_post("b").insert(nested).await })
    });
    inside.await.unwrap();
    let failed = txn.transaction::<_, (), DbErr>(|nested| {
        Box::pin(async move {
            new_post("c").insert(nested).await?;
            Err(DbErr::Custom("changed my mind".to_owned()))
        })
    });
    failed.await.unwrap_err();
    let found = post::Entity::find().all(&txn).await.unwrap();
    assert_eq!(found.len(), 2);
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 3);
}

async fn generic_code_runs_on_it(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let mut post = ActiveModelTrait::insert(new_post("a"), &txn).await.unwrap().into_active_model();
    post.likes = Set(1);
    let post = ActiveModelTrait::update(post, &txn).await.unwrap();
    assert_eq!(ModelTrait::delete(post, &txn).await.unwrap().rows_affected, 1);
    txn.commit().await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by nobody: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":1,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn eight_of_them_on_one_row_leave_an_unbroken_chain(t: TestDb) {
    contend(&t, |db, row| async move {
        let txn = AuditTransaction::begin(&db).await?;
        row.update(&txn).await?;
        txn.commit().await
    })
    .await;
}

async fn joined_writes_take_turns(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let write = async |likes: i32| {
        let mut row = post.clone().into_active_model();
        row.likes = Set(likes);
        row.update(&txn).await.unwrap();
    };
    tokio::join!(write(1), write(2), write(3), write(4), write(5), write(6));
    txn.commit().await.unwrap();
    let last = number(&t.db, "SELECT likes FROM post").await;
    assert_chain(&entries(&t.db).await, 6, last);
}

/// The commit that follows waits for it, and takes row and entry along.
async fn a_cancelled_write_comes_to_its_end(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "row").await;
    let mut cancelled = 0;
    for n in 0..60 {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        let mut row = post.clone().into_active_model();
        row.likes = Set(i32::try_from(n).unwrap() + 1);
        let written = cancelled_after(1 + n % 4, row.update(&txn)).await;
        cancelled += usize::from(written.is_none());
        new_post(&format!("after {n}")).insert(&txn).await.unwrap();
        txn.commit().await.unwrap();
    }
    assert!((1..60).contains(&cancelled), "{cancelled} cancelled");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 61);
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 120);
    let updates: Vec<_> = entries.into_iter().filter(|entry| entry.old_values.is_some()).collect();
    assert_chain(&updates, 60, 60);
}

async fn a_cancelled_commit_commits(t: TestDb) {
    create!(t, post::Entity);
    for n in 0..30 {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        new_post(&n.to_string()).insert(&txn).await.unwrap();
        cancelled_after(1 + n % 5, txn.commit()).await;
    }
    settled(&t).await;
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 30);
    assert_eq!(entries(&t.db).await.len(), 30);
}

async fn a_transaction_with_an_open_nested_one_does_not_commit(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    new_post("a").insert(&nested).await.unwrap();
    let error = txn.commit().await.unwrap_err().to_string();
    assert!(error.contains("nested in this one is still open"), "{error}");
    drop(nested);
    settled(&t).await;
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    assert!(entries(&t.db).await.is_empty());
}

async fn a_commit_without_a_trail_commits_nothing(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let other = t.connect_with(|_| {}).await;
    if t.backend == Backend::Sqlite {
        // One writer at a time: the table has to go from within.
        AuditContext::without_audit(sql(&txn, "DROP TABLE audit_trail")).await;
    } else {
        sql(&other, "DROP TABLE audit_trail").await;
    }
    let error = txn.commit().await.unwrap_err().to_string();
    assert!(error.contains("run audit_migration::Migrator::up"), "{error}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    other.close().await.unwrap();
}

async fn a_commit_without_a_trail_commits_if_told_so(t: TestDb) {
    create!(t, post::Entity);
    prepare_refusal(&t).await;
    let config = AuditConfig::new().on_failure(FailurePolicy::Continue);
    let work = config.scope(async {
        let txn = AuditTransaction::begin(&t.db).await?;
        for title in ["a", "b", "c"] {
            new_post(title).insert(&txn).await?;
        }
        refuse_entries(&t, &txn).await;
        txn.commit().await
    });
    let (committed, logs) = audit_tests::logs::capture(work).await;
    committed.unwrap();
    assert_eq!(logs.matches("audit entry lost").count(), 3, "{logs}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 3);
}

async fn an_entry_that_cannot_be_made_breaks_it(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let refused = AuditConfig::new().redact("post", ["id"]);
    refused.scope(new_post("b").insert(&txn)).await.unwrap_err();
    let error = new_post("c").insert(&txn).await.unwrap_err().to_string();
    assert!(error.contains("the entry of one of its changes could not be made"), "{error}");
    let error = post::Entity::find().all(&txn).await.unwrap_err().to_string();
    assert!(error.contains("roll it back and run it again"), "{error}");
    txn.commit().await.unwrap_err();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    assert!(entries(&t.db).await.is_empty());
}

async fn a_refused_statement_does_not_break_it(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "taken").await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let ghost = post::ActiveModel { id: Set(99), likes: Set(1), ..Default::default() };
    ghost.update(&txn).await.unwrap_err();
    new_post("taken").insert(&txn).await.unwrap_err();
    if t.backend == Backend::Postgres {
        // There a failed statement spoils every transaction.
        txn.commit().await.unwrap_err();
        assert!(entries(&t.db).await.is_empty());
        return;
    }
    new_post("b").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 2);
}

async fn a_failed_nested_commit_leaves_the_parent(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "taken").await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    new_post("b").insert(&nested).await.unwrap();
    new_post("taken").insert(&nested).await.unwrap_err();
    // PostgreSQL spoils the savepoint, and no more; the others do not mind.
    let kept = match nested.commit().await {
        Ok(()) => 2,
        Err(_) => 1,
    };
    assert_eq!(kept == 1, t.backend == Backend::Postgres);
    new_post("c").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), kept + 1);
    let rows = number(&t.db, "SELECT COUNT(*) - 1 FROM post").await;
    assert_eq!(usize::try_from(rows).unwrap(), kept + 1);
}

async fn a_deadlock_breaks_it(t: TestDb) {
    create!(t, post::Entity);
    if t.backend == Backend::Sqlite {
        return; // One writer at a time: there is nothing to wait for in a circle.
    }
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    let both = Barrier::new(2);
    let cross = async |first: usize, second: usize, user: &str| {
        by(user, async {
            let txn = AuditTransaction::begin(&t.db).await?;
            let mut failed = false;
            for (holds, row) in [first, second].into_iter().enumerate() {
                let mut row = rows[row].clone().into_active_model();
                row.likes = Set(10);
                // The caller overlooks the error and goes on.
                failed |= row.update(&txn).await.is_err();
                if holds == 0 {
                    both.wait().await;
                }
            }
            let _ = new_post(user).insert(&txn).await;
            let committed = txn.commit().await;
            assert_eq!(committed.is_err(), failed);
            committed
        })
        .await
    };
    let (one, other) = tokio::join!(cross(0, 1, "one"), cross(1, 0, "other"));
    assert_eq!(usize::from(one.is_err()) + usize::from(other.is_err()), 1, "{one:?} {other:?}");
    let winner = if one.is_ok() { "one" } else { "other" };
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| entry.user_id.as_deref() == Some(winner)));
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 3);
}

/// As above, by SQL of the caller's that the trail does not see.
async fn a_deadlock_of_a_statement_that_is_not_audited_breaks_it(t: TestDb) {
    create!(t, post::Entity);
    if t.backend == Backend::Sqlite {
        return;
    }
    sql(&t.db, "CREATE TABLE unseen (id int PRIMARY KEY, n int)").await;
    sql(&t.db, "INSERT INTO unseen VALUES (1, 0), (2, 0)").await;
    let both = Barrier::new(2);
    let cross = async |first: i32, second: i32| {
        let txn = AuditTransaction::begin(&t.db).await?;
        new_post(&first.to_string()).insert(&txn).await?;
        for (holds, id) in [first, second].into_iter().enumerate() {
            let update = format!("UPDATE unseen SET n = n + 1 WHERE id = {id}");
            let _ = txn.execute_unprepared(&update).await;
            if holds == 0 {
                both.wait().await;
            }
        }
        txn.commit().await
    };
    let (one, other): (Result<(), DbErr>, _) = tokio::join!(cross(1, 2), cross(2, 1));
    assert_eq!(usize::from(one.is_err()) + usize::from(other.is_err()), 1, "{one:?} {other:?}");
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// `SQLx` takes back the transaction around it. What followed would commit by itself, and its entry
/// would go with the rollback.
/// With `innodb_snapshot_isolation`, the default since `MariaDB` 11.6.2.
async fn a_conflict_of_snapshots_breaks_it(t: TestDb) {
    create!(t, post::Entity);
    let one = unseen_post(&t.db, "a").await;
    let db = t.connect_with(|_| {}).await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    sql(&txn, "SET SESSION innodb_snapshot_isolation = ON").await;
    new_post("b").insert(&txn).await.unwrap();
    post::Entity::find_by_id(one.id).one(&txn).await.unwrap();
    sql(&t.db, "UPDATE post SET likes = 5 WHERE id = 1").await;
    let mut row = one.into_active_model();
    row.likes = Set(7);
    let error = row.update(&txn).await.unwrap_err();
    assert_eq!(answer::code(&error), "1020", "{error}");
    let error = txn.commit().await.unwrap_err().to_string();
    assert!(error.contains("roll it back"), "{error}");
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

async fn a_lock_that_is_not_had_leaves_it_whole(t: TestDb) {
    create!(t, post::Entity);
    let one = unseen_post(&t.db, "a").await;
    let other = t.db.begin().await.unwrap();
    sql(&other, "UPDATE post SET likes = 5 WHERE id = 1").await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    sql(&txn, "SET SESSION innodb_lock_wait_timeout = 1").await;
    new_post("b").insert(&txn).await.unwrap();
    let mut row = one.into_active_model();
    row.likes = Set(7);
    let error = row.update(&txn).await.unwrap_err();
    assert_eq!(answer::code(&error), "1205", "{error}");
    txn.commit().await.unwrap();
    other.rollback().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn a_deadlock_of_a_stream_breaks_it(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "CREATE TABLE lockable (id int PRIMARY KEY)").await;
    sql(&t.db, "INSERT INTO lockable VALUES (1), (2)").await;
    let lock = |id: i32| {
        let text = format!("SELECT id FROM lockable WHERE id = {id} FOR UPDATE");
        Statement::from_string(t.db.get_database_backend(), text)
    };
    let other = t.db.begin().await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    // The transaction that has changed less is the one that is undone.
    sql(&other, "CREATE TEMPORARY TABLE weight (n int) ENGINE = InnoDB").await;
    sql(&other, "INSERT INTO weight SELECT seq FROM seq_1_to_500").await;
    sql(&other, "UPDATE lockable SET id = id + 0 WHERE id = 1").await;
    other.query_one_raw(lock(1)).await.unwrap();
    txn.query_one_raw(lock(2)).await.unwrap();
    let theirs = async { other.query_one_raw(lock(2)).await.map(drop) };
    let ours = async {
        let rows: Result<Vec<_>, _> = txn.stream_raw(lock(1)).await?.try_collect().await;
        rows.map(drop)
    };
    let (ours, theirs) = tokio::join!(ours, theirs);
    other.rollback().await.unwrap();
    assert!(ours.is_err() != theirs.is_err(), "one of them is the victim");
    assert_eq!(txn.commit().await.is_ok(), ours.is_ok());
    assert_eq!(trail(&t.db).await.len(), usize::from(ours.is_ok()));
    assert_explained(&t).await;
}

async fn a_savepoint_that_fails_breaks_it(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    if t.backend != Backend::Postgres {
        return; // Elsewhere a refused statement leaves the transaction as it was.
    }
    txn.execute_unprepared("SELECT 1 / 0").await.unwrap_err();
    TransactionTrait::begin(&txn).await.unwrap_err();
    let refused = new_post("a").insert(&txn).await.unwrap_err().to_string();
    assert!(refused.contains("this transaction cannot go on"), "{refused}");
    txn.rollback().await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    assert!(entries(&t.db).await.is_empty());
}

/// The nested transactions of `SeaORM` end while the write under way still uses the connection.
async fn a_cancelled_write_with_children_leaves_it_whole(t: TestDb) {
    crate::property::schema(&t).await;
    for n in 0..60 {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        new_post(&format!("before {n}")).insert(&txn).await.unwrap();
        let article =
            relations::article("a").add_note(relations::note("one")).add_tag(relations::tag("x"));
        let write = relations::writer("ann").add_article(article).save(&txn);
        cancelled_after(1 + n % 30, write).await;
        number(&txn, COUNT).await;
        new_post(&format!("after {n}")).insert(&txn).await.unwrap();
        txn.commit().await.unwrap();
    }
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 120);
    crate::property::assert_explained(&t.db, "cancelled").await;
}

async fn it_obeys_its_options(t: TestDb) {
    create!(t, post::Entity);
    let options = TransactionOptions {
        isolation_level: Some(sea_orm::IsolationLevel::Serializable),
        sqlite_transaction_mode: Some(sea_orm::SqliteTransactionMode::Deferred),
        ..TransactionOptions::default()
    };
    let txn = AuditTransaction::begin_with_options(&t.db, options).await.unwrap();
    if t.backend == Backend::Postgres {
        let statement = sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            "SELECT current_setting('transaction_isolation')",
        );
        let row = sea_orm::ConnectionTrait::query_one_raw(&txn, statement).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "serializable");
    }
    new_post("a").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1);
}

/// Has the table refuse entries from now on. On `MariaDB` DDL would end the transaction, so there a
/// trigger made in time listens to a variable.
async fn refuse_entries(t: &TestDb, txn: &AuditTransaction) {
    match t.backend {
        Backend::MariaDb => sql(txn, "SET @refuse = 1").await,
        _ => sql(txn, "ALTER TABLE audit_trail RENAME TO hidden").await,
    }
}

async fn prepare_refusal(t: &TestDb) {
    if t.backend == Backend::MariaDb {
        let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON audit_trail FOR EACH ROW \
             IF @refuse THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'; END IF";
        sql(&t.db, trigger).await;
    }
}
