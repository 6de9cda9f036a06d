//! A process that is killed, or a connection that the server ends, leaves no half of a change.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use audit_tests::{Backend, TestDb, connect, long};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tokio::{runtime, task::JoinSet, time::sleep};

use crate::{
    property::{Actor, Dice, Tally, assert_explained, schema},
    support::{by, number},
};

audit_tests::tests! {
    a_killed_process_leaves_no_half_of_a_change,
    #[only(Postgres, MariaDb)] a_lost_connection_leaves_no_half_of_a_change,
}

const WRITER: &str = "AUDIT_TEST_WRITER";
const ACTORS: u64 = 4;
const ENTRIES: &str = "SELECT COUNT(*) FROM audit_trail";

async fn a_killed_process_leaves_no_half_of_a_change(t: TestDb) {
    schema(&t).await;
    let mut dice = Dice::new(std::process::id().into());
    for kill in 0..if long() { 100 } else { 3 } {
        let before = number(&t.db, ENTRIES).await;
        let mut writer = start_writer(&t);
        sleep(Duration::from_millis(dice.next() % 150)).await;
        writer.kill().unwrap();
        writer.wait().unwrap();
        alone(&t).await;
        assert_explained(&t.db, &format!("kill {kill}")).await;
        assert!(number(&t.db, ENTRIES).await > before, "it was writing");
    }
}

/// This very program, as a writer that has begun to write.
fn start_writer(t: &TestDb) -> Child {
    let mut writer = Command::new(env::current_exe().unwrap())
        .env(WRITER, t.url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(writer.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "writing\n");
    writer
}

/// The database that this process is to write to, if it is such a writer.
pub(crate) fn writer_url() -> Option<String> {
    env::var(WRITER).ok()
}

#[expect(clippy::print_stdout, reason = "tells the parent that it writes")]
pub(crate) fn write_for_ever(url: &str) -> ExitCode {
    let backend = match url.split(':').next() {
        Some("sqlite") => Backend::Sqlite,
        Some("postgres") => Backend::Postgres,
        _ => Backend::MariaDb,
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = connect(backend, url, |_| {}).await.unwrap();
        let before = number(&db, ENTRIES).await;
        let stop = Arc::default();
        let mut actors = spawn_actors(&db, std::process::id().into(), &stop);
        while number(&db, ENTRIES).await == before {
            tokio::task::yield_now().await;
        }
        println!("writing");
        while actors.join_next().await.is_some() {}
    });
    ExitCode::FAILURE
}

fn spawn_actors(db: &DatabaseConnection, seed: u64, stop: &Arc<AtomicBool>) -> JoinSet<()> {
    let mut dice = Dice::new(seed);
    let tally = Arc::new(Tally::default());
    let mut actors = JoinSet::new();
    for number in 0..ACTORS {
        let mut actor = Actor::new(db, dice.fork(), &tally);
        let stop = Arc::clone(stop);
        actors.spawn(by(number.to_string(), async move {
            while !stop.load(Ordering::Relaxed) {
                actor.act().await;
            }
        }));
    }
    actors
}

/// Ends one connection of the writers after another, while they write.
async fn a_lost_connection_leaves_no_half_of_a_change(t: TestDb) {
    schema(&t).await;
    let mut dice = Dice::new(std::process::id().into());
    let (mut kills, wanted) = (0, if long() { 100 } else { 5 });
    while kills < wanted {
        let writers = t.connect_with(|_| {}).await;
        let stop = Arc::default();
        let mut actors = spawn_actors(&writers, dice.next(), &stop);
        let enough = wanted.min(kills + 5);
        while kills < enough {
            pause(&t, dice.next() % 40).await;
            kills += end_a_connection(&t, &mut dice).await;
        }
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = actors.join_next().await {
            ended.unwrap();
        }
        let _ = writers.close().await;
        alone(&t).await;
        assert!(assert_explained(&t.db, &format!("after {kills} kills")).await > 0);
    }
}

/// Ends one connection that has a transaction open. How many it ended.
async fn end_a_connection(t: &TestDb, dice: &mut Dice) -> u64 {
    let open = match t.backend {
        Backend::Postgres => {
            "SELECT CAST(pid AS bigint) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        }
        _ => {
            "SELECT CAST(p.id AS SIGNED) FROM information_schema.processlist p \
             JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id \
             WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID()"
        }
    };
    let open = Statement::from_string(t.db.get_database_backend(), open);
    let open = t.db.query_all_raw(open).await.unwrap();
    let Some(row) = dice.take(open) else { return 0 };
    let id: i64 = row.try_get_by_index(0).unwrap();
    let end = match t.backend {
        Backend::Postgres => format!("SELECT pg_terminate_backend({id})"),
        _ => format!("KILL {id}"),
    };
    // It may have ended by itself meanwhile.
    t.db.execute_unprepared(&end).await.map_or(0, |_| 1)
}

/// Waits until the server has taken back what the others left.
async fn alone(t: &TestDb) {
    let others = match t.backend {
        Backend::Sqlite => return,
        Backend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        }
        Backend::MariaDb => {
            "SELECT COUNT(*) FROM information_schema.innodb_trx t \
             JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
             WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID()"
        }
    };
    while number(&t.db, others).await > 0 {
        pause(t, 5).await;
    }
}

/// `InnoDB` makes its list of transactions anew only when nobody has read it for a tenth of a second.
async fn pause(t: &TestDb, millis: u64) {
    let list = if t.backend == Backend::MariaDb { 150 } else { 0 };
    sleep(Duration::from_millis(list + millis)).await;
}
