//! Entries written in the background: after the commit, each once, whatever becomes of the database.

mod ground;
mod histories;
mod kill;
mod load;
mod namesakes;
mod rescue;
#[cfg(unix)]
mod rest_file;

use std::time::Duration;

use audit_seaorm::{
    AuditConfig, AuditCounters, AuditTrail, AuditTransaction, AuditWriter, Background, WhenFull,
};
use audit_tests::{Backend, TestDb, connect, wire::Commit};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectOptions, ConnectionTrait as _, DatabaseConnection,
    DbErr, EntityTrait, ExprTrait as _, IntoActiveModel, QueryFilter as _, TransactionTrait,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use self::ground::{Wired, patient, verified, wired};
pub(crate) use kill::{write_for_ever, writer_url};

use crate::{
    entities::post,
    support::{create, entries, new_post, number, trail, unseen_post},
};

audit_tests::tests! {
    entries_come_after_the_commit_and_a_flush_waits_for_them,
    a_batch_is_written_when_it_is_full_or_old,
    what_did_not_commit_has_no_entry,
    a_transaction_that_an_error_has_ended_has_no_entries,
    a_cancelled_write_has_its_entry_if_it_commits,
    a_transaction_of_the_callers_has_its_entries_in_it,
    a_full_queue_makes_a_write_wait_and_then_write_directly,
    a_full_queue_may_be_passed_at_once,
    more_than_the_queue_holds_is_written_directly,
    the_entries_of_a_record_appear_in_order,
    after_shutdown_entries_are_written_with_their_changes,
    nothing_is_lost_by_a_shutdown_while_others_write,
    one_thread_is_enough,
    #[only(Postgres, MariaDb)] a_transaction_that_somebody_left_open_takes_no_entry_along,
    every_change_has_its_entry_while_the_database_comes_and_goes,
    #[only(Postgres, MariaDb)] a_commit_of_the_writers_own_may_be_lost,
    #[only(Postgres, MariaDb)] a_commit_without_an_answer_is_looked_into,
    #[only(Postgres, MariaDb)] a_commit_without_an_answer_is_looked_into_beside_the_queue_of_another_process,
    #[only(Postgres, MariaDb)] changes_after_one_in_doubt_tell_of_it,
}

/// The other tests of this folder.
pub(crate) fn all_tests() -> Vec<audit_tests::Test> {
    let all =
        [tests(), histories::tests(), kill::tests(), namesakes::tests(), rescue::tests()].concat();
    #[cfg(unix)]
    let all = [all, rest_file::tests()].concat();
    all
}

async fn entries_come_after_the_commit_and_a_flush_waits_for_them(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, patient());
    let config = AuditConfig::new().background(&writer);
    config
        .scope(async {
            let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
            post.likes = Set(1);
            let post = post.update(&t.db).await.unwrap();
            post.delete(&t.db).await.unwrap();
            let rows = ["b", "c"].map(new_post);
            post::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
            let txn = AuditTransaction::begin(&t.db).await.unwrap();
            let nested = txn.begin().await.unwrap();
            new_post("d").insert(&nested).await.unwrap();
            nested.commit().await.unwrap();
            new_post("e").insert(&txn).await.unwrap();
            txn.commit().await.unwrap();
            let db = audit_seaorm::AuditConnection::new(t.db.clone());
            new_post("f").insert(&db).await.unwrap();
        })
        .await;
    assert!(trail(&t.db).await.is_empty());
    let status = writer.status();
    assert_eq!((status.queued, status.in_doubt, status.is_running), (8, 0, true));
    assert!(status.oldest.is_some_and(|age| age < Duration::from_mins(1)), "{status:?}");
    assert!(AuditCounters::now().queued >= 8);

    writer.flush().await.unwrap();
    assert_eq!(writer.status().queued, 0);
    let lines = trail(&t.db).await;
    let operations: Vec<_> = lines.iter().map(|line| &line[..13]).collect();
    let create = "CREATE post ";
    assert_eq!(operations[..3], ["CREATE post 1", "UPDATE post 1", "DELETE post 1"]);
    assert!(operations[3..].iter().all(|line| line.starts_with(create)), "{lines:?}");
    let all = entries(&t.db).await;
    assert_eq!(all.len(), 8);
    assert_eq!(all[5].transaction_id, all[6].transaction_id, "they committed together");
    assert!(all.iter().all(|entry| entry.transaction_id.is_some()));
    verified(&t.db).await;
}

