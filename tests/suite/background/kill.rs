//! A process that is killed loses what is in its queue, and nothing else.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use audit_seaorm::{AuditConfig, AuditWriter, Background};
use audit_tests::{Backend, TestDb, connect, long};
use tokio::{runtime, task::JoinSet, time::sleep};

use crate::{
    entities::post,
    support::{create, new_post, number},
};

audit_tests::tests! {
    a_killed_process_loses_no_more_than_its_queue,
}

const WRITER: &str = "AUDIT_TEST_BACKGROUND_WRITER";
const QUEUE: usize = 100;

async fn a_killed_process_loses_no_more_than_its_queue(t: TestDb) {
    create!(t, post::Entity);
    let (mut missing_before, mut lost) = (0, 0);
    for kill in 0..if long() { 50 } else { 3 } {
        let posts = number(&t.db, "SELECT COUNT(*) FROM post").await;
        let mut writer = Command::new(env::current_exe().unwrap())
            .env(WRITER, t.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(writer.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // On a busy machine that takes a while.
        while number(&t.db, "SELECT COUNT(*) FROM post").await == posts {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_millis(7 * kill)).await;
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What the server is still doing for it.
        sleep(Duration::from_millis(300)).await;
        let phantoms = "SELECT COUNT(*) FROM audit_trail WHERE record_id NOT IN \
                        (SELECT CAST(id AS CHAR(20)) FROM post)";
        assert_eq!(number(&t.db, &phantoms.replace("CHAR(20)", text(&t))).await, 0);
        let missing = number(&t.db, "SELECT COUNT(*) FROM post").await
            - number(&t.db, "SELECT COUNT(*) FROM audit_trail").await;
        let now = usize::try_from(missing - missing_before).unwrap();
        assert!(now <= QUEUE, "kill {kill}: {now}");
        lost += now;
        missing_before = missing;
    }
    assert!(lost > 0, "something was in the queue");
}

fn text(t: &TestDb) -> &'static str {
    match t.backend {
        Backend::Postgres | Backend::Sqlite => "TEXT",
        Backend::MariaDb => "CHAR(20)",
    }
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
        let settings = Background::new().queue(QUEUE).batch_size(32);
        let writer = AuditWriter::start_without_last_resort(&db, settings);
        let config = AuditConfig::new().background(&writer);
        let mut writers = JoinSet::new();
        println!("writing");
        for actor in 0..8 {
            let db = db.clone();
            writers.spawn(config.clone().scope(async move {
                for number in 0.. {
                    let title = format!("{} {actor} {number}", std::process::id());
                    new_post(&title).insert(&db).await.unwrap();
                }
            }));
        }
        while writers.join_next().await.is_some() {}
    });
    ExitCode::FAILURE
}
