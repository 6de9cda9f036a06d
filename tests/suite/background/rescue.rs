//! What cannot be written: the last resort, and the way back from there.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use audit_seaorm::{
    AuditConfig, AuditContext, AuditCounters, AuditEntry, AuditUser, AuditWriter, Background,
    JsonLinesFile, LastResort, Reason,
};
use audit_tests::{Backend, TestDb, connect, wire::Commit};
use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel};
use tempfile::TempDir;

use super::ground::{away_and_back, back, gone, patient, verified};
use crate::{
    entities::post,
    support::{create, entries, new_post, sql, trail, without_checks},
};

audit_tests::tests! {
    an_entry_that_is_refused_holds_up_no_other,
    what_cannot_be_written_is_given_up_in_time,
    without_a_last_resort_the_loss_is_counted,
    what_a_runtime_leaves_goes_to_the_last_resort,
    a_file_is_replayed_once_and_tells_its_bad_lines,
    #[only(Postgres, MariaDb)] what_nothing_tells_of_is_marked_as_in_doubt,
    #[only(Postgres, MariaDb)] a_later_change_that_cannot_be_read_leaves_it_in_doubt,
    #[only(Postgres, MariaDb)] a_panic_over_a_doubt_is_one_in_doubt,
}

mod shy {
    use std::{convert::Infallible, fmt, str::FromStr};

    use audit_seaorm::{AuditContext, Auditable};
    use sea_orm::{DeriveValueType, entity::prelude::*};

    /// Panics when nobody who is known reads it.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
    #[sea_orm(value_type = "String")]
    pub(super) struct Shy;

    impl FromStr for Shy {
        type Err = Infallible;

        fn from_str(_: &str) -> Result<Self, Self::Err> {
            AuditContext::current().expect("somebody who is known");
            Ok(Self)
        }
    }

    impl fmt::Display for Shy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("shy")
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "shy")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i32,
        pub(super) shy: Shy,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}
}

fn soon() -> Background {
    let millis = Duration::from_millis;
    Background::new().interval(millis(5)).pauses(millis(5), millis(50)).give_up(millis(500))
}

fn file() -> (TempDir, JsonLinesFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = JsonLinesFile::open(folder.path().join("rest.jsonl")).unwrap();
    (folder, file)
}

/// A trigger that refuses the entry of one record.
async fn refuse(t: &TestDb) {
    let body = match t.backend {
        Backend::Sqlite => {
            "CREATE TRIGGER refuse BEFORE INSERT ON audit_trail FOR EACH ROW WHEN NEW.record_id = '7' \
             BEGIN SELECT RAISE(ABORT, 'not today'); END"
        }
        Backend::Postgres => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.record_id = '7' THEN RAISE EXCEPTION 'not today'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON audit_trail FOR EACH ROW EXECUTE FUNCTION refuse()"
        }
        Backend::MariaDb => {
            "CREATE TRIGGER refuse BEFORE INSERT ON audit_trail FOR EACH ROW BEGIN \
             IF NEW.record_id = '7' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'; END IF; END"
        }
    };
    sql(&t.db, body).await;
}

async fn allow(t: &TestDb) {
    let on = if t.backend == Backend::Postgres { " ON audit_trail" } else { "" };
    sql(&t.db, &format!("DROP TRIGGER refuse{on}")).await;
}

async fn an_entry_that_is_refused_holds_up_no_other(t: TestDb) {
    create!(t, post::Entity);
    refuse(&t).await;
    let (_folder, file) = file();
    let path = file.path().to_owned();
    let writer = AuditWriter::start(&t.db, soon().give_up(Duration::from_mins(10)), file);
    let config = AuditConfig::new().background(&writer);
    let rows = (0..20).map(|number| new_post(&number.to_string()));
    let insert = post::Entity::audited().insert_many(rows);
    config.scope(insert.exec(&t.db)).await.unwrap();
    let unwritten = writer.shutdown().await.unwrap_err();
    assert_eq!((unwritten.rescued, unwritten.dropped), (1, 0), "{unwritten}");
    assert_eq!(entries(&t.db).await.len(), 19);

    let replayed = JsonLinesFile::replay(&path, &t.db).await.unwrap();
    assert_eq!((replayed.written, &*replayed.refused), (0, &[1][..]));
    assert!(!replayed.is_complete());
    allow(&t).await;
    let replayed = JsonLinesFile::replay(&path, &t.db).await.unwrap();
    assert_eq!((replayed.written, replayed.is_complete()), (1, true));
    assert_eq!(verified(&t.db).await, 20);
}

