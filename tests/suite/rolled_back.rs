//! A database that ends a transaction by itself: the connection goes back to its pool as sound as ever.

use std::{
    env,
    process::{Command, ExitCode},
    time::Duration,
};

use audit_seaorm::{
    AuditConfig, AuditConnection, AuditContext, AuditTrail, AuditTransaction, AuditWriter,
    Background, FailurePolicy, Limits, Retention,
};
use audit_tests::{Backend, TestDb, connect};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, TransactionTrait,
    prelude::{DateTimeUtc, Expr},
    sea_query::OnConflict,
    sqlx::sqlite::SqliteJournalMode,
};
use tokio::{sync::Barrier, task::JoinSet, time::timeout};

use crate::{
    entities::post,
    rbac,
    support::{by, create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    #[only(Sqlite)] a_rollback_by_a_trigger_leaves_a_sound_connection,
    #[only(Sqlite)] a_rollback_by_a_trigger_leaves_sound_transactions,
    #[only(Sqlite)] a_rollback_by_a_trigger_of_the_trail_leaves_a_sound_connection,
    #[only(Sqlite)] a_rollback_that_nobody_waits_for_leaves_a_sound_connection,
    #[only(Sqlite)] a_caller_who_overlooks_a_rollback_cannot_commit,
    #[only(Sqlite)] writes_that_a_full_database_answers_with_success_are_there,
    #[only(Sqlite)] a_commit_on_a_full_disk_leaves_a_sound_connection,
    #[only(MariaDb)] nothing_commits_by_itself_after_a_deadlock,
    #[only(MariaDb)] levels_end_in_order_after_a_deadlock,
    #[only(Postgres, MariaDb)] a_connection_that_the_server_ended_is_not_used_again,
}

/// With one connection, so that whatever comes next has it.
async fn alone(t: &TestDb) -> DatabaseConnection {
    let one = |options: &mut sea_orm::ConnectOptions| {
        options.max_connections(1).acquire_timeout(Duration::from_secs(5));
    };
    t.connect_with(one).await
}

/// Rows named `stop…` make `SQLite` roll everything back, and so does deleting one named `keep…`.
const TRIGGERS: &str = "
    CREATE TRIGGER stop_insert BEFORE INSERT ON post WHEN NEW.title LIKE 'stop%'
        BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END;
    CREATE TRIGGER stop_update BEFORE UPDATE ON post WHEN NEW.title LIKE 'stop%'
        BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END;
    CREATE TRIGGER stop_delete BEFORE DELETE ON post WHEN OLD.title LIKE 'keep%'
        BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END;
    CREATE TABLE strict (n INTEGER UNIQUE ON CONFLICT ROLLBACK);
    INSERT INTO strict VALUES (1)";

/// What is written on the connection from here on is written, rolled back or not, and nobody is locked out.
async fn sound(db: &DatabaseConnection, other: &DatabaseConnection, after: &str) {
    let title = |kind: &str| format!("{kind} after {after}");
    let there = async |kind: &str| {
        let of_title = post::Entity::find().filter(post::Column::Title.eq(title(kind)));
        assert!(of_title.one(other).await.unwrap().is_some(), "{} is there", title(kind));
    };
    new_post(&title("one")).insert(db).await.unwrap();
    new_post(&title("one")).insert(db).await.unwrap_err();
    new_post(&title("two")).insert(db).await.unwrap();
    unseen_post(db, &title("three")).await;
    let txn = db.begin().await.unwrap();
    new_post(&title("four")).insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    new_post(&title("elsewhere")).insert(other).await.unwrap();
    for kind in ["one", "two", "three", "four"] {
        there(kind).await;
    }
    assert_eq!(number(other, "SELECT COUNT(*) FROM post WHERE title LIKE 'stop%'").await, 0);
}

fn stopped<T>(outcome: Result<T, DbErr>) {
    let error = outcome.err().expect("a trigger rolls it back").to_string();
    assert!(error.contains("stopped"), "{error}");
}

fn renamed(post: &post::Model, title: &str) -> post::ActiveModel {
    let mut row = post.clone().into_active_model();
    row.title = Set(title.to_owned());
    row
}

async fn a_rollback_by_a_trigger_leaves_a_sound_connection(t: TestDb) {
    create!(t, post::Entity);
    let [restricted, ..] = rbac::users(&t.db).await;
    let then = new_post("stop here").insert(&t.db).await.unwrap();
    let entries = entries(&t.db).await;
    let post = renamed(&then, "go on").update(&t.db).await.unwrap();
    let keep = unseen_post(&t.db, "keep").await;
    sql(&t.db, TRIGGERS).await;
    let db = alone(&t).await;

    stopped(new_post("stop").insert(&db).await);
    sound(&db, &t.db, "insert").await;
    stopped(renamed(&post, "stop").update(&db).await);
    sound(&db, &t.db, "update").await;
    stopped(ActiveModelTrait::update(renamed(&post, "stop"), &db).await);
    sound(&db, &t.db, "generic update").await;
    stopped(keep.clone().delete(&db).await);
    sound(&db, &t.db, "delete").await;

    let rows = [new_post("a"), new_post("stop")];
    stopped(post::Entity::audited().insert_many(rows).exec(&db).await);
    sound(&db, &t.db, "insert_many").await;
    let on_conflict =
        OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned();
    let upsert = post::Entity::audited().insert(new_post("stop")).on_conflict(on_conflict);
    stopped(upsert.exec(&db).await);
    sound(&db, &t.db, "upsert").await;
    let to_stop =
        post::Entity::audited().update_many().col_expr(post::Column::Title, Expr::val("stop"));
    stopped(to_stop.filter(post::Column::Id.eq(post.id)).exec(&db).await);
    sound(&db, &t.db, "update_many").await;
    stopped(post::Entity::audited().delete_many().exec(&db).await);
    sound(&db, &t.db, "delete_many").await;

    let guarded = AuditConnection::new(db.clone());
    stopped(new_post("stop").insert(&guarded).await);
    sound(&db, &t.db, "guarded").await;
    let restore = AuditTrail::restore(post::Entity, then.id, entries[0].timestamp);
    let error = restore.exec(&db).await.unwrap_err().to_string();
    assert!(error.contains("stopped"), "{error}");
    sound(&db, &t.db, "restore").await;
    let writer = AuditWriter::start_without_last_resort(&t.db, Background::new());
    let background = AuditConfig::new().background(&writer);
    stopped(background.scope(new_post("stop").insert(&db)).await);
    sound(&db, &t.db, "background").await;
    writer.shutdown().await.unwrap();
    stopped(new_post("stop").insert(&restricted).await);
    let txn = restricted.begin().await.unwrap();
    stopped(new_post("stop").insert(&txn).await);
    txn.rollback().await.unwrap();
    for n in 0..10 {
        // Of eight connections, each in turn.
        sound(&t.db, &db, &format!("restricted {n}")).await;
    }
    assert!(AuditTrail::verify(&db, post::Entity).await.unwrap().findings().len() > 10, "unseen");
}

async fn a_rollback_by_a_trigger_leaves_sound_transactions(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, TRIGGERS).await;
    let db = alone(&t).await;
    let strict = "INSERT INTO strict VALUES (1)";

    let txn = db.begin().await.unwrap();
    new_post("lost").insert(&txn).await.unwrap();
    stopped(new_post("stop").insert(&txn).await);
    txn.rollback().await.unwrap();
    sound(&db, &t.db, "a caller's").await;
    let txn = db.begin().await.unwrap();
    let nested = txn.begin().await.unwrap();
    let innermost = nested.begin().await.unwrap();
    stopped(new_post("stop").insert(&innermost).await);
    innermost.rollback().await.unwrap();
    nested.rollback().await.unwrap();
    drop(txn);
    sound(&db, &t.db, "a caller's, nested").await;

    let txn = AuditTransaction::begin(&db).await.unwrap();
    new_post("lost").insert(&txn).await.unwrap();
    stopped(new_post("stop").insert(&txn).await);
    txn.rollback().await.unwrap();
    sound(&db, &t.db, "ours").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    new_post("lost").insert(&txn).await.unwrap();
    txn.execute_unprepared(strict).await.unwrap_err();
    new_post("later").insert(&txn).await.unwrap_err();
    txn.commit().await.unwrap_err();
    sound(&db, &t.db, "a constraint").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    let nested = txn.begin().await.unwrap();
    let innermost = nested.begin().await.unwrap();
    txn.execute_unprepared(strict).await.unwrap_err();
    innermost.commit().await.unwrap_err();
    nested.rollback().await.unwrap();
    txn.rollback().await.unwrap();
    sound(&db, &t.db, "ours, nested").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    let nested = txn.begin().await.unwrap();
    let rows = [new_post("a"), new_post("stop")];
    stopped(post::Entity::audited().insert_many(rows).exec(&nested).await);
    drop(nested);
    drop(txn);
    sound(&db, &t.db, "ours, dropped").await;
    let outcome = AuditTransaction::run(&db, async |txn| new_post("stop").insert(txn).await);
    stopped(outcome.await);
    sound(&db, &t.db, "run").await;
    let guarded = AuditConnection::new(db.clone());
    let txn = guarded.begin().await.unwrap();
    stopped(new_post("stop").insert(&txn).await);
    AuditTrail::restore(post::Entity, 1, DateTimeUtc::default()).exec(&txn).await.unwrap_err();
    drop(txn);
    sound(&db, &t.db, "guarded").await;
    assert_eq!(
        number(&t.db, "SELECT COUNT(*) FROM post WHERE title IN ('lost', 'later', 'a')").await,
        0
    );
}