async fn a_batch_is_written_when_it_is_full_or_old(t: TestDb) {
    create!(t, post::Entity);
    let settings = patient().batch_size(4);
    let writer = AuditWriter::start_without_last_resort(&t.db, settings);
    let config = AuditConfig::new().background(&writer);
    let insert = async |from: u32, to: u32| {
        for number in from..to {
            new_post(&number.to_string()).insert(&t.db).await.unwrap();
        }
    };
    config.scope(insert(0, 6)).await;
    until(&t.db, 4).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(entries(&t.db).await.len(), 4, "two wait for their batch to fill");
    writer.shutdown().await.unwrap();

    let settings = patient().interval(Duration::from_millis(20));
    let writer = AuditWriter::start_without_last_resort(&t.db, settings);
    AuditConfig::new().background(&writer).scope(insert(6, 7)).await;
    until(&t.db, 7).await;
}

/// Waits for so many entries.
async fn until(db: &DatabaseConnection, wanted: usize) {
    let found = async {
        while entries(db).await.len() < wanted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), found).await.expect("the entries come");
}

async fn what_did_not_commit_has_no_entry(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "taken").await;
    let writer = AuditWriter::start_without_last_resort(&t.db, patient());
    AuditConfig::new()
        .background(&writer)
        .scope(async {
            new_post("taken").insert(&t.db).await.unwrap_err();
            let rows = ["x", "taken"].map(new_post);
            post::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap_err();

            let txn = AuditTransaction::begin(&t.db).await.unwrap();
            new_post("rolled back").insert(&txn).await.unwrap();
            txn.rollback().await.unwrap();
            let txn = AuditTransaction::begin(&t.db).await.unwrap();
            new_post("dropped").insert(&txn).await.unwrap();
            drop(txn);

            let txn = AuditTransaction::begin(&t.db).await.unwrap();
            new_post("kept").insert(&txn).await.unwrap();
            let savepoint = txn.begin().await.unwrap();
            new_post("taken back").insert(&savepoint).await.unwrap();
            savepoint.rollback().await.unwrap();
            txn.commit().await.unwrap();

            let mut post = unseen_post(&t.db, "same").await.into_active_model();
            post.title = Set("same".to_owned());
            post.update(&t.db).await.unwrap();
        })
        .await;
    writer.shutdown().await.unwrap();
    let lines = trail(&t.db).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("kept"));
    verified_but(&t.db, 2).await;
}

/// The trail explains the rows but for those that were inserted unseen.
async fn verified_but(db: &DatabaseConnection, unseen: u64) {
    let report = AuditTrail::verify(db, post::Entity).await.unwrap();
    assert_eq!(report.total(), unseen, "{report}");
}

async fn a_cancelled_write_has_its_entry_if_it_commits(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, Background::new());
    AuditConfig::new()
        .background(&writer)
        .scope(async {
            for micros in 0..150 {
                let wait = Duration::from_micros(micros * 20);
                let title = format!("{micros}");
                let _ = timeout(wait, new_post(&title).insert(&t.db)).await;
                let txn = timeout(wait, async {
                    let txn = AuditTransaction::begin(&t.db).await?;
                    new_post(&format!("t{title}")).insert(&txn).await?;
                    txn.commit().await
                });
                let _ = txn.await;
            }
        })
        .await;
    // What was begun comes to its end.
    let mut seen = 0;
    loop {
        sleep(Duration::from_millis(300)).await;
        let posts = number(&t.db, "SELECT COUNT(*) FROM post").await;
        if posts == seen {
            break;
        }
        seen = posts;
    }
    writer.shutdown().await.unwrap();
    assert!(verified(&t.db).await > 0);
}

