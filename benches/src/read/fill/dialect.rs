//! What each database calls the same thing. MariaDB has been told to take `||` for what the others do.

use super::Layout;
use crate::backend::Backend;

/// The whole numbers from 0 on, as `i`.
pub(super) fn series(backend: Backend, count: i64) -> String {
    match backend {
        Backend::Sqlite => format!(
            "(WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < {count}) \
             SELECT i FROM s) AS series"
        ),
        Backend::Postgres => {
            format!("generate_series(CAST(0 AS bigint), {count} - 1) AS series (i)")
        }
        Backend::MariaDb => {
            format!("(SELECT CAST(seq AS SIGNED) AS i FROM seq_0_to_{}) AS series", count - 1)
        }
    }
}

pub(super) fn div(backend: Backend, a: &str, b: &str) -> String {
    match backend {
        Backend::MariaDb => format!("({a} DIV {b})"),
        Backend::Sqlite | Backend::Postgres => format!("({a} / {b})"),
    }
}

pub(super) fn json(backend: Backend, text: &str) -> String {
    match backend {
        Backend::Postgres => format!("CAST({text} AS jsonb)"),
        Backend::Sqlite | Backend::MariaDb => text.to_owned(),
    }
}

/// Version 7, of the time `at`, with this digit to tell several of one entry apart.
pub(super) fn uuid(backend: Backend, digit: &str) -> String {
    let millis = format!("at * 1000 + {}", Layout::MICROS / 1000);
    // The fraction of the millisecond, as `Stamp` has it.
    let fraction = format!("7{:03x}", Layout::MICROS % 1000 * 4096 / 1000);
    let hex = |number: &str| match backend {
        Backend::Sqlite => format!("printf('%012x', {number})"),
        Backend::Postgres => format!("lpad(to_hex({number}), 12, '0')"),
        Backend::MariaDb => format!("LPAD(HEX({number}), 12, '0')"),
    };
    let digits = format!("{} || '{fraction}{digit}000' || {}", hex(&millis), hex("i"));
    match backend {
        Backend::Sqlite | Backend::MariaDb => format!("unhex({digits})"),
        Backend::Postgres => format!("CAST({digits} AS uuid)"),
    }
}

/// The time `at` as the column has it.
pub(super) fn timestamp(backend: Backend) -> String {
    let micros = Layout::MICROS;
    match backend {
        Backend::Sqlite => format!("strftime('%Y-%m-%dT%H:%M:%S.{micros}+00:00', at, 'unixepoch')"),
        Backend::Postgres => format!("to_timestamp(at) + INTERVAL '{micros} microseconds'"),
        Backend::MariaDb => {
            format!("TIMESTAMPADD(MICROSECOND, at * 1000000 + {micros}, '1970-01-01')")
        }
    }
}

/// A time as images have it.
pub(super) fn rfc3339(backend: Backend, seconds: &str) -> String {
    let micros = Layout::MICROS;
    match backend {
        Backend::Sqlite => {
            format!("strftime('%Y-%m-%dT%H:%M:%S.{micros}Z', {seconds}, 'unixepoch')")
        }
        Backend::Postgres => format!(
            "to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', \
             'YYYY-MM-DD\"T\"HH24:MI:SS\".{micros}Z\"')"
        ),
        Backend::MariaDb => format!(
            "DATE_FORMAT(TIMESTAMPADD(SECOND, {seconds}, '1970-01-01'), \
             '%Y-%m-%dT%H:%i:%s.{micros}Z')"
        ),
    }
}
