//! The configuration as variables of the environment.

mod background;
mod retention;
mod shape;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use self::shape::{List, Lookup, Words};
use crate::{
    AuditConfig, ConfigError, Escape, FailurePolicy, RequireUser,
    tables::{self, Source},
};

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

const REQUIRE_USER: Words<RequireUser> = Words {
    variable: "AUDIT_REQUIRE_USER",
    expected: "refuse, warn or allow",
    allowed: &[
        ("refuse", RequireUser::Refuse),
        ("warn", RequireUser::Warn),
        ("allow", RequireUser::Allow),
    ],
};

const EXCLUDED_TABLES: List = List {
    variable: "AUDIT_EXCLUDED_TABLES",
    expected: "tables separated by commas, such as session,app.cache",
};

const EXTERNAL_TABLES: List = List {
    variable: "AUDIT_EXTERNAL_TABLES",
    expected: "tables separated by commas, such as rate,app.cache",
};

const REDACT: List = List {
    variable: "AUDIT_REDACT",
    expected: "table.column separated by commas, such as user.password,app.card.number",
};

/// Reads all variables through `lookup`.
pub(crate) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<AuditConfig, ConfigError> {
    let lookup: Lookup<'_> = &lookup;
    let mut config = AuditConfig::new()
        .full_record(FULL_RECORD.read(lookup)?)
        .on_failure(ON_FAILURE.read(lookup)?)
        .on_escape(ON_ESCAPE.read(lookup)?)
        .require_user(REQUIRE_USER.read(lookup)?);
    if let Some(settings) = background::read(lookup)? {
        config = config.with_background_settings(settings);
    }
    for table in EXCLUDED_TABLES.read(lookup, |item| Some(item.to_owned()))? {
        config = config.exclude_table(table);
    }
    for table in EXTERNAL_TABLES.read(lookup, |item| Some(item.to_owned()))? {
        config = config.external_table(table);
    }
    for (table, column) in REDACT.read(lookup, table_and_column)? {
        config = config.redact(table, [column]);
    }
    config = config.retention(retention::read(lookup)?);
    tables::check(&config, Source::Environment)?;
    Ok(config)
}

fn table_and_column(item: &str) -> Option<(String, String)> {
    let (table, column) = item.rsplit_once('.')?;
    let whole = !table.is_empty() && !column.is_empty();
    whole.then(|| (table.to_owned(), column.to_owned()))
}