async fn a_transaction_of_the_callers_has_its_entries_in_it(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, patient());
    AuditConfig::new()
        .background(&writer)
        .scope(async {
            let txn = t.db.begin().await.unwrap();
            new_post("a").insert(&txn).await.unwrap();
            assert_eq!(entries(&txn).await.len(), 1);
            txn.rollback().await.unwrap();
            let txn = t.db.begin().await.unwrap();
            new_post("b").insert(&txn).await.unwrap();
            txn.commit().await.unwrap();
        })
        .await;
    assert_eq!(entries(&t.db).await.len(), 1);
    assert_eq!(writer.status().queued, 0);
    verified(&t.db).await;
}

async fn a_full_queue_makes_a_write_wait_and_then_write_directly(t: TestDb) {
    create!(t, post::Entity);
    let wait = Duration::from_millis(300);
    let settings = patient().queue(2).when_full(WhenFull::Wait(wait));
    let writer = AuditWriter::start_without_last_resort(&t.db, settings);
    let config = AuditConfig::new().background(&writer);
    config
        .scope(async {
            new_post("a").insert(&t.db).await.unwrap();
            new_post("b").insert(&t.db).await.unwrap();
            assert!(trail(&t.db).await.is_empty());
            let began = Instant::now();
            new_post("c").insert(&t.db).await.unwrap();
            assert!(began.elapsed() >= wait);
            assert_eq!(trail(&t.db).await.len(), 1, "it wrote its own");
            let began = Instant::now();
            AuditTransaction::run(&t.db, async |txn| new_post("d").insert(txn).await)
                .await
                .unwrap();
            assert!(began.elapsed() >= wait);
            assert_eq!(trail(&t.db).await.len(), 2);

            // Room that comes in time is taken.
            let (inserted, flushed) = tokio::join!(new_post("e").insert(&t.db), async {
                sleep(wait / 4).await;
                writer.flush().await
            });
            inserted.unwrap();
            flushed.unwrap();
            assert_eq!(trail(&t.db).await.len(), 4);
            assert_eq!(writer.status().queued, 1);
        })
        .await;
    writer.shutdown().await.unwrap();
    assert_eq!(verified(&t.db).await, 5);
}

async fn a_full_queue_may_be_passed_at_once(t: TestDb) {
    create!(t, post::Entity);
    let settings = patient().queue(1).when_full(WhenFull::WriteDirectly);
    let writer = AuditWriter::start_without_last_resort(&t.db, settings);
    AuditConfig::new()
        .background(&writer)
        .scope(async {
            for title in ["a", "b", "c"] {
                new_post(title).insert(&t.db).await.unwrap();
            }
        })
        .await;
    assert_eq!(trail(&t.db).await.len(), 2);
    writer.shutdown().await.unwrap();
    assert_eq!(verified(&t.db).await, 3);
}

async fn more_than_the_queue_holds_is_written_directly(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, patient().queue(100));
    AuditConfig::new()
        .background(&writer)
        .scope(async {
            let rows = (0..101).map(|number| new_post(&number.to_string()));
            post::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
            assert_eq!(entries(&t.db).await.len(), 101);
            let more = post::Entity::audited()
                .update_many()
                .col_expr(post::Column::Likes, post::Column::Likes.into_expr().add(1))
                .filter(post::Column::Id.lte(100));
            more.exec(&t.db).await.unwrap();
            assert_eq!(entries(&t.db).await.len(), 101, "a hundred fit");
            // With values so large that a unit must not hold them.
            let huge = (0..6).map(|number| new_post(&format!("{number}{}", "x".repeat(200))));
            let reason = audit_seaorm::AuditContext::new().metadata("m", "y".repeat(1 << 20));
            reason.scope(post::Entity::audited().insert_many(huge).exec(&t.db)).await.unwrap();
        })
        .await;
    writer.shutdown().await.unwrap();
    assert_eq!(verified(&t.db).await, 207);
}

