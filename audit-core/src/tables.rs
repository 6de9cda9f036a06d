//! The rules that name a table, held against the tables that there are.

use crate::{AuditConfig, ConfigError};

/// The audited tables of the program, by their names in the trail: how an adapter for an ORM makes a rule for a table that
/// does not exist an error instead of a rule without effect.
///
/// An adapter enters one at link time, by the crate `inventory`. An application does not need it.
///
/// ```standalone_crate
/// use audit_core::KnownTables;
///
/// inventory::submit! { KnownTables::new(|table| table == "post", || vec!["post".to_owned()]) }
///
/// use audit_core::{AuditConfig, ConfigError};
/// let slip = AuditConfig::new().redact("Post", ["title"]).install();
/// assert!(matches!(slip, Err(ConfigError::UnknownTable { similar: Some(post), .. }) if post == "post"));
/// ```
#[derive(Debug)]
pub struct KnownTables {
    is_known: fn(&str) -> bool,
    names: fn() -> Vec<String>,
}

inventory::collect!(KnownTables);

impl KnownTables {
    /// `is_known` says whether a table is audited, and `names` has all of them. Both are asked whenever a configuration is
    /// put into force.
    #[must_use]
    pub const fn new(is_known: fn(&str) -> bool, names: fn() -> Vec<String>) -> Self {
        Self { is_known, names }
    }
}

/// A kind of rule that names a table.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    method: &'static str,
    variable: &'static str,
}

const EXCLUDE: Rule =
    Rule { method: "AuditConfig::exclude_table", variable: "AUDIT_EXCLUDED_TABLES" };
const REDACT: Rule = Rule { method: "AuditConfig::redact", variable: "AUDIT_REDACT" };
const LIMITS: Rule = Rule { method: "Retention::table", variable: "AUDIT_RETENTION_TABLE_DAYS" };
const KEEP_TABLE: Rule = Rule { method: "Retention::keep_table", variable: "AUDIT_KEEP_TABLES" };
const KEEP_RECORD: Rule = Rule { method: "Retention::keep_record", variable: "AUDIT_KEEP_RECORDS" };

/// Where the rules of a configuration come from: what an error has to name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Code,
    Environment,
}

/// The rules that name a table which neither the program nor the configuration has.
pub(crate) fn unknown(config: &AuditConfig, source: Source) -> impl Iterator<Item = ConfigError> {
    let excluded = config.excluded.iter().map(|table| (EXCLUDE, table.as_str()));
    let redacted = config.redacted.keys().map(|table| (REDACT, table.as_str()));
    let unknown = excluded.chain(redacted).filter(|(_, table)| !is_known(config, table));
    // Entries may be of a schema that the connection has and no entity names.
    let is_in_trail = |table: &str| is_known(config, table) || is_known(config, table_part(table));
    let unknown = unknown.chain(of_retention(config).filter(move |(_, table)| !is_in_trail(table)));
    unknown.filter_map(move |(rule, table)| error(rule, source, table))
}

/// # Errors
///
/// The first of [`unknown`].
pub(crate) fn check(config: &AuditConfig, source: Source) -> Result<(), ConfigError> {
    unknown(config, source).next().map_or(Ok(()), Err)
}

fn of_retention(config: &AuditConfig) -> impl Iterator<Item = (Rule, &str)> {
    let retention = &config.retention;
    let limits = retention.tables().map(|(table, _)| (LIMITS, table));
    let tables = retention.kept_tables().map(|table| (KEEP_TABLE, table));
    let records = retention.kept_records().map(|(table, _)| (KEEP_RECORD, table));
    limits.chain(tables).chain(records)
}

fn is_known(config: &AuditConfig, table: &str) -> bool {
    config.external.contains(table)
        || inventory::iter::<KnownTables>.into_iter().any(|tables| (tables.is_known)(table))
}