async fn a_rollback_by_a_trigger_of_the_trail_leaves_a_sound_connection(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "before").await;
    new_post("old").insert(&t.db).await.unwrap();
    sql(
        &t.db,
        "CREATE TRIGGER stop_entry BEFORE INSERT ON audit_trail
             WHEN NEW.record_id = 'health' OR NEW.user_id = 'stop' OR NEW.operation = 'BASELINE'
             BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END;
         CREATE TRIGGER stop_prune BEFORE DELETE ON audit_trail
             BEGIN SELECT RAISE(ROLLBACK, 'stopped'); END",
    )
    .await;
    let db = alone(&t).await;

    stopped(by("stop", new_post("stop").insert(&db)).await);
    sound(&db, &t.db, "an entry").await;
    assert!(!AuditTrail::health(&db).await.is_working());
    sound(&db, &t.db, "health").await;
    AuditTrail::baseline(post::Entity).exec(&db).await.unwrap_err();
    sound(&db, &t.db, "a baseline").await;
    let prune = AuditTrail::prune().retention(Retention::new().all(Limits::new().max_age_days(0)));
    prune.exec(&db).await.unwrap_err();
    sound(&db, &t.db, "a prune").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    by("stop", new_post("stop").insert(&txn)).await.unwrap();
    stopped(txn.commit().await);
    sound(&db, &t.db, "a commit").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    by("stop", new_post("stop").insert(&txn)).await.unwrap();
    stopped(txn.flush().await);
    drop(txn);
    sound(&db, &t.db, "a flush").await;

    let go_on = AuditConfig::new().on_failure(FailurePolicy::Continue);
    go_on
        .scope(by("stop", async {
            // There is nothing left to go on with.
            stopped(new_post("stop").insert(&db).await);
            let txn = db.begin().await.unwrap();
            stopped(new_post("stop").insert(&txn).await);
            txn.rollback().await.unwrap();
            let txn = AuditTransaction::begin(&db).await.unwrap();
            new_post("stop").insert(&txn).await.unwrap();
            stopped(txn.commit().await);
        }))
        .await;
    sound(&db, &t.db, "going on").await;
}