/// Eight change one record, and somebody reads all the while: no gap is ever seen.
async fn the_entries_of_a_record_appear_in_order(t: TestDb) {
    create!(t, post::Entity);
    let settings = Background::new().batch_size(4).interval(Duration::from_millis(1));
    let writer = AuditWriter::start_without_last_resort(&t.db, settings);
    let config = AuditConfig::new().background(&writer);
    let post = config.clone().scope(new_post("hot").insert(&t.db)).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..6 {
        let (db, id) = (t.db.clone(), post.id);
        writers.spawn(config.clone().scope(async move {
            for _ in 0..if audit_tests::long() { 500 } else { 40 } {
                let liked = post::Entity::audited()
                    .update_many()
                    .col_expr(post::Column::Likes, post::Column::Likes.into_expr().add(1))
                    .filter(post::Column::Id.eq(id));
                liked.exec(&db).await.unwrap();
            }
        }));
    }
    let mut reads = 0;
    while writers.try_join_next().is_none() || !writers.is_empty() {
        let seen = entries(&t.db).await;
        for (at, entry) in seen.iter().skip(1).enumerate() {
            assert_eq!(entry.new_values.as_ref().unwrap()["likes"], at + 1, "read {reads}");
        }
        reads += 1;
    }
    writer.shutdown().await.unwrap();
    assert!(reads > 1);
    verified(&t.db).await;
}

async fn after_shutdown_entries_are_written_with_their_changes(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, patient());
    let config = AuditConfig::new().background(&writer);
    config
        .scope(async {
            new_post("a").insert(&t.db).await.unwrap();
            let txn = AuditTransaction::begin(&t.db).await.unwrap();
            new_post("b").insert(&txn).await.unwrap();
            if t.backend != audit_tests::Backend::Sqlite {
                writer.shutdown().await.unwrap();
            }
            txn.commit().await.unwrap();
            writer.shutdown().await.unwrap();
            assert_eq!(trail(&t.db).await.len(), 2);
            new_post("c").insert(&t.db).await.unwrap();
            assert_eq!(trail(&t.db).await.len(), 3);
            writer.shutdown().await.unwrap();
            writer.flush().await.unwrap();
        })
        .await;
    assert!(!writer.status().is_running);
    verified(&t.db).await;
}

async fn nothing_is_lost_by_a_shutdown_while_others_write(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, Background::new().queue(50));
    let config = AuditConfig::new().background(&writer);
    let mut writers = JoinSet::new();
    for actor in 0..4 {
        let db = t.db.clone();
        writers.spawn(config.clone().scope(async move {
            for number in 0..60 {
                new_post(&format!("{actor} {number}")).insert(&db).await.unwrap();
            }
        }));
    }
    sleep(Duration::from_millis(50)).await;
    let (one, other) = tokio::join!(writer.shutdown(), writer.shutdown());
    one.and(other).unwrap();
    assert_eq!(writer.status().queued, 0);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(verified(&t.db).await, 240);
}

async fn one_thread_is_enough(t: TestDb) {
    create!(t, post::Entity);
    let (backend, url) = (t.backend, t.url().to_owned());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = connect(backend, &url, |options| {
                options.max_connections(1);
            });
            let db = db.await.unwrap();
            let settings = Background::new().queue(8).batch_size(4);
            let writer = AuditWriter::start_without_last_resort(&db, settings);
            let write = async {
                let inserts = (0..50).map(|number| {
                    let db = &db;
                    async move { new_post(&number.to_string()).insert(db).await }
                });
                futures_util::future::join_all(inserts).await
            };
            let inserted = AuditConfig::new().background(&writer).scope(write).await;
            assert!(inserted.iter().all(Result::is_ok));
            writer.shutdown().await.unwrap();
        });
    };
    tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!(verified(&t.db).await, 50);
}

