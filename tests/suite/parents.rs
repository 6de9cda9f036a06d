//! Rows that others refer to, and what else an UPDATE that gives back both images must not trip over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use audit_seaorm::AuditTrail;
use audit_tests::{Backend, TestDb, answer};
use sea_orm::{
    ActiveValue::Set,
    DatabaseConnection, DbErr, EntityTrait, IntoActiveModel, IsolationLevel, QueryFilter,
    TransactionTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use tokio::task::JoinSet;

use crate::{
    concurrency::{assert_chain, contend_for},
    entities::post,
    support::{create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    #[only(Postgres, MariaDb)] parents_are_updated_while_children_are_inserted,
    #[only(Postgres, MariaDb)] parents_are_updated_by_a_filter_while_children_are_inserted,
    #[only(Postgres)] parents_are_upserted_while_children_are_inserted,
    #[only(Postgres)] a_lock_by_a_column_outside_of_the_entity_lets_one_pass,
    #[only(Postgres)] eight_writers_of_a_row_of_a_view_leave_an_unbroken_chain,
    #[only(Postgres)] eight_writers_of_a_view_with_triggers_leave_an_unbroken_chain,
    #[only(Postgres)] eight_writers_of_a_partitioned_table_leave_an_unbroken_chain,
    #[only(Postgres)] eight_writers_past_a_trigger_leave_an_unbroken_chain,
    #[only(Postgres)] a_row_that_changed_since_the_snapshot_is_a_serialization_failure,
}

const WRITERS: usize = 10;
const WRITES: usize = 40;
const INSERTERS: usize = 6;

/// Two posts, and comments that refer to them.
async fn parents(t: &TestDb) {
    create!(t, post::Entity);
    for title in ["a", "b"] {
        new_post(title).insert(&t.db).await.unwrap();
    }
    let comment =
        "CREATE TABLE comment (post_id int NOT NULL, FOREIGN KEY (post_id) REFERENCES post (id))";
    sql(&t.db, comment).await;
}

/// Tasks that write a parent, while others insert children for as long as they do. None of them may fail, and the
/// trail must explain the parents.
async fn beside_inserts<F>(
    t: &TestDb,
    write: impl Fn(DatabaseConnection, i32) -> F + Send + Sync + 'static,
) where
    F: Future<Output = Result<(), DbErr>> + Send + 'static,
{
    parents(t).await;
    let (write, done) = (Arc::new(write), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for task in 0..WRITERS {
        let (db, write) = (t.db.clone(), Arc::clone(&write));
        writers.spawn(async move {
            for n in 0..WRITES {
                let number = i32::try_from(task * WRITES + n).unwrap();
                write(db.clone(), 1 + number).await.unwrap();
            }
        });
    }
    let mut inserters = JoinSet::new();
    for task in 0..INSERTERS {
        let (db, done) = (t.db.clone(), Arc::clone(&done));
        inserters.spawn(async move {
            for n in task.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // Their locks overlap, as those of requests do that have more to do.
                let txn = db.begin().await.unwrap();
                sql(&txn, &format!("INSERT INTO comment VALUES ({})", 1 + n % 2)).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
                txn.commit().await.unwrap();
            }
        });
    }
    while let Some(outcome) = writers.join_next().await {
        outcome.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    while let Some(outcome) = inserters.join_next().await {
        outcome.unwrap();
    }
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(entries(&t.db).await.len() >= 2 + WRITERS * WRITES);
    assert_eq!(deadlocks(t).await, 0);
}

/// How many the server has counted, also of those after which somebody tried again.
async fn deadlocks(t: &TestDb) -> i64 {
    if t.backend == Backend::MariaDb {
        return 0;
    }
    // A session tells what it has counted when it ends.
    t.db.clone().close().await.unwrap();
    let observer = t.connect_with(|_| {}).await;
    let count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    number(&observer, count).await
}

async fn parents_are_updated_while_children_are_inserted(t: TestDb) {
    beside_inserts(&t, |db, number| async move {
        let row =
            post::ActiveModel { id: Set(1 + number % 2), likes: Set(number), ..Default::default() };
        row.update(&db).await.map(drop)
    })
    .await;
}

async fn parents_are_updated_by_a_filter_while_children_are_inserted(t: TestDb) {
    beside_inserts(&t, |db, _| async move {
        let update = post::Entity::audited().update_many();
        let likes = Expr::col(post::Column::Likes).add(1);
        update.col_expr(post::Column::Likes, likes).exec(&db).await.map(drop)
    })
    .await;
}

async fn parents_are_upserted_while_children_are_inserted(t: TestDb) {
    beside_inserts(&t, |db, number| async move {
        let title = ["a", "b"][usize::from(number % 2 == 0)];
        let row = post::ActiveModel { likes: Set(number + 1), ..new_post(title) };
        let likes =
            OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned();
        let upsert = post::Entity::audited().insert(row).on_conflict(likes);
        upsert.exec_without_returning(&db).await.map(drop)
    })
    .await;
}

/// The images are alike whatever becomes of that column, so they do not tell that somebody was quicker.
async fn a_lock_by_a_column_outside_of_the_entity_lets_one_pass(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    sql(&t.db, "ALTER TABLE post ADD COLUMN free boolean NOT NULL DEFAULT true").await;
    for round in 0..20 {
        sql(&t.db, "UPDATE post SET free = true").await;
        let take = async |likes: i32| {
            let row =
                post::ActiveModel { id: Set(post.id), likes: Set(likes), ..Default::default() };
            let update = post::Entity::audited().update(row).validate().unwrap();
            update.filter(Expr::col("free").eq(true)).exec(&t.db).await
        };
        let txn = t.db.begin().await.unwrap();
        sql(&txn, "UPDATE post SET free = false").await;
        let commit = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            txn.commit().await
        };
        let (taken, committed) = tokio::join!(take(7), commit);
        committed.unwrap();
        assert_eq!(taken, Err(DbErr::RecordNotUpdated), "the row was held when the update began");
        assert_eq!(take(8).await, Err(DbErr::RecordNotUpdated));
    }
    assert!(entries(&t.db).await.is_empty());
}

async fn update(db: DatabaseConnection, row: post::ActiveModel) -> Result<(), DbErr> {
    row.update(&db).await.map(drop)
}

async fn eight_writers_of_a_row_of_a_view_leave_an_unbroken_chain(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    sql(&t.db, "ALTER TABLE post RENAME TO base; CREATE VIEW post AS SELECT * FROM base").await;
    contend_for(&t, post, update).await;
}

async fn eight_writers_of_a_view_with_triggers_leave_an_unbroken_chain(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    sql(
        &t.db,
        "ALTER TABLE post RENAME TO base; CREATE VIEW post AS SELECT * FROM base; \
         CREATE FUNCTION write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         UPDATE base SET likes = NEW.likes WHERE id = OLD.id; RETURN NEW; END $$; \
         CREATE TRIGGER write INSTEAD OF UPDATE ON post FOR EACH ROW EXECUTE FUNCTION write()",
    )
    .await;
    contend_for(&t, post, update).await;
}

async fn eight_writers_of_a_partitioned_table_leave_an_unbroken_chain(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    sql(
        &t.db,
        "ALTER TABLE post RENAME TO whole; \
         CREATE TABLE post (LIKE whole, PRIMARY KEY (id)) PARTITION BY HASH (id); \
         CREATE TABLE half PARTITION OF post FOR VALUES WITH (MODULUS 2, REMAINDER 0); \
         CREATE TABLE other PARTITION OF post FOR VALUES WITH (MODULUS 2, REMAINDER 1); \
         INSERT INTO post SELECT * FROM whole; \
         INSERT INTO post SELECT n, 'p' || n, 0, NULL, 0 FROM generate_series(2, 500) n; ANALYZE post",
    )
    .await;
    contend_for(&t, post, update).await;
}

/// Such a trigger makes `PostgreSQL` lock the row ahead of it, and ask again there.
async fn eight_writers_past_a_trigger_leave_an_unbroken_chain(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    sql(
        &t.db,
        "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         NEW.views = OLD.views + 1; RETURN NEW; END $$; \
         CREATE TRIGGER seen BEFORE UPDATE ON post FOR EACH ROW EXECUTE FUNCTION seen()",
    )
    .await;
    contend_for(&t, post, update).await;
    assert_eq!(number(&t.db, "SELECT views FROM post").await, 200);
}

async fn a_row_that_changed_since_the_snapshot_is_a_serialization_failure(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    for level in [IsolationLevel::RepeatableRead, IsolationLevel::Serializable] {
        let txn = t.db.begin_with_config(Some(level), None).await.unwrap();
        let seen = post::Entity::find_by_id(post.id).one(&txn).await.unwrap().unwrap();
        sql(&t.db, "UPDATE post SET likes = likes + 1").await;
        let mut row = seen.clone().into_active_model();
        row.likes = Set(seen.likes + 100);
        let error = row.update(&txn).await.unwrap_err();
        assert_eq!(answer::code(&error), "40001", "{error}");
        txn.rollback().await.unwrap();
    }
    // A row that the snapshot has not is none.
    let txn = t.db.begin_with_config(Some(IsolationLevel::RepeatableRead), None).await.unwrap();
    assert_eq!(number(&txn, "SELECT COUNT(*) FROM post").await, 1);
    let late = unseen_post(&t.db, "late").await;
    let mut row = late.into_active_model();
    row.likes = Set(1);
    assert_eq!(row.update(&txn).await, Err(DbErr::RecordNotUpdated));
    txn.rollback().await.unwrap();
    assert_chain(&entries(&t.db).await, 0, 0);
}