async fn a_rollback_that_nobody_waits_for_leaves_a_sound_connection(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, TRIGGERS).await;
    let db = alone(&t).await;
    for n in 0..20 {
        let txn = AuditTransaction::begin(&db).await.unwrap();
        new_post("lost").insert(&txn).await.unwrap();
        let insert = txn.execute_unprepared("INSERT INTO strict VALUES (1)");
        let _ = timeout(Duration::ZERO, insert).await;
        drop(txn);
        sound(&db, &t.db, &format!("drop {n}")).await;
    }
}

async fn a_caller_who_overlooks_a_rollback_cannot_commit(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, TRIGGERS).await;
    let db = alone(&t).await;
    for levels in 0..3 {
        let txn = db.begin().await.unwrap();
        new_post("lost").insert(&txn).await.unwrap();
        let nested = txn.begin().await.unwrap();
        let innermost = nested.begin().await.unwrap();
        let at: &DatabaseTransaction = [&txn, &nested, &innermost][levels];
        let _ = new_post("stop").insert(at).await;
        let _ = new_post("later").insert(at).await;
        let _ = innermost.commit().await;
        let _ = nested.commit().await;
        txn.commit().await.unwrap_err();
        assert_eq!(
            number(&t.db, "SELECT COUNT(*) FROM post WHERE title IN ('lost', 'later')").await,
            0
        );
        sound(&db, &t.db, &format!("level {levels}")).await;
    }
}