/// As a caller does whose `BEGIN` is dropped half-way.
async fn a_transaction_that_somebody_left_open_takes_no_entry_along(t: TestDb) {
    create!(t, post::Entity);
    let one = |options: &mut ConnectOptions| {
        options.max_connections(1);
    };
    let pool = t.connect_with(one).await;
    let writer = AuditWriter::start_without_last_resort(&pool, patient());
    let config = AuditConfig::new().background(&writer);
    for title in ["a", "b"] {
        pool.execute_unprepared("BEGIN").await.unwrap();
        config.clone().scope(new_post(title).insert(&t.db)).await.unwrap();
        writer.flush().await.unwrap();
        pool.execute_unprepared("ROLLBACK").await.unwrap();
    }
    assert_eq!(verified(&t.db).await, 2);
}

async fn every_change_has_its_entry_while_the_database_comes_and_goes(t: TestDb) {
    load::run(&t).await;
}

/// Whether the server does it or never hears of it, it is done once in the end.
async fn a_commit_of_the_writers_own_may_be_lost(t: TestDb) {
    create!(t, post::Entity);
    let Wired { wire, writer, config, .. } = wired(&t, patient()).await;
    let wire = wire.unwrap();
    for commit in [Commit::IsNotAnswered, Commit::IsLost] {
        for title in ["a", "b", "c"] {
            unrecorded(&config, &t.db, &format!("{title} {commit:?}")).await;
        }
        wire.next_commit(commit);
        writer.flush().await.unwrap();
    }
    assert_eq!(wire.lost_commits(), 2);
    assert_eq!(verified(&t.db).await, 6);
}

/// The server does the `COMMIT` or never hears of it, and the client cannot tell.
async fn a_commit_without_an_answer_is_looked_into(t: TestDb) {
    create!(t, post::Entity);
    // The writer's own COMMITs would be lost, too.
    let settings = patient().pauses(Duration::from_millis(5), Duration::from_millis(200));
    let Wired { db, wire, writer, config, .. } = wired(&t, settings).await;
    let wire = wire.unwrap();
    let mut expected = 0;
    for (number, commit) in
        [Commit::IsNotAnswered, Commit::IsLost].into_iter().cycle().enumerate().take(8)
    {
        let title = |what: &str| format!("{what} {number}");
        let changed = unrecorded(&config, &db, &title("changed")).await;
        let deleted = unrecorded(&config, &db, &title("deleted")).await;
        let mut lose = |commit| {
            wire.next_commit(commit);
            expected += 1;
        };
        let scope = config.clone();
        lose(commit);
        scope.clone().scope(new_post(&title("new")).insert(&db)).await.unwrap_err();
        lose(commit);
        let mut change = changed.into_active_model();
        change.likes = Set(1);
        scope.clone().scope(change.update(&db)).await.unwrap_err();
        lose(commit);
        scope.clone().scope(deleted.delete(&db)).await.unwrap_err();
        lose(commit);
        let rows = [title("x"), title("y")].map(|title| new_post(&title));
        let bulk = post::Entity::audited().insert_many(rows);
        scope.clone().scope(bulk.exec(&db)).await.unwrap_err();
        lose(commit);
        let txn = AuditTransaction::run(&db, async |txn| {
            let mut post = new_post(&title("txn")).insert(txn).await?.into_active_model();
            post.likes = Set(2);
            post.update(txn).await
        });
        scope.scope(txn).await.unwrap_err();
        assert_eq!(wire.lost_commits(), expected);
    }
    writer.shutdown().await.unwrap();
    // Four of eight rounds took place: six entries each.
    assert_eq!(verified(&t.db).await, 16 + 4 * 7);
}

async fn unrecorded(config: &AuditConfig, db: &DatabaseConnection, title: &str) -> post::Model {
    config.clone().scope(new_post(title).insert(db)).await.unwrap()
}

