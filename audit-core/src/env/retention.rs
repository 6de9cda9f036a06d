//! What of the trail is kept.

use super::shape::{List, Lookup, Number};
use crate::{ConfigError, Limits, Retention};

const DAYS: Number = Number {
    variable: "AUDIT_RETENTION_DAYS",
    expected: "a number of days from 1 to 36500, or forever",
    allowed: 1..=MAX_DAYS,
};

const NEWEST_PER_RECORD: Number = Number {
    variable: "AUDIT_RETENTION_NEWEST_PER_RECORD",
    expected: "a number of entries from 1 to 4294967295",
    allowed: 1..=u32::MAX,
};

const NEWEST_PER_TABLE: Number =
    Number { variable: "AUDIT_RETENTION_NEWEST_PER_TABLE", ..NEWEST_PER_RECORD };

const TABLE_DAYS: List = List {
    variable: "AUDIT_RETENTION_TABLE_DAYS",
    expected: "table=days from 1 to 36500, or table=forever, separated by commas, such as session=30,invoice=forever",
};

const KEEP_TABLES: List = List {
    variable: "AUDIT_KEEP_TABLES",
    expected: "tables separated by commas, such as payment,app.invoice",
};

const KEEP_USERS: List = List {
    variable: "AUDIT_KEEP_USERS",
    expected: "ids of users separated by commas, such as 7,42",
};

const KEEP_RECORDS: List = List {
    variable: "AUDIT_KEEP_RECORDS",
    expected: "table=record id separated by commas, such as post=42,app.card=7",
};

/// A century.
const MAX_DAYS: u32 = 36_500;

pub(super) fn read(lookup: Lookup<'_>) -> Result<Retention, ConfigError> {
    let all = Limits::new();
    let all = NEWEST_PER_RECORD.read(lookup)?.map_or(all, |n| all.newest_per_record(n.into()));
    let all = NEWEST_PER_TABLE.read(lookup)?.map_or(all, |n| all.newest_per_table(n.into()));
    let aged = |days: Option<u32>| days.map_or(all, |days| all.max_age_days(days));
    let days = match DAYS.text(lookup)? {
        Some(text) if is_forever(&text) => None,
        _ => DAYS.read(lookup)?,
    };
    let mut retention = Retention::new().all(aged(days));
    for (table, days) in TABLE_DAYS.read(lookup, table_and_days)? {
        retention = retention.table(table, aged(days));
    }
    for table in KEEP_TABLES.read(lookup, |item| Some(item.to_owned()))? {
        retention = retention.keep_table(table);
    }
    for user in KEEP_USERS.read(lookup, |item| Some(item.to_owned()))? {
        retention = retention.keep_user(user);
    }
    for (table, record) in KEEP_RECORDS.read(lookup, table_and_text)? {
        retention = retention.keep_record(table, record);
    }
    Ok(retention)
}

fn is_forever(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("forever")
}

fn table_and_days(item: &str) -> Option<(String, Option<u32>)> {
    let (table, text) = table_and_text(item)?;
    if is_forever(&text) {
        return Some((table, None));
    }
    let days = text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
    days.map(|days| (table, Some(days)))
}

fn table_and_text(item: &str) -> Option<(String, String)> {
    let (table, text) = item.split_once('=')?;
    let (table, text) = (table.trim(), text.trim());
    let whole = !table.is_empty() && !text.is_empty();
    whole.then(|| (table.to_owned(), text.to_owned()))
}
