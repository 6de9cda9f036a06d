//! The clock of the database, by which entries are ordered.
//!
//! Every statement that reads or writes a row of an audited table also gives back this clock. The database
//! reads it when it holds the lock of the row, so the moments of a record rise with its changes, whatever
//! the clocks of the application's machines say, and no round trip is added.
//!
//! - `PostgreSQL` evaluates RETURNING after the write, which is after the wait for the lock. It evaluates
//!   the list of a locking SELECT ahead of the lock, and again if the row has changed meanwhile.
//! - `MariaDB` evaluates `SYSDATE` when it has read the row, which it locks by reading. `NOW` is the
//!   moment when the statement began, which may have been before the wait.
//! - `SQLite` runs in the process and has no clock of its own. See [`writer::order`](crate::writer).

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr,
    prelude::DateTimeUtc,
    sea_query::{Expr, Query},
};

/// The name of a moment that comes alone.
const NAME: &str = "audit$at";

/// The moment when it is evaluated, in UTC; none on `SQLite`.
///
/// `SYSDATE` is local time of the session, whose distance from UTC is taken from the moment when the
/// statement began. `UTC_TIMESTAMP` alone would be that moment.
pub(crate) fn moment(backend: DbBackend) -> Option<&'static str> {
    match backend {
        DbBackend::Postgres => Some("clock_timestamp()"),
        DbBackend::MySql => Some(
            "SYSDATE(6) + INTERVAL TIMESTAMPDIFF(MICROSECOND, NOW(6), UTC_TIMESTAMP(6)) MICROSECOND",
        ),
        _ => None,
    }
}

/// What the clock says now, by a statement of its own; none on `SQLite`.
pub(crate) async fn now(db: &impl ConnectionTrait) -> Result<Option<DateTimeUtc>, DbErr> {
    let Some(moment) = moment(db.get_database_backend()) else { return Ok(None) };
    let select = Query::select().expr_as(Expr::cust(moment), NAME).take();
    let row = db.query_one(&select).await?;
    row.map(|row| row.try_get("", NAME)).transpose()
}
