use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};
use tokio::sync::OnceCell;

use crate::Backend;

/// How long a SQLite connection waits for another one's write to end.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// An empty database of the test's own, and a pool of connections to it.
///
/// The database is removed when the test has ended, however it ended.
pub struct TestDb {
    /// A pool of up to 16 connections (SQLite: 8).
    pub db: DatabaseConnection,
    /// Where the test is running.
    pub backend: Backend,
    scratch: Arc<ScratchDatabase>,
}

impl TestDb {
    pub(crate) async fn open(scratch: Arc<ScratchDatabase>) -> Result<Self, DbErr> {
        Ok(Self { db: scratch.connect(|_| {}).await?, backend: scratch.backend, scratch })
    }

    /// Opens another pool on the same database; `change` may alter the options `db` has.
    pub async fn connect_with(
        &self,
        change: impl FnOnce(&mut ConnectOptions),
    ) -> DatabaseConnection {
        self.scratch.connect(change).await.unwrap()
    }

    /// The URL of this database, as `sea_orm::Database::connect` takes it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.scratch.url
    }

    /// The database file, where there is one: on SQLite.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.scratch.folder.as_ref().map(file_in)
    }
}

impl fmt::Debug for TestDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestDb").field(&self.url()).finish()
    }
}

/// A database made for one test.
pub(crate) struct ScratchDatabase {
    backend: Backend,
    name: String,
    url: String,
    folder: Option<TempDir>,
}

impl ScratchDatabase {
    /// Creates an empty database. Must not be called from async code.
    pub(crate) fn create(backend: Backend) -> Result<Self, DbErr> {
        let name = unused_name();
        let mut folder = None;
        let url = match backend {
            Backend::Sqlite => {
                let created = tempfile::Builder::new()
                    .prefix("audit-test-")
                    .tempdir()
                    .map_err(|error| DbErr::Custom(format!("no temporary folder: {error}")))?;
                let url = format!("sqlite://{}?mode=rwc", file_in(&created).display());
                folder = Some(created);
                url
            }
            Backend::Postgres => {
                // template0: nobody can be connected to it, which would make the copy fail.
                administer(
                    backend,
                    &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
                )?;
                with_database(&server_url(backend)?, &name)
            }
            Backend::MariaDb => {
                administer(backend, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"))?;
                with_database(&server_url(backend)?, &name)
            }
        };
        Ok(Self { backend, name, url, folder })
    }

    /// Removes the database. Must not be called from async code.
    pub(crate) fn remove(&self) -> Result<(), DbErr> {
        match self.backend {
            Backend::Sqlite => Ok(()),
            // FORCE: the server may not have noticed yet that the test's connections are gone.
            Backend::Postgres => {
                administer(self.backend, &format!("DROP DATABASE {} WITH (FORCE)", self.name))
            }
            Backend::MariaDb => {
                self.end_mariadb_connections()?;
                administer(self.backend, &format!("DROP DATABASE {}", self.name))
            }
        }
    }

    /// An open transaction that a test leaked would make DROP DATABASE wait for ever.
    fn end_mariadb_connections(&self) -> Result<(), DbErr> {
        let sql = "SELECT id FROM information_schema.processlist WHERE db = ?";
        let query =
            Statement::from_sql_and_values(DbBackend::MySql, sql, [self.name.as_str().into()]);
        let connections =
            on_server(self.backend, async |server| server.query_all_raw(query).await)?;
        for connection in connections {
            let id: i64 = connection.try_get("", "id")?;
            // It may have ended by itself meanwhile.
            let _ = administer(self.backend, &format!("KILL {id}"));
        }
        Ok(())
    }

    async fn connect(
        &self,
        change: impl FnOnce(&mut ConnectOptions),
    ) -> Result<DatabaseConnection, DbErr> {
        connect(self.backend, &self.url, change).await
    }
}

/// Opens a pool on a test's database, as the test has one; `change` may alter its options.
///
/// # Errors
///
/// Those of the database.
pub async fn connect(
    backend: Backend,
    url: &str,
    change: impl FnOnce(&mut ConnectOptions),
) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(if backend == Backend::Sqlite { 8 } else { 16 })
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Off)
                .busy_timeout(SQLITE_BUSY_TIMEOUT)
                .foreign_keys(true)
        });
    change(&mut options);
    Database::connect(options).await
}

fn file_in(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("test.db")
}

fn unused_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one((process::id(), number));
    format!("audit_test_{random:016x}_{number}")
}

fn server_url(backend: Backend) -> Result<String, DbErr> {
    backend.server_url().ok_or_else(|| DbErr::Custom(format!("{} has no server", backend.name())))
}

/// Replaces the database in `url`, keeping the server and the parameters.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    format!("{}/{name}{parameters}", &address[..end])
}

/// Runs `sql` on the server of `backend`.
fn administer(backend: Backend, sql: &str) -> Result<(), DbErr> {
    on_server(backend, async |server| server.execute_unprepared(sql).await)?;
    Ok(())
}

/// Runs `work` with a pool on the server of `backend`.
///
/// On a runtime of its own, because connections live and die with the runtime they were opened
/// on, and each test has one that ends with it.
fn on_server<T>(
    backend: Backend,
    work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, DbErr>,
) -> Result<T, DbErr> {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("harness")
            .enable_all()
            .build()
            .unwrap()
    });
    static POSTGRES: OnceCell<DatabaseConnection> = OnceCell::const_new();
    static MARIADB: OnceCell<DatabaseConnection> = OnceCell::const_new();

    let pool = if backend == Backend::Postgres { &POSTGRES } else { &MARIADB };
    RUNTIME.block_on(async {
        let connect = || async {
            let mut options = ConnectOptions::new(server_url(backend)?);
            options.max_connections(4).sqlx_logging(false);
            Database::connect(options).await
        };
        work(pool.get_or_try_init(connect).await?).await
    })
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn database_is_replaced_and_the_rest_of_the_url_kept() {
        for (url, expected) in [
            ("mysql://root@127.0.0.1:1/mysql", "mysql://root@127.0.0.1:1/x"),
            ("postgres://a:b@h/postgres?sslmode=disable", "postgres://a:b@h/x?sslmode=disable"),
            ("postgres://h:5432", "postgres://h:5432/x"),
        ] {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}