/// A program without audited tables has none to mistake.
fn error(rule: Rule, source: Source, table: &str) -> Option<ConfigError> {
    let known = inventory::iter::<KnownTables>.into_iter();
    let mut names: Vec<_> = known.flat_map(|tables| (tables.names)()).collect();
    if names.is_empty() {
        return None;
    }
    names.sort_by_cached_key(|name| (distance(table, name), name.len().abs_diff(table.len())));
    let similar = names.into_iter().next().filter(|name| is_similar(table, name));
    let (rule, remedy) = match source {
        Source::Code => (rule.method, "AuditConfig::external_table"),
        Source::Environment => (rule.variable, "AUDIT_EXTERNAL_TABLES"),
    };
    Some(ConfigError::UnknownTable { rule, table: table.to_owned(), similar, remedy })
}

/// Up to a slip in every third letter.
fn is_similar(one: &str, other: &str) -> bool {
    distance(one, other) <= one.chars().count().max(2).div_ceil(3)
}

/// How many letters differ, whatever their case; nothing between names that differ by their schema alone.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    if one.contains('.') != other.contains('.') && table_part(&one) == table_part(&other) {
        return 0;
    }
    let other: Vec<_> = other.chars().collect();
    let mut row: Vec<_> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut above_left = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let changed = above_left + usize::from(a != *b);
            above_left = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(above_left + 1);
        }
    }
    row[other.len()]
}

fn table_part(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, table)| table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Retention};

    const NAMES: &[&str] = &[
        "session",
        "user",
        "users",
        "post",
        "note",
        "payment",
        "invoice",
        "card",
        "app.cache",
        "app.card",
    ];

    // For all unit tests of this crate.
    inventory::submit! {
        KnownTables::new(
            |table| NAMES.contains(&table),
            || NAMES.iter().map(ToString::to_string).collect(),
        )
    }

    fn similar(config: &AuditConfig) -> Option<String> {
        match check(config, Source::Code) {
            Err(ConfigError::UnknownTable { similar, .. }) => similar,
            other => panic!("an unknown table: {other:?}"),
        }
    }

    fn excluding(table: &str) -> AuditConfig {
        AuditConfig::new().exclude_table(table)
    }

    #[test]
    fn a_known_table_and_an_external_one_pass() {
        for config in [
            excluding("users"),
            excluding("app.cache"),
            excluding("elsewhere").external_table("elsewhere"),
            AuditConfig::new().external_table("elsewhere"),
            AuditConfig::new().retention(Retention::new().keep_table("tenant.payment")),
        ] {
            assert_eq!(check(&config, Source::Code), Ok(()));
        }
    }

    #[test]
    fn the_error_names_the_table_that_was_meant() {
        for (slip, meant) in [
            ("Users", "users"),
            ("usres", "users"),
            ("sesion", "session"),
            ("cache", "app.cache"),
            ("blog.post", "post"),
            ("app.cach", "app.cache"),
        ] {
            assert_eq!(similar(&excluding(slip)).as_deref(), Some(meant), "{slip}");
        }
        assert_eq!(similar(&excluding("something_else")), None);
        assert_eq!(similar(&excluding("")), None);
    }

    #[test]
    fn every_rule_that_names_a_table_is_checked() {
        let retention = |of: fn(Retention) -> Retention| {
            AuditConfig::new().retention(of(Retention::new().all(Limits::new())))
        };
        for (config, method, variable) in [
            (excluding("Users"), "AuditConfig::exclude_table", "AUDIT_EXCLUDED_TABLES"),
            (
                AuditConfig::new().redact("Users", ["password"]),
                "AuditConfig::redact",
                "AUDIT_REDACT",
            ),
            (
                retention(|all| all.table("Users", Limits::new())),
                "Retention::table",
                "AUDIT_RETENTION_TABLE_DAYS",
            ),
            (
                retention(|all| all.keep_table("Users")),
                "Retention::keep_table",
                "AUDIT_KEEP_TABLES",
            ),
            (
                retention(|all| all.keep_record("Users", "1")),
                "Retention::keep_record",
                "AUDIT_KEEP_RECORDS",
            ),
        ] {
            for (source, name) in [(Source::Code, method), (Source::Environment, variable)] {
                let error = check(&config, source).expect_err("an unknown table").to_string();
                assert!(error.starts_with(&format!("{name} names the table `Users`")), "{error}");
                assert!(error.contains("write `users`"), "{error}");
            }
        }
    }
}
