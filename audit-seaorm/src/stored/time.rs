//! The time of an entry. `SQLx` panics on a time of `PostgreSQL`'s that is infinite or after the year 262142, so there such
//! a one is asked for as something else.

use chrono::DateTime;
use sea_orm::{
    DbBackend, IdenStatic, QueryResult, QuerySelect, Select, prelude::DateTimeUtc, sea_query::Expr,
};

use super::{calendar::is_in_calendar, value::Stored};
use crate::entity::{Column, Entity};

/// Where a time stands that cannot be read.
const STORED: &str = "stored_timestamp";

macro_rules! postgres {
    ($is:literal, $then:literal) => {
        concat!(
            "CASE WHEN audit_trail.timestamp ",
            $is,
            " TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN ",
            $then,
            " END"
        )
    };
}
const POSTGRES: &str = postgres!("BETWEEN", "audit_trail.timestamp");
/// Its eight bytes, for a text would depend on settings of the session.
const POSTGRES_STORED: &str =
    postgres!("NOT BETWEEN", "encode(timestamptz_send(audit_trail.timestamp), 'hex')");

/// `LAST_DAY` of a month that is none is NULL.
const MYSQL_STORED: &str = "CASE WHEN audit_trail.timestamp >= '0001-01-01' AND DAYOFMONTH(audit_trail.timestamp) \
    BETWEEN 1 AND DAYOFMONTH(LAST_DAY(audit_trail.timestamp)) THEN NULL ELSE CAST(audit_trail.timestamp AS CHAR) END";

/// Asks for columns such that a [`Reader`](super::Reader) and a [`Place`](super::Place) can read them.
pub(crate) fn select(
    entries: Select<Entity>,
    backend: DbBackend,
    columns: impl IntoIterator<Item = Column>,
) -> Select<Entity> {
    let time = Column::Timestamp.as_str();
    let add = |entries: Select<Entity>, column| match (column, backend) {
        (Column::Timestamp, DbBackend::Postgres) => {
            entries.expr_as(Expr::cust(POSTGRES), time).expr_as(Expr::cust(POSTGRES_STORED), STORED)
        }
        (Column::Timestamp, DbBackend::MySql) => {
            entries.column(column).expr_as(Expr::cust(MYSQL_STORED), STORED)
        }
        _ => entries.column(column),
    };
    columns.into_iter().fold(entries.select_only(), add)
}

/// A time as it is stored.
pub(super) enum Time {
    Sound(DateTimeUtc),
    /// Its text does not have the form by which `SQLite` compares times.
    OtherForm(DateTimeUtc),
    None,
}

impl Time {
    pub(super) fn read(row: &QueryResult, backend: DbBackend) -> Self {
        let time = match backend {
            DbBackend::Sqlite => read_text(row),
            _ => get(row).map_or(Self::None, Self::Sound),
        };
        match time {
            Self::Sound(at) | Self::OtherForm(at) if !is_in_calendar(at) => Self::None,
            time => time,
        }
    }
}

/// In its own words, where it is no sound one.
pub(super) fn stored(row: &QueryResult, backend: DbBackend) -> Option<Stored> {
    let column = if backend == DbBackend::Sqlite { Column::Timestamp.as_str() } else { STORED };
    Stored::read(row, column)
}

fn get(row: &QueryResult) -> Option<DateTimeUtc> {
    row.try_get("", Column::Timestamp.as_str()).ok().flatten()
}

/// `SQLx` itself reads more forms than one.
fn read_text(row: &QueryResult) -> Time {
    let text: Option<String> = row.try_get("", Column::Timestamp.as_str()).ok().flatten();
    let Some(text) = text else { return Time::None };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(at) if is_in_form(&text) => Time::Sound(at.to_utc()),
        _ => get(row).map_or(Time::None, Time::OtherForm),
    }
}

/// Of a text that is a time by RFC 3339.
fn is_in_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 32 && bytes[10] == b'T' && bytes[19] == b'.' && text.ends_with("+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::sqlite_text;

    #[test]
    fn the_form_is_the_one_that_is_written() {
        for at in ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00.123456Z", "0001-01-01T00:00:00Z"] {
            assert!(is_in_form(&sqlite_text(at.parse().expect("a time"))), "{at}");
        }
        for other in [
            "2026-03-01 09:30:00.000000+00:00",
            "2026-03-01T09:30:00.0000000Z",
            "2026-03-01T09:30:00.000000+01:00",
            "2026-03-01T09:30:00.000000-00:00",
        ] {
            assert!(!is_in_form(other), "{other}");
        }
    }
}
