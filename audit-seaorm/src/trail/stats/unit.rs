//! The hour, the day or the week that an entry is in, as a number, in the words of each database.

use sea_orm::{
    DbBackend,
    sea_query::{Expr, SimpleExpr},
};

/// From the Monday at which numbers begin to 1970: some 7700 years, so that no number is negative and every
/// database's division of whole numbers rounds downwards. Weeks begin on Monday because that day does.
pub(super) const SINCE: i64 = 2_800_003 * 86_400;

/// What `TO_SECONDS` says of 1970-01-01.
const MYSQL_EPOCH: i64 = 62_167_219_200;

/// The number of the unit, of so many seconds, with `shift` added to the seconds since 1970. None of it depends
/// on the time zone of the session.
pub(super) fn of_entry(backend: DbBackend, seconds: i64, shift: i64) -> SimpleExpr {
    match backend {
        // A quotient of `numeric` is rounded to 16 digits or so: whole seconds before, and whole numbers after.
        DbBackend::Postgres => Expr::cust_with_values(
            r#"(CAST(FLOOR(EXTRACT(EPOCH FROM "timestamp")) AS bigint) + $1) / $2"#,
            [shift, seconds],
        ),
        // `UNIX_TIMESTAMP` would go by the session's time zone, and `/` rounds to four decimals.
        DbBackend::MySql => Expr::cust_with_values(
            "(TO_SECONDS(`timestamp`) + ?) DIV ?",
            [shift - MYSQL_EPOCH, seconds],
        ),
        // Whole seconds only: with the fraction, SQLite rounds to milliseconds, and so into the next unit. In two parts,
        // so that a number is no time: SQLite takes one for a day of the Julian calendar.
        _ => Expr::cust_with_values(
            r#"(CAST(STRFTIME('%s', SUBSTR("timestamp", 1, 10) || 'T' || SUBSTR("timestamp", 12, 8)) AS INTEGER) + ?) / ?"#,
            [shift, seconds],
        ),
    }
}
