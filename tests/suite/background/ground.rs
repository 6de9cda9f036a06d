//! A database behind a wire that can be cut, and a writer on it.

use std::{sync::Arc, time::Duration};

use audit_seaorm::{AuditConfig, AuditTrail, AuditWriter, Background};
use audit_tests::{Backend, TestDb, connect, wire::Wire};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::sleep;

use crate::{
    entities::post,
    support::{number, sql},
};

pub(super) const HOUR: Duration = Duration::from_hours(1);

/// Settings under which nothing is written unasked.
pub(super) fn patient() -> Background {
    Background::new().interval(HOUR)
}

pub(super) struct Wired {
    /// A pool whose database can be taken away.
    pub(super) db: DatabaseConnection,
    /// None on `SQLite`.
    pub(super) wire: Option<Arc<Wire>>,
    pub(super) writer: AuditWriter,
    pub(super) config: AuditConfig,
}

pub(super) async fn wired(t: &TestDb, settings: Background) -> Wired {
    let (db, wire) = away_and_back(t).await;
    let writer = AuditWriter::start_without_last_resort(&db, settings);
    let config = AuditConfig::new().background(&writer);
    Wired { db, wire, writer, config }
}

/// A pool that gives up soon when the database is away.
pub(super) async fn away_and_back(t: &TestDb) -> (DatabaseConnection, Option<Arc<Wire>>) {
    let soon = |options: &mut ConnectOptions| {
        options.acquire_timeout(Duration::from_millis(500)).map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Off)
                .busy_timeout(Duration::from_millis(100))
                .foreign_keys(true)
        });
    };
    let wire = match t.backend {
        Backend::Sqlite => None,
        _ => Some(Arc::new(Wire::to(t.url()).await)),
    };
    let url = wire.as_ref().map_or(t.url(), |wire| wire.url());
    // A busy machine may take longer than that to make the first connection.
    let db = loop {
        if let Ok(db) = connect(t.backend, url, soon).await {
            break db;
        }
    };
    (db, wire)
}

/// Takes the database away for a while.
pub(super) async fn away(t: &TestDb, wire: Option<&Wire>, time: Duration) {
    let gone = gone(t, wire).await;
    sleep(time).await;
    back(wire, gone).await;
}

/// Takes the database away, until it is given [`back`].
pub(super) async fn gone(t: &TestDb, wire: Option<&Wire>) -> Option<DatabaseConnection> {
    let Some(wire) = wire else {
        let db = t.connect_with(|options| {
            options.max_connections(1);
        });
        let db = db.await;
        // On a busy machine the writers may hold the file for longer than this waits for it.
        while db.execute_unprepared("BEGIN EXCLUSIVE").await.is_err() {}
        return Some(db);
    };
    if t.backend == Backend::Postgres {
        let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        number(&t.db, end).await;
    }
    wire.cut();
    None
}

pub(super) async fn back(wire: Option<&Wire>, lock: Option<DatabaseConnection>) {
    if let Some(db) = lock {
        sql(&db, "ROLLBACK").await;
        db.close().await.unwrap();
    }
    if let Some(wire) = wire {
        wire.mend();
    }
}

/// The trail explains every row; how many entries it has.
pub(super) async fn verified(db: &DatabaseConnection) -> u64 {
    let report = AuditTrail::verify(db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    report.entries
}