/// Large rows find no room, small ones do now and then.
async fn writes_that_a_full_database_answers_with_success_are_there(t: TestDb) {
    create!(t, post::Entity);
    let pages = number(&t.db, "PRAGMA page_count").await + 40;
    let db = t
        .connect_with(|options| {
            options.max_connections(4).map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .busy_timeout(Duration::from_secs(20))
                    .pragma("max_page_count", pages.to_string())
            });
        })
        .await;
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let db = db.clone();
        tasks.spawn(async move { write_until_full(&db, task).await });
    }
    let acknowledged: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    // Nobody else is locked out.
    new_post("elsewhere").insert(&t.db).await.unwrap();
    let there: Vec<String> = post::Entity::find()
        .all(&t.db)
        .await
        .unwrap()
        .into_iter()
        .map(|post| post.title.split(' ').next().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = acknowledged.iter().filter(|title| !there.contains(title)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    assert_eq!(there.len(), acknowledged.len() + 1);
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.findings().is_empty(), "{report}");
}

/// The titles of the rows that were written, by what the answers say.
async fn write_until_full(db: &DatabaseConnection, task: usize) -> Vec<String> {
    let mut written = Vec::new();
    let mut failures = 0;
    for n in 0.. {
        let title = format!("{task}/{n}");
        let size = if n % 3 == 0 { 9_000 } else { 10 };
        let post = new_post(&format!("{title} {}", "x".repeat(size)));
        let outcome = match n % 4 {
            0 | 1 => post.insert(db).await.map(drop),
            2 => AuditTransaction::run(db, async |txn| post.insert(txn).await.map(drop)).await,
            _ => in_a_plain_transaction(db, post).await,
        };
        match outcome {
            Ok(()) => written.push(title),
            Err(_) => failures += 1,
        }
        if failures == 20 {
            break;
        }
    }
    written
}

async fn in_a_plain_transaction(
    db: &DatabaseConnection,
    post: post::ActiveModel,
) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    match post.insert(&txn).await {
        Ok(_) => txn.commit().await,
        Err(error) => {
            txn.rollback().await?;
            Err(error)
        }
    }
}

const FULL: &str = "AUDIT_TEST_FULL";

/// The database that this process is to write to on a full disk, if it is such a process.
pub(crate) fn full_url() -> Option<String> {
    env::var(FULL).ok()
}

/// In a process whose files may not become larger than a megabyte.
async fn a_commit_on_a_full_disk_leaves_a_sound_connection(t: TestDb) {
    create!(t, post::Entity);
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\""])
        .arg(env::current_exe().unwrap())
        .env(FULL, t.url())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success(), "{said}");
}