/// Two processes, of which one has lost the answer to a COMMIT, and the other goes on with the record: it takes the
/// change back, or makes it once more. Its entry is in a queue that the first one cannot see.
async fn a_commit_without_an_answer_is_looked_into_beside_the_queue_of_another_process(t: TestDb) {
    create!(t, post::Entity);
    let pauses = (Duration::from_millis(5), Duration::from_secs(1));
    let settings = patient().pauses(pauses.0, pauses.1);
    let Wired { db, wire, writer, config, .. } = wired(&t, settings).await;
    let wire = wire.unwrap();
    let settings = Background::new().interval(Duration::from_millis(300));
    let other = AuditWriter::start_without_last_resort(&t.db, settings);
    let elsewhere = AuditConfig::new().background(&other);
    for (commit, likes) in [(Commit::IsNotAnswered, 0), (Commit::IsLost, 1)] {
        let post = unrecorded(&config, &db, &format!("{commit:?}")).await.into_active_model();
        writer.flush().await.unwrap();
        wire.next_commit(commit);
        let change = post::ActiveModel { likes: Set(1), ..post.clone() };
        config.clone().scope(change.update(&db)).await.unwrap_err();
        wire.cut();
        let change = post::ActiveModel { likes: Set(likes), ..post };
        elsewhere.clone().scope(change.update(&t.db)).await.unwrap();
        wire.mend();
        writer.flush().await.unwrap();
        other.flush().await.unwrap();
    }
    let lines = trail(&t.db).await;
    let of = |id: &str| lines.iter().filter(|line| line.contains(id)).count();
    assert_eq!((of("post 1 "), of("post 2 ")), (3, 2), "{lines:#?}");
    verified(&t.db).await;
}

/// Nobody waits for what is in doubt: the record goes on, back to what it was.
async fn changes_after_one_in_doubt_tell_of_it(t: TestDb) {
    create!(t, post::Entity);
    let settings = patient().pauses(Duration::from_millis(5), Duration::from_millis(200));
    let Wired { db, wire, writer, config, .. } = wired(&t, settings).await;
    let wire = wire.unwrap();
    let liked = async |likes: i32, id: i32| -> Result<(), DbErr> {
        let post = post::Entity::find_by_id(id).one(&t.db).await.unwrap().unwrap();
        let mut post = post.into_active_model();
        post.likes = Set(likes);
        config.clone().scope(post.update(&db)).await.map(drop)
    };
    for commit in [Commit::IsNotAnswered, Commit::IsLost] {
        let post = unrecorded(&config, &db, &format!("{commit:?}")).await;
        wire.next_commit(commit);
        liked(1, post.id).await.unwrap_err();
        // The server has heard the end of the connection by now, or does soon.
        for likes in [1, 0, 1, 0] {
            liked(likes, post.id).await.unwrap();
        }
        // A change of what is not shown tells of no commit by itself; but this one has a row of its own.
        wire.next_commit(commit);
        let mut hidden = post.into_active_model();
        hidden.token = Set(Some("s3cret".to_owned()));
        hidden.likes = Set(5);
        config.clone().scope(hidden.update(&db)).await.unwrap_err();
    }
    writer.shutdown().await.unwrap();
    verified(&t.db).await;
    let lines = trail(&t.db).await;
    let of = |id: &str| lines.iter().filter(|line| line.contains(id)).count();
    assert_eq!((of("post 1 "), of("post 2 ")), (1 + 1 + 3 + 1, 1 + 4), "{lines:#?}");
}

/// `PostgreSQL` commits nothing after an error that the caller overlooked; the others go on.
async fn a_transaction_that_an_error_has_ended_has_no_entries(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, patient());
    let work = async {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        new_post("a").insert(&txn).await.unwrap();
        txn.execute_unprepared("SELECT no_such_column FROM post").await.unwrap_err();
        txn.commit().await
    };
    let committed = AuditConfig::new().background(&writer).scope(work).await;
    writer.shutdown().await.unwrap();
    assert_eq!(committed.is_ok(), t.backend != Backend::Postgres, "{committed:?}");
    assert_eq!(verified(&t.db).await, u64::from(committed.is_ok()));
}
