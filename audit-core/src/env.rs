//! The configuration as variables of the environment.

use std::ffi::OsString;

use crate::{AuditConfig, ConfigError, Escape, FailurePolicy, Limits, Problem, Retention};

const FULL_RECORD: Words<bool> = Words {
    variable: "AUDIT_FULL_RECORD",
    expected: "true or false",
    allowed: &[("true", true), ("false", false)],
};

const ON_FAILURE: Words<FailurePolicy> = Words {
    variable: "AUDIT_ON_FAILURE",
    expected: "fail_write or continue",
    allowed: &[("fail_write", FailurePolicy::FailWrite), ("continue", FailurePolicy::Continue)],
};

const ON_ESCAPE: Words<Escape> = Words {
    variable: "AUDIT_ON_ESCAPE",
    expected: "refuse, warn or allow",
    allowed: &[("refuse", Escape::Refuse), ("warn", Escape::Warn), ("allow", Escape::Allow)],
};

const EXCLUDED_TABLES: List = List {
    variable: "AUDIT_EXCLUDED_TABLES",
    expected: "tables separated by commas, such as session,app.cache",
};

const REDACT: List = List {
    variable: "AUDIT_REDACT",
    expected: "table.column separated by commas, such as user.password,app.card.number",
};

const RETENTION_DAYS: Number = Number {
    variable: "AUDIT_RETENTION_DAYS",
    expected: "a number of days from 1 to 36500, or forever",
};

const NEWEST_PER_RECORD: Number = Number {
    variable: "AUDIT_RETENTION_NEWEST_PER_RECORD",
    expected: "a number of entries, from 1",
};

const NEWEST_PER_TABLE: Number =
    Number { variable: "AUDIT_RETENTION_NEWEST_PER_TABLE", ..NEWEST_PER_RECORD };

const TABLE_DAYS: List = List {
    variable: "AUDIT_RETENTION_TABLE_DAYS",
    expected: "table=days from 1 to 36500, or table=forever, separated by commas, such as session=30,invoice=forever",
};

const KEEP_TABLES: List = List { variable: "AUDIT_KEEP_TABLES", ..EXCLUDED_TABLES };

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

type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Reads all variables through `lookup`.
pub(crate) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<AuditConfig, ConfigError> {
    let lookup: Lookup<'_> = &lookup;
    let mut config = AuditConfig::new()
        .full_record(FULL_RECORD.read(lookup)?)
        .on_failure(ON_FAILURE.read(lookup)?)
        .on_escape(ON_ESCAPE.read(lookup)?);
    for table in EXCLUDED_TABLES.read(lookup, |item| Some(item.to_owned()))? {
        config = config.exclude_table(table);
    }
    for (table, column) in REDACT.read(lookup, table_and_column)? {
        config = config.redact(table, [column]);
    }
    Ok(config.retention(retention(lookup)?))
}

fn retention(lookup: Lookup<'_>) -> Result<Retention, ConfigError> {
    let all = Limits::new();
    let all = NEWEST_PER_RECORD.read(lookup, entries)?.map_or(all, |n| all.newest_per_record(n));
    let all = NEWEST_PER_TABLE.read(lookup, entries)?.map_or(all, |n| all.newest_per_table(n));
    let aged = |days: Option<u32>| days.map_or(all, |days| all.max_age_days(days));
    let days = RETENTION_DAYS.read(lookup, days)?.unwrap_or(Some(Retention::DEFAULT_DAYS));
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

fn entries(text: &str) -> Option<u64> {
    text.parse().ok().filter(|entries| *entries > 0)
}

/// The inner one is none for ever.
#[allow(
    clippy::option_option,
    reason = "one says that it is no such text, the other that there is no end"
)]
fn days(text: &str) -> Option<Option<u32>> {
    if text.eq_ignore_ascii_case("forever") {
        return Some(None);
    }
    text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days)).map(Some)
}