async fn what_cannot_be_written_is_given_up_in_time(t: TestDb) {
    create!(t, post::Entity);
    let (_folder, file) = file();
    let path = file.path().to_owned();
    let (db, wire) = away_and_back(&t).await;
    let writer = AuditWriter::start(&db, patient().give_up(Duration::from_millis(500)), file);
    let config = AuditConfig::new().background(&writer);
    config
        .scope(async {
            for number in 0..10 {
                new_post(&number.to_string()).insert(&db).await.unwrap();
            }
        })
        .await;
    let lock = gone(&t, wire.as_deref()).await;
    assert_eq!(writer.flush().await.unwrap_err().rescued, 10);
    back(wire.as_deref(), lock).await;
    writer.flush().await.unwrap();
    assert!(entries(&t.db).await.is_empty());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with(r#"{"reason":"gave_up""#)).count(), 10);

    // It goes on with what comes later.
    AuditConfig::new().background(&writer).scope(new_post("b").insert(&t.db)).await.unwrap();
    writer.shutdown().await.unwrap();
    assert_eq!(JsonLinesFile::replay(&path, &db).await.unwrap().written, 10);
    assert_eq!(verified(&t.db).await, 11);
}

async fn without_a_last_resort_the_loss_is_counted(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "DROP TABLE audit_trail").await;
    let before = AuditCounters::now().dropped;
    let writer = AuditWriter::start_without_last_resort(&t.db, soon());
    let config = AuditConfig::new().background(&writer);
    config.scope(new_post("a").insert(&t.db)).await.unwrap();
    assert_eq!(writer.flush().await.unwrap_err().dropped, 1);
    assert!(AuditCounters::now().dropped > before);

    let failing = |_: &[AuditEntry], _| Err("no space");
    let writer = AuditWriter::start(&t.db, soon(), failing);
    let config = AuditConfig::new().background(&writer);
    config.scope(new_post("b").insert(&t.db)).await.unwrap();
    assert_eq!(writer.shutdown().await.unwrap_err().dropped, 1);
}