pub(crate) fn write_on_a_full_disk(url: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Nothing is written to the disk ahead of the commit.
        let db = connect(Backend::Sqlite, url, |options| {
            options.max_connections(1).map_sqlx_sqlite_opts(|sqlite| {
                sqlite.journal_mode(SqliteJournalMode::Wal).pragma("cache_size", "-20000")
            });
        });
        let (db, other) = (db.await.unwrap(), connect(Backend::Sqlite, url, |_| {}).await.unwrap());
        let large = || new_post(&format!("large {}", "x".repeat(1_200_000)));
        large().insert(&db).await.unwrap_err();
        sound(&db, &other, "an insert").await;
        let txn = AuditTransaction::begin(&db).await.unwrap();
        large().insert(&txn).await.unwrap();
        txn.commit().await.unwrap_err();
        sound(&db, &other, "a commit").await;
        AuditTransaction::run(&db, async |txn| large().insert(txn).await).await.unwrap_err();
        sound(&db, &other, "run").await;
        assert_eq!(number(&other, "SELECT COUNT(*) FROM post WHERE title LIKE 'large%'").await, 0);
        let report = AuditTrail::verify(&other, post::Entity).await.unwrap();
        assert!(report.findings().iter().all(|finding| finding.columns.is_empty()), "{report}");
    });
    ExitCode::SUCCESS
}

/// Of two transactions that waited for each other the one that had to give way.
async fn deadlocked(t: &TestDb) -> DatabaseTransaction {
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    let both = Barrier::new(2);
    let cross = async |first: usize, second: usize| {
        let txn = t.db.begin().await.unwrap();
        renamed(&rows[first], &format!("first {first}")).update(&txn).await.unwrap();
        both.wait().await;
        let outcome = renamed(&rows[second], &format!("second {second}")).update(&txn).await;
        (txn, outcome)
    };
    let ((one, of_one), (other, of_other)) = tokio::join!(cross(0, 1), cross(1, 0));
    let (gone, left) = if of_one.is_err() { (one, other) } else { (other, one) };
    assert!(of_one.is_err() != of_other.is_err());
    left.rollback().await.unwrap();
    gone
}

async fn nothing_commits_by_itself_after_a_deadlock(t: TestDb) {
    create!(t, post::Entity);
    let txn = deadlocked(&t).await;
    new_post("later").insert(&txn).await.unwrap_err();
    AuditContext::without_audit(new_post("plain").insert(&txn)).await.unwrap_err();
    let _ = txn.commit().await;
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 2);
    assert!(entries(&t.db).await.is_empty());
    for n in 0..20 {
        sound(&t.db, &t.db, &n.to_string()).await;
    }
}

async fn levels_end_in_order_after_a_deadlock(t: TestDb) {
    create!(t, post::Entity);
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    let both = Barrier::new(2);
    let cross = async |first: usize, second: usize| {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        let nested = txn.begin().await.unwrap();
        let innermost = nested.begin().await.unwrap();
        renamed(&rows[first], &format!("first {first}")).update(&innermost).await.unwrap();
        both.wait().await;
        let outcome = renamed(&rows[second], &format!("second {second}")).update(&innermost).await;
        innermost.rollback().await.unwrap();
        nested.rollback().await.unwrap();
        txn.rollback().await.unwrap();
        outcome
    };
    let (one, other) = tokio::join!(cross(0, 1), cross(1, 0));
    assert!(one.is_err() != other.is_err());
    for n in 0..20 {
        sound(&t.db, &t.db, &n.to_string()).await;
    }
}

async fn a_connection_that_the_server_ended_is_not_used_again(t: TestDb) {
    create!(t, post::Entity);
    let db = alone(&t).await;
    let own = match t.backend {
        Backend::Postgres => "SELECT pg_backend_pid()",
        _ => "SELECT CAST(CONNECTION_ID() AS SIGNED)",
    };
    let kill = async |id: i64| match t.backend {
        Backend::Postgres => sql(&t.db, &format!("SELECT pg_terminate_backend({id})")).await,
        _ => sql(&t.db, &format!("KILL {id}")).await,
    };
    let txn = db.begin().await.unwrap();
    let id = number(&txn, own).await;
    kill(id).await;
    new_post("lost").insert(&txn).await.unwrap_err();
    let _ = txn.rollback().await;
    sound(&db, &t.db, "a caller's").await;
    let txn = AuditTransaction::begin(&db).await.unwrap();
    let id = number(&txn, own).await;
    kill(id).await;
    new_post("lost").insert(&txn).await.unwrap_err();
    let _ = txn.rollback().await;
    sound(&db, &t.db, "ours").await;
    let id = number(&db, own).await;
    kill(id).await;
    let _ = new_post("perhaps").insert(&db).await;
    sound(&db, &t.db, "a pool's").await;
}