fn table_and_days(item: &str) -> Option<(String, Option<u32>)> {
    let (table, text) = table_and_text(item)?;
    Some((table, days(&text)?))
}

fn table_and_text(item: &str) -> Option<(String, String)> {
    let (table, text) = item.split_once('=')?;
    let (table, text) = (table.trim(), text.trim());
    let whole = !table.is_empty() && !text.is_empty();
    whole.then(|| (table.to_owned(), text.to_owned()))
}

fn table_and_column(item: &str) -> Option<(String, String)> {
    let (table, column) = item.rsplit_once('.')?;
    let whole = !table.is_empty() && !column.is_empty();
    whole.then(|| (table.to_owned(), column.to_owned()))
}

struct Words<T: 'static> {
    variable: &'static str,
    expected: &'static str,
    allowed: &'static [(&'static str, T)],
}

impl<T: Copy + Default> Words<T> {
    fn read(&self, lookup: Lookup<'_>) -> Result<T, ConfigError> {
        let Some(text) = unicode(self.variable, self.expected, lookup)? else {
            return Ok(T::default());
        };
        let word = text.trim().to_ascii_lowercase();
        let found = self.allowed.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value).ok_or(ConfigError::Variable {
            variable: self.variable,
            problem: Problem::UnknownWord,
            expected: self.expected,
        })
    }
}

struct Number {
    variable: &'static str,
    expected: &'static str,
}

impl Number {
    fn read<T>(
        &self,
        lookup: Lookup<'_>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let &Self { variable, expected } = self;
        let text = unicode(variable, expected, lookup)?;
        let number = text.map(|text| parse(text.trim()));
        let refused = ConfigError::Variable { variable, problem: Problem::NotInRange, expected };
        number.map(|number| number.ok_or(refused)).transpose()
    }
}

struct List {
    variable: &'static str,
    expected: &'static str,
}

