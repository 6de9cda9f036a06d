use std::sync::Arc;

use audit_seaorm::AuditEntry;
use chrono::NaiveDateTime;
use futures_util::TryStreamExt;
use sea_orm::{
    prelude::{DateTimeUtc, Uuid},
    sqlx::{AssertSqlSafe, query_as},
};

use super::{
    row::{self, EntryRow},
    sql,
};
use crate::{Result, backend::Backend, read::trail::Trail};

pub(super) enum Bind {
    Text(String),
    Id(Uuid),
    At(DateTimeUtc),
    NaiveAt(NaiveDateTime),
}

impl Bind {
    /// MariaDB takes a time with a zone for a `TIMESTAMP`, which the column is not.
    pub(super) fn at(backend: Backend, at: DateTimeUtc) -> Self {
        match backend {
            Backend::MariaDb => Self::NaiveAt(at.naive_utc()),
            Backend::Sqlite | Backend::Postgres => Self::At(at),
        }
    }
}

/// All rows, by the driver of the backend.
macro_rules! fetch {
    ($floor:expr, $binds:expr) => {
        match $floor.backend {
            Backend::Sqlite => fetch!($floor, $binds, get_sqlite_connection_pool),
            Backend::Postgres => fetch!($floor, $binds, get_postgres_connection_pool),
            Backend::MariaDb => fetch!($floor, $binds, get_mysql_connection_pool),
        }
    };
    ($floor:expr, $binds:expr, $pool:ident) => {{
        let sql = sea_orm::sqlx::AssertSqlSafe($floor.sql.clone());
        let query =
            $binds.into_iter().fold(sea_orm::sqlx::query_as(sql), |query, bind| match bind {
                Bind::Text(text) => query.bind(text),
                Bind::Id(id) => query.bind(id),
                Bind::At(at) => query.bind(at),
                Bind::NaiveAt(at) => query.bind(at),
            });
        query.fetch_all($floor.db.$pool()).await?
    }};
}

pub(super) use fetch;

/// Hands over all entries, newest first, as they come by one statement.
pub(in crate::read) async fn stream(trail: &Trail, mut each: impl FnMut(AuditEntry)) -> Result<()> {
    let sql: Arc<str> = sql::all(trail.backend).into();
    macro_rules! stream {
        ($pool:ident) => {{
            let mut rows = query_as::<_, EntryRow>(AssertSqlSafe(sql)).fetch(trail.db.$pool());
            while let Some(row) = rows.try_next().await? {
                each(row::entry(row)?);
            }
        }};
    }
    match trail.backend {
        Backend::Sqlite => stream!(get_sqlite_connection_pool),
        Backend::Postgres => stream!(get_postgres_connection_pool),
        Backend::MariaDb => stream!(get_mysql_connection_pool),
    }
    Ok(())
}
