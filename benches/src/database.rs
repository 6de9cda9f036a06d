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

use crate::{Result, backend::Backend, place::Place, post, server::Server};

/// A database made for one run.
pub(crate) struct Scratch<'a> {
    pub(crate) backend: Backend,
    pub(crate) url: Url,
    place: &'a Place,
    name: String,
    // Removed with all that is in it when this is dropped.
    _folder: Option<TempDir>,
}

impl<'a> Scratch<'a> {
    pub(crate) async fn create(place: &'a Place) -> Result<Self> {
        match place {
            Place::Folder(parent) => {
                let mut builder = tempfile::Builder::new();
                builder.prefix("audit-benches-");
                let folder = match parent {
                    Some(parent) => builder.tempdir_in(parent)?,
                    None => builder.tempdir()?,
                };
                let file = folder.path().join("bench.db");
                let url = Url::parse(&format!("sqlite://{}?mode=rwc", file.display()))?;
                Ok(Self::new(place, url, String::new(), Some(folder)))
            }
            Place::Server(_, server) => {
                let name = format!("audit_bench_{}", Stamp::next().id.simple());
                let mut url = Url::parse(&server.url)?;
                administer(server, &format!("CREATE DATABASE {name}")).await?;
                url.set_path(&name);
                Ok(Self::new(place, url, name, None))
            }
        }
    }

    fn new(place: &'a Place, url: Url, name: String, folder: Option<TempDir>) -> Self {
        Self { backend: place.backend(), url, place, name, _folder: folder }
    }

    pub(crate) async fn remove(self) -> Result<()> {
        let Place::Server(backend, server) = self.place else { return Ok(()) };
        // After an error there may be connections left.
        let force = if *backend == Backend::Postgres { "WITH (FORCE)" } else { "" };
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

/// Has a throwaway MariaDB keep in memory what is read often, as the system does for the files of the
/// others, which it does not do for those of this one.
pub(crate) async fn make_room(place: &Place) -> Result<()> {
    match place {
        Place::Server(Backend::MariaDb, server) if server.is_throwaway() => {
            administer(server, "SET GLOBAL innodb_buffer_pool_size = 2147483648").await
        }
        _ => Ok(()),
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