impl List {
    fn read<T>(
        &self,
        lookup: Lookup<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ConfigError> {
        let text = unicode(self.variable, self.expected, lookup)?.unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let items = text.split(',').map(str::trim).enumerate();
        items
            .map(|(place, item)| {
                let parsed = Some(item).filter(|item| !item.is_empty()).and_then(&parse);
                parsed.ok_or(ConfigError::Variable {
                    variable: self.variable,
                    problem: Problem::BadItem(place + 1),
                    expected: self.expected,
                })
            })
            .collect()
    }
}

fn unicode(
    variable: &'static str,
    expected: &'static str,
    lookup: Lookup<'_>,
) -> Result<Option<String>, ConfigError> {
    let text = lookup(variable).map(OsString::into_string).transpose();
    text.map_err(|_| ConfigError::Variable { variable, problem: Problem::NotUnicode, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<AuditConfig, String> {
        let lookup = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into());
        read(lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn without_variables_it_is_the_default() {
        assert_eq!(config(&[]), Ok(AuditConfig::new()));
        assert_eq!(config(&[("AUDIT_REDACT", " ")]), Ok(AuditConfig::new()));
    }

    #[test]
    fn every_variable_is_read() {
        let read = config(&[
            ("AUDIT_EXCLUDED_TABLES", "session, app.cache"),
            ("AUDIT_REDACT", "user.password,app.card.number,user.token"),
            ("AUDIT_FULL_RECORD", "TRUE"),
            ("AUDIT_ON_FAILURE", "continue"),
            ("AUDIT_ON_ESCAPE", "warn"),
            ("AUDIT_RETENTION_DAYS", "730"),
            ("AUDIT_RETENTION_NEWEST_PER_RECORD", "100"),
            ("AUDIT_RETENTION_NEWEST_PER_TABLE", "5000000"),
            ("AUDIT_RETENTION_TABLE_DAYS", "session=30, invoice = Forever"),
            ("AUDIT_KEEP_TABLES", "payment"),
            ("AUDIT_KEEP_USERS", "7, 8"),
            ("AUDIT_KEEP_RECORDS", "post=42,note=a=b"),
        ]);
        let all = Limits::new().newest_per_record(100).newest_per_table(5_000_000);
        let retention = Retention::new()
            .all(all.max_age_days(730))
            .table("session", all.max_age_days(30))
            .table("invoice", all)
            .keep_table("payment")
            .keep_user("7")
            .keep_user("8")
            .keep_record("post", "42")
            .keep_record("note", "a=b");
        let built = AuditConfig::new()
            .exclude_table("session")
            .exclude_table("app.cache")
            .redact("user", ["password", "token"])
            .redact("app.card", ["number"])
            .full_record(true)
            .on_failure(FailurePolicy::Continue)
            .on_escape(Escape::Warn)
            .retention(retention);
        assert_eq!(read, Ok(built));
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name_and_without_itself() {
        for (variable, value, text) in [
            (
                "AUDIT_FULL_RECORD",
                "s3cret",
                "AUDIT_FULL_RECORD has an unknown value: expected true or false",
            ),
            (
                "AUDIT_ON_FAILURE",
                "s3cret",
                "AUDIT_ON_FAILURE has an unknown value: expected fail_write or continue",
            ),
            (
                "AUDIT_ON_ESCAPE",
                "",
                "AUDIT_ON_ESCAPE has an unknown value: expected refuse, warn or allow",
            ),
            (
                "AUDIT_EXCLUDED_TABLES",
                "a,,b",
                "AUDIT_EXCLUDED_TABLES has a malformed item at place 2: expected tables separated by commas, such as session,app.cache",
            ),
            (
                "AUDIT_REDACT",
                "a.b, s3cret",
                "AUDIT_REDACT has a malformed item at place 2: expected table.column separated by commas, such as user.password,app.card.number",
            ),
            (
                "AUDIT_REDACT",
                ".s3cret",
                "AUDIT_REDACT has a malformed item at place 1: expected table.column separated by commas, such as user.password,app.card.number",
            ),
            (
                "AUDIT_RETENTION_DAYS",
                "0",
                "AUDIT_RETENTION_DAYS is not a number that is allowed: expected a number of days from 1 to 36500, or forever",
            ),
            (
                "AUDIT_RETENTION_NEWEST_PER_RECORD",
                "s3cret",
                "AUDIT_RETENTION_NEWEST_PER_RECORD is not a number that is allowed: expected a number of entries, from 1",
            ),
            (
                "AUDIT_RETENTION_NEWEST_PER_TABLE",
                "-1",
                "AUDIT_RETENTION_NEWEST_PER_TABLE is not a number that is allowed: expected a number of entries, from 1",
            ),
            (
                "AUDIT_RETENTION_TABLE_DAYS",
                "session=30,s3cret=36501",
                "AUDIT_RETENTION_TABLE_DAYS has a malformed item at place 2: expected table=days from 1 to 36500, or table=forever, separated by commas, such as session=30,invoice=forever",
            ),
            (
                "AUDIT_KEEP_TABLES",
                ",s3cret",
                "AUDIT_KEEP_TABLES has a malformed item at place 1: expected tables separated by commas, such as session,app.cache",
            ),
            (
                "AUDIT_KEEP_USERS",
                "s3cret,",
                "AUDIT_KEEP_USERS has a malformed item at place 2: expected ids of users separated by commas, such as 7,42",
            ),
            (
                "AUDIT_KEEP_RECORDS",
                "post=42,s3cret",
                "AUDIT_KEEP_RECORDS has a malformed item at place 2: expected table=record id separated by commas, such as post=42,app.card=7",
            ),
        ] {
            assert_eq!(config(&[(variable, value)]), Err(text.to_owned()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_refused() {
        use std::os::unix::ffi::OsStringExt;

        let error = read(|_| Some(OsString::from_vec(vec![0xff]))).map_err(|e| e.to_string());
        assert_eq!(
            error,
            Err("AUDIT_FULL_RECORD is not valid Unicode: expected true or false".to_owned())
        );
    }
}