async fn what_a_runtime_leaves_goes_to_the_last_resort(t: TestDb) {
    create!(t, post::Entity);
    let kept: Arc<Mutex<Vec<(AuditEntry, Reason)>>> = Arc::default();
    let keeper = Arc::clone(&kept);
    let keep = move |entries: &[AuditEntry], reason| {
        let entries = entries.iter().map(|entry| (entry.clone(), reason));
        keeper.lock().unwrap().extend(entries);
        Ok::<_, std::io::Error>(())
    };
    let (backend, url) = (t.backend, t.url().to_owned());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = connect(backend, &url, |_| {}).await.unwrap();
            let writer = AuditWriter::start(&db, patient(), keep);
            let config = AuditConfig::new().background(&writer);
            config.scope(new_post("a").insert(&db)).await.unwrap();
            writer
        })
    };
    let writer = tokio::task::spawn_blocking(work).await.unwrap();
    assert!(!writer.status().is_running);
    assert_eq!(kept.lock().unwrap().len(), 1);
    assert_eq!(kept.lock().unwrap()[0].1, Reason::Ended);
    assert_eq!(writer.flush().await.unwrap_err().rescued, 1);
    // From then on entries are written with their changes.
    AuditConfig::new().background(&writer).scope(new_post("b").insert(&t.db)).await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn a_file_is_replayed_once_and_tells_its_bad_lines(t: TestDb) {
    create!(t, post::Entity);
    let writer = AuditWriter::start_without_last_resort(&t.db, patient());
    let config = AuditConfig::new().background(&writer);
    config
        .scope(async {
            for number in 0..600 {
                new_post(&number.to_string()).insert(&t.db).await.unwrap();
            }
        })
        .await;
    writer.shutdown().await.unwrap();
    let all = entries(&t.db).await;
    sql(&t.db, "DELETE FROM audit_trail").await;

    let (_folder, file) = file();
    file.keep(&all[..300], Reason::Ended).unwrap();
    fs::write(
        file.path(),
        [fs::read(file.path()).unwrap(), b"{\"reason\":\"end".to_vec()].concat(),
    )
    .unwrap();
    // Another process goes on where one was killed.
    let file = JsonLinesFile::open(file.path()).unwrap();
    file.keep(&all[299..], Reason::GaveUp).unwrap();
    file.keep(&all[..1], Reason::InDoubt).unwrap();
    let first = JsonLinesFile::replay(file.path(), &t.db).await.unwrap();
    assert_eq!((first.written, first.present), (600, 1), "{first:?}");
    assert_eq!((&*first.unreadable, &*first.in_doubt), (&[301][..], &[603][..]));
    let again = JsonLinesFile::replay(file.path(), &t.db).await.unwrap();
    assert_eq!((again.written, again.present), (0, 601));
    assert_eq!(entries(&t.db).await, all);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Of a change of redacted columns the entries tell nothing.
async fn what_nothing_tells_of_is_marked_as_in_doubt(t: TestDb) {
    create!(t, post::Entity);
    let (_folder, file) = file();
    let path = file.path().to_owned();
    let (db, wire) = away_and_back(&t).await;
    let writer = AuditWriter::start(&db, soon(), file);
    let config = AuditConfig::new().background(&writer);
    let post = config.clone().scope(new_post("a").insert(&db)).await.unwrap();
    // So that the next COMMIT on the wire is not the writer's own.
    writer.flush().await.unwrap();
    let mut post = post.into_active_model();
    post.token = Set(Some("s3cret".to_owned()));
    wire.as_ref().unwrap().next_commit(Commit::IsNotAnswered);
    config.scope(post.update(&db)).await.unwrap_err();
    let unwritten = writer.shutdown().await.unwrap_err();
    assert_eq!(unwritten.rescued, 1);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(r#"{"reason":"in_doubt""#) && !text.contains("s3cret"), "{text}");
    let replayed = JsonLinesFile::replay(&path, &db).await.unwrap();
    assert_eq!((replayed.written, &*replayed.in_doubt), (0, &[1][..]));
}

/// The row is gone, and whether that was after the insert or for want of one, the entry in between would tell.
async fn a_later_change_that_cannot_be_read_leaves_it_in_doubt(t: TestDb) {
    create!(t, post::Entity);
    without_checks(&t.db).await;
    let (_folder, file) = file();
    let (db, wire) = away_and_back(&t).await;
    // Slow enough that what follows the insert is there when it is looked for.
    let settings = soon().pauses(Duration::from_millis(400), Duration::from_millis(400));
    let writer = AuditWriter::start(&db, settings.give_up(Duration::from_secs(5)), file);
    let config = AuditConfig::new().background(&writer);
    wire.as_ref().unwrap().next_commit(Commit::IsNotAnswered);
    config.scope(new_post("a").insert(&db)).await.unwrap_err();
    let row = post::Entity::find().one(&t.db).await.unwrap().unwrap();
    row.delete(&t.db).await.unwrap();
    sql(&t.db, "UPDATE audit_trail SET operation = 'FROB'").await;
    let unwritten = writer.shutdown().await.unwrap_err();
    assert_eq!((unwritten.rescued, unwritten.dropped), (1, 0), "{unwritten}");
}

/// Rows are read by code of the application, which may panic.
async fn a_panic_over_a_doubt_is_one_in_doubt(t: TestDb) {
    create!(t, shy::Entity);
    let (_folder, file) = file();
    let (db, wire) = away_and_back(&t).await;
    let writer = AuditWriter::start(&db, soon(), file);
    let config = AuditConfig::new().background(&writer);
    let known = config.scope(AuditContext::new().user(AuditUser::new("ada")).scope(async {
        let row = shy::ActiveModel { shy: Set(shy::Shy), ..Default::default() };
        let row = row.insert(&db).await.unwrap();
        writer.flush().await.unwrap();
        wire.as_ref().unwrap().next_commit(Commit::IsLost);
        row.delete(&db).await.unwrap_err();
    }));
    known.await;
    let unwritten = writer.shutdown().await.unwrap_err();
    assert_eq!((unwritten.rescued, unwritten.dropped), (1, 0));
}
