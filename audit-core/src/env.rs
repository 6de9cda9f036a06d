//! The configuration as variables of the environment.

use std::ffi::OsString;

use crate::{AuditConfig, ConfigError, Escape, FailurePolicy, Problem};

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
    Ok(config)
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
        ]);
        let built = AuditConfig::new()
            .exclude_table("session")
            .exclude_table("app.cache")
            .redact("user", ["password", "token"])
            .redact("app.card", ["number"])
            .full_record(true)
            .on_failure(FailurePolicy::Continue)
            .on_escape(Escape::Warn);
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
