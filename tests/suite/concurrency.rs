//! True images under contention, and nothing by halves when a write is cancelled.

use std::{sync::Arc, time::Duration};

use audit_seaorm::AuditEntry;
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel,
    TransactionTrait,
};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    entities::post,
    support::{by, create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    eight_writers_of_one_row_leave_an_unbroken_chain,
    eight_generic_writers_of_one_row_leave_an_unbroken_chain,
    eight_transactions_on_one_row_leave_an_unbroken_chain,
    joined_writes_of_one_row_on_one_transaction_leave_an_unbroken_chain,
    tasks_that_share_a_transaction_take_turns,
    cancelled_writes_on_a_pool_are_whole_or_not_there,
    #[only(Postgres, MariaDb)] cancelled_writes_leave_no_transaction_open,
    cancelled_writes_on_a_transaction_are_whole_or_not_there,
    #[only(Sqlite)] deferred_transactions_wait_for_each_other,
    #[only(Postgres)] a_row_being_updated_does_not_block_rows_that_refer_to_it,
    a_deadlock_is_an_error_and_not_a_wrong_entry,
}

const WRITERS: usize = 8;
const UPDATES: usize = 25;

/// Each entry's old value is the former one's new value, from the first to the last.
#[track_caller]
pub(crate) fn assert_chain(entries: &[AuditEntry], length: usize, last: i64) {
    let likes =
        |side: &Option<serde_json::Value>| side.as_ref().unwrap()["likes"].as_i64().unwrap();
    assert_eq!(entries.len(), length);
    let mut value = 0;
    for entry in entries {
        assert_eq!(likes(&entry.old_values), value);
        value = likes(&entry.new_values);
    }
    assert_eq!(value, last);
}

/// `writers` tasks that each update the row `UPDATES` times, to values that none repeats.
pub(crate) async fn contend<F>(
    t: &TestDb,
    update: impl Fn(DatabaseConnection, post::ActiveModel) -> F,
) where
    F: Future<Output = Result<(), DbErr>> + Send + 'static,
{
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    contend_for(t, post, update).await;
}

