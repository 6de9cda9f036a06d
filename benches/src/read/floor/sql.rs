use super::{Case, PAGE};
use crate::backend::Backend;

const ENTRY: &str = "id, table_name, record_id, operation, old_values, new_values, user_id, \
                     user_email, request_id, transaction_id, reason, metadata, timestamp";
const CHANGE: &str = "id, operation, old_values, new_values, user_id, user_email, request_id, \
                      reason, timestamp";
const IMAGE: &str = "operation, old_values, new_values";

const OF_RECORD: &str = "table_name = ? AND record_id = ?";
const NEWEST: &str = "ORDER BY timestamp DESC, id DESC";
const OLDEST: &str = "ORDER BY timestamp, id";

pub(super) fn of(backend: Backend, case: Case) -> String {
    let page = format!("{NEWEST} LIMIT {}", PAGE + 1);
    let from = "FROM audit_trail";
    let sql = match case {
        Case::Record => format!("SELECT {ENTRY} {from} WHERE {OF_RECORD} {NEWEST}"),
        Case::Blame => format!("SELECT {CHANGE} {from} WHERE {OF_RECORD} {NEWEST}"),
        Case::AsOf => {
            format!("SELECT {IMAGE} {from} WHERE {OF_RECORD} AND timestamp <= ? {OLDEST}")
        }
        Case::LargeRecord => format!("SELECT {ENTRY} {from} WHERE {OF_RECORD} {page}"),
        Case::Latest => format!("SELECT {ENTRY} {from} {page}"),
        Case::UserAndTime => format!(
            "SELECT {ENTRY} {from} WHERE user_id = ? AND timestamp >= ? AND timestamp < ? {page}"
        ),
        Case::UserAndChanged => {
            format!("SELECT {ENTRY} {from} WHERE user_id = ? AND {} {page}", changed(backend))
        }
        Case::Deep => format!("SELECT {ENTRY} {from} WHERE {} {page}", beyond(backend)),
    };
    in_words_of(backend, &sql)
}

/// All of the trail.
pub(super) fn all(backend: Backend) -> String {
    in_words_of(backend, &format!("SELECT {ENTRY} FROM audit_trail {NEWEST}"))
}

/// MariaDB finds no place in an index by a pair.
fn beyond(backend: Backend) -> &'static str {
    match backend {
        Backend::MariaDb => "timestamp <= ? AND (timestamp < ? OR id < ?)",
        Backend::Sqlite | Backend::Postgres => "(timestamp, id) < (?, ?)",
    }
}

fn changed(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "old_values -> '$.price' IS NOT new_values -> '$.price'",
        Backend::Postgres => "old_values -> 'price' IS DISTINCT FROM new_values -> 'price'",
        Backend::MariaDb => {
            "NOT (JSON_EXTRACT(old_values, '$.price') <=> JSON_EXTRACT(new_values, '$.price'))"
        }
    }
}

fn in_words_of(backend: Backend, sql: &str) -> String {
    if backend != Backend::Postgres {
        return sql.to_owned();
    }
    let mut parts = sql.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |sql, (part, number)| format!("{sql}${number}{part}"))
}
