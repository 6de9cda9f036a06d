use std::time::Duration;

use audit_core::Stamp;
use audit_migration::{Migrator, MigratorTrait};
use audit_seaorm::entity;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, EntityTrait, PaginatorTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use tempfile::TempDir;
use url::Url;

use crate::{Result, backend::Backend, post, server::Server};

/// A database made for one run.
pub(crate) struct Scratch {
    pub(crate) backend: Backend,
    pub(crate) url: Url,
    pub(crate) throwaway_server: bool,
    server: Option<Server>,
    name: String,
    // Removed with all that is in it when this is dropped.
    _folder: Option<TempDir>,
}

impl Scratch {
    pub(crate) async fn create(backend: Backend, given: Option<&str>) -> Result<Self> {
        match backend {
            Backend::Sqlite => Self::in_folder(given),
            Backend::Postgres | Backend::MariaDb => Self::on_server(backend, given).await,
        }
    }

    fn in_folder(given: Option<&str>) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("audit-benches-");
        let folder = match given {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("bench.db").display());
        Ok(Self {
            backend: Backend::Sqlite,
            url: Url::parse(&url)?,
            throwaway_server: false,
            server: None,
            name: String::new(),
            _folder: Some(folder),
        })
    }

    async fn on_server(backend: Backend, given: Option<&str>) -> Result<Self> {
        let server = Server::find(backend, given)?;
        let name = format!("audit_bench_{}", Stamp::next().id.simple());
        let mut url = Url::parse(&server.url)?;
        administer(&server, &format!("CREATE DATABASE {name}")).await?;
        url.set_path(&name);
        let throwaway_server = server.is_throwaway();
        Ok(Self { backend, url, throwaway_server, server: Some(server), name, _folder: None })
    }

    pub(crate) async fn remove(self) -> Result<()> {
        let Some(server) = &self.server else { return Ok(()) };
        // After an error there may be connections left.
        let force = if self.backend == Backend::Postgres { "WITH (FORCE)" } else { "" };
        administer(server, &format!("DROP DATABASE {} {force}", self.name)).await
    }

    /// A pool of one connection, by `url`, with `SeaORM`'s own settings but for the logging.
    pub(crate) async fn connect(&self, url: &Url) -> Result<DatabaseConnection> {
        let mut options = ConnectOptions::new(url.as_str());
        options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(|sqlite| {
            sqlite.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Off)
        });
        Ok(Database::connect(options).await?)
    }

    pub(crate) async fn create_tables(&self) -> Result<()> {
        let db = self.connect(&self.url).await?;
        db.get_schema_builder().register(post::audited::Entity).apply(&db).await?;
        Migrator::up(&db, None).await?;
        Ok(db.close().await?)
    }
}

async fn administer(server: &Server, sql: &str) -> Result<()> {
    let db = Database::connect(ConnectOptions::new(&server.url)).await?;
    db.execute_unprepared(sql).await?;
    Ok(db.close().await?)
}

/// Makes the trail empty, and the posts those from 1 to `posts`.
pub(crate) async fn reset(db: &DatabaseConnection, backend: Backend, posts: i64) -> Result<()> {
    let (before, after): (&[&str], &[&str]) = match backend {
        Backend::Sqlite => (
            &["DELETE FROM post", "DELETE FROM audit_trail", "DELETE FROM sqlite_sequence"],
            &["PRAGMA wal_checkpoint(TRUNCATE)"],
        ),
        Backend::Postgres => {
            (&["TRUNCATE post, audit_trail RESTART IDENTITY"], &["ANALYZE post", "CHECKPOINT"])
        }
        Backend::MariaDb => (&["TRUNCATE post", "TRUNCATE audit_trail"], &[]),
    };
    for sql in before {
        db.execute_unprepared(sql).await?;
    }
    post::plain::insert_many(db, 1..=posts).await?;
    for sql in after {
        db.execute_unprepared(sql).await?;
    }
    Ok(())
}

pub(crate) async fn count_entries(db: &DatabaseConnection) -> Result<u64> {
    Ok(entity::Entity::find().count(db).await?)
}

/// Waits until the connection is back in its pool, which it gets to in a task of its own.
pub(crate) async fn settle(db: &DatabaseConnection, backend: Backend) {
    let idle = || match backend {
        Backend::Sqlite => db.get_sqlite_connection_pool().num_idle(),
        Backend::Postgres => db.get_postgres_connection_pool().num_idle(),
        Backend::MariaDb => db.get_mysql_connection_pool().num_idle(),
    };
    while idle() == 0 {
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}