/// The same for a post that is there.
pub(crate) async fn contend_for<F>(
    t: &TestDb,
    post: post::Model,
    update: impl Fn(DatabaseConnection, post::ActiveModel) -> F,
) where
    F: Future<Output = Result<(), DbErr>> + Send + 'static,
{
    let id = post.id;
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let writes: Vec<_> = (0..UPDATES)
            .map(|update| {
                let mut row = post.clone().into_active_model();
                row.likes = Set(i32::try_from(1 + writer * UPDATES + update).unwrap());
                row
            })
            .map(|row| update(t.db.clone(), row))
            .collect();
        tasks.spawn(async move {
            for write in writes {
                write.await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let last = number(&t.db, &format!("SELECT likes FROM post WHERE id = {id}")).await;
    assert_chain(&entries(&t.db).await, WRITERS * UPDATES, last);
}

async fn eight_writers_of_one_row_leave_an_unbroken_chain(t: TestDb) {
    contend(&t, async |db, row| row.update(&db).await.map(drop)).await;
}

async fn eight_generic_writers_of_one_row_leave_an_unbroken_chain(t: TestDb) {
    contend(&t, |db, row| async move { ActiveModelTrait::update(row, &db).await.map(drop) }).await;
}

async fn eight_transactions_on_one_row_leave_an_unbroken_chain(t: TestDb) {
    contend(&t, |db, row| async move {
        let txn = db.begin().await?;
        row.update(&txn).await?;
        txn.commit().await
    })
    .await;
}

async fn joined_writes_of_one_row_on_one_transaction_leave_an_unbroken_chain(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let txn = t.db.begin().await.unwrap();
    let write = async |likes: i32| {
        let mut row = post.clone().into_active_model();
        row.likes = Set(likes);
        if likes % 2 == 0 {
            row.update(&txn).await.unwrap();
        } else {
            ActiveModelTrait::update(row, &txn).await.unwrap();
        }
    };
    tokio::join!(write(1), write(2), write(3), write(4), write(5), write(6));
    txn.commit().await.unwrap();
    let last = number(&t.db, "SELECT likes FROM post").await;
    assert_chain(&entries(&t.db).await, 6, last);
}

/// Without their turns one reads the before-image, another changes the row, and the savepoints nest
/// crosswise.
async fn tasks_that_share_a_transaction_take_turns(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let txn = Arc::new(t.db.begin().await.unwrap());
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let (txn, post) = (Arc::clone(&txn), post.clone());
        tasks.spawn(async move {
            for update in 0..10 {
                let mut row = post.clone().into_active_model();
                row.likes = Set(1 + writer * 10 + update);
                row.update(&*txn).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    Arc::into_inner(txn).unwrap().commit().await.unwrap();
    let last = number(&t.db, "SELECT likes FROM post").await;
    assert_chain(&entries(&t.db).await, 80, last);
}

const CANCELLED: u32 = 400;

/// How long write number `n` may take: spread over what one takes here, in no order.
fn patience(n: u32, usual: Duration) -> Duration {
    usual * ((n * 7919) % 400) / 200
}

async fn cancelled_writes_on_a_pool_are_whole_or_not_there(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "row").await;
    let start = tokio::time::Instant::now();
    for warm in 0..5 {
        new_post(&format!("warm {warm}")).insert(&t.db).await.unwrap();
    }
    let usual = start.elapsed() / 5;
    let mut finished = 0;
    for n in 0..CANCELLED {
        let write = async {
            if n % 2 == 0 {
                new_post(&format!("new {n}")).insert(&t.db).await.map(drop)
            } else {
                let mut row = post.clone().into_active_model();
                row.likes = Set(i32::try_from(n).unwrap());
                row.update(&t.db).await.map(drop)
            }
        };
        // By the clock, which knows milliseconds, and by what the write waits for.
        let result = if n % 4 < 2 {
            tokio::time::timeout(patience(n, usual), write).await.ok()
        } else {
            cancelled_after(1 + n as usize / 4 % 6, write).await
        };
        if let Some(result) = result {
            result.unwrap();
            finished += 1;
        }
    }
    assert!((1..CANCELLED).contains(&finished), "{finished} of {CANCELLED} finished");
    settled(&t).await;
    let mut row = post.into_active_model();
    row.likes = Set(-1);
    row.update(&t.db).await.unwrap();
    let created =
        number(&t.db, "SELECT COUNT(*) FROM audit_trail WHERE operation = 'CREATE'").await;
    assert_eq!(number(&t.db, "SELECT COUNT(*) - 1 FROM post").await, created);
    let entries = entries(&t.db).await;
    let updates: Vec<_> = entries.into_iter().filter(|entry| entry.old_values.is_some()).collect();
    assert_chain(&updates, updates.len(), -1);
}

/// Waits for what cancelled writes left under way: whoever holds every connection of the pool is alone.
/// It also shows that none of them was lost.
pub(crate) async fn settled(t: &TestDb) {
    let connections = if t.backend == Backend::Sqlite { 8 } else { 16 };
    let mut held = Vec::new();
    for _ in 0..connections {
        let connection = tokio::time::timeout(Duration::from_secs(10), t.db.begin()).await;
        held.push(connection.expect("no connection is lost").unwrap());
    }
}

/// Polls `future` so many times and then drops it.
pub(crate) async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// `SQLx` forgets a `BEGIN` whose future is dropped before the answer comes: the connection goes back
/// to the pool inside of a transaction that nobody will commit.
async fn cancelled_writes_leave_no_transaction_open(t: TestDb) {
    create!(t, post::Entity);
    let observer = t.connect_with(|_| {}).await;
    let open = match t.backend {
        Backend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        }
        _ => {
            "SELECT COUNT(*) FROM information_schema.innodb_trx t \
             JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
             WHERE p.db = DATABASE()"
        }
    };
    for n in 0..200 {
        let title = format!("new {n}");
        let write = new_post(&title).insert(&t.db);
        cancelled_after(1 + n % 20, write).await;
        // Now and then the cancelled ones get the time to end.
        if n % 10 == 0 {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(50);
            while number(&observer, open).await > 0 {
                assert!(tokio::time::Instant::now() < deadline, "still open after {n} writes");
                // InnoDB looks again only if nobody has asked for a tenth of a second.
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }
    }
    settled(&t).await;
}

/// The transaction outlives the cancelled write, and its owner tries to commit all the same. `SQLx`
/// may have lost it by then; whatever it kept is whole.
async fn cancelled_writes_on_a_transaction_are_whole_or_not_there(t: TestDb) {
    create!(t, post::Entity);
    let mut finished = 0;
    for n in 0..200 {
        let txn = t.db.begin().await.unwrap();
        new_post(&format!("sure {n}")).insert(&txn).await.unwrap();
        let title = format!("new {n}");
        let write = new_post(&title).insert(&txn);
        let in_time = cancelled_after(1 + n % 20, write).await;
        let committed = txn.commit().await;
        if let Some(written) = in_time {
            written.unwrap();
            committed.unwrap();
            finished += 1;
        }
    }
    assert!((1..200).contains(&finished), "{finished} finished");
    let rows = number(&t.db, "SELECT COUNT(*) FROM post").await;
    assert!(rows >= 2 * finished);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM audit_trail").await, rows);
}

/// A plain `BEGIN` on `SQLite` reads before it writes once we look at the before-image: without the
/// write lock taken first, the second of these fails with "database is locked" at once.
async fn deferred_transactions_wait_for_each_other(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let mut tasks = JoinSet::new();
    for writer in 0..4 {
        let (db, mut row) = (t.db.clone(), post.clone().into_active_model());
        tasks.spawn(async move {
            let txn = db.begin().await.unwrap();
            row.likes = Set(writer + 1);
            row.update(&txn).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            txn.commit().await.unwrap();
        });
    }
    tasks.join_all().await;
    let last = number(&t.db, "SELECT likes FROM post").await;
    assert_chain(&entries(&t.db).await, 4, last);
}

/// `FOR UPDATE` would block them; an UPDATE that touches no key does not.
async fn a_row_being_updated_does_not_block_rows_that_refer_to_it(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "CREATE TABLE comment (post_id int REFERENCES post (id))").await;
    let mut post = unseen_post(&t.db, "a").await.into_active_model();
    post.likes = Set(1);
    let txn = t.db.begin().await.unwrap();
    post.update(&txn).await.unwrap();
    let insert = sql(&t.db, "INSERT INTO comment VALUES (1)");
    tokio::time::timeout(Duration::from_secs(5), insert)
        .await
        .expect("nobody waits for the update");
    txn.commit().await.unwrap();
}

async fn a_deadlock_is_an_error_and_not_a_wrong_entry(t: TestDb) {
    create!(t, post::Entity);
    if t.backend == Backend::Sqlite {
        return; // One writer at a time: there is nothing to wait for in a circle.
    }
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    let both = Barrier::new(2);
    let cross = async |first: usize, second: usize, user: &str| {
        by(user, async {
            let txn = t.db.begin().await?;
            for (holds, row) in [first, second].into_iter().enumerate() {
                let mut row = rows[row].clone().into_active_model();
                row.likes = Set(row.id.try_as_ref().copied().unwrap_or_default() * 10);
                row.update(&txn).await?;
                // Each holds one row before either asks for the other's; whoever wins waits for nobody.
                if holds == 0 {
                    both.wait().await;
                }
            }
            txn.commit().await
        })
        .await
    };
    let (one, other): (Result<(), DbErr>, _) =
        tokio::join!(cross(0, 1, "one"), cross(1, 0, "other"));
    assert_eq!(usize::from(one.is_err()) + usize::from(other.is_err()), 1, "{one:?} {other:?}");
    let winner = if one.is_ok() { "one" } else { "other" };
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.user_id.as_deref() == Some(winner)));
    let changed = post::Entity::find().all(&t.db).await.unwrap();
    assert!(changed.iter().all(|post| post.likes == post.id * 10));
}
