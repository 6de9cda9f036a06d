//! What is hidden of a table today. Entries from before a column was hidden have it in the clear, so whoever reads them
//! looks here, as does whoever writes an entry without an entity.

use std::collections::{BTreeSet, HashMap};

use audit_core::{AuditConfig, AuditEntry, Change, FieldRule, Image, Policy, REDACTED};
use sea_orm::prelude::DateTimeUtc;
use serde_json::Value as Json;

use crate::{registry, rules, trail::renames::Renames};

/// The columns of a table that its entities or the configuration in force hide.
pub(crate) struct Redaction {
    policy: Policy,
    today: BTreeSet<&'static str>,
    renames: Renames,
}

impl Redaction {
    /// Of a table by its name in the trail.
    pub(crate) fn of(table: &str) -> Self {
        Self::under(&AuditConfig::current(), table)
    }

    pub(crate) fn under(config: &AuditConfig, table: &str) -> Self {
        let entities = registry::of_table(table);
        // The connection may have found the table in a schema that the configuration does not name.
        let unqualified = table.rsplit_once('.').map_or(table, |(_, name)| name);
        let found = config.redacted(unqualified);
        let policy = found.fold(rules::of_table(config, table), |policy, column| {
            policy.rule(column, FieldRule::Redact)
        });
        Self {
            policy,
            today: entities.iter().flat_map(|it| (it.facts.columns)()).collect(),
            renames: Renames::all(entities.iter().map(|it| it.facts.table().renames())),
        }
    }

    /// How a column of today is hidden.
    pub(crate) fn rule(&self, column: &str) -> Option<FieldRule> {
        self.policy.rule_of(column)
    }

    /// As [`rule`](Self::rule), of a column under the name that an entry of that time has. Of several columns that it may
    /// mean, the strictest counts.
    pub(crate) fn rule_then(&self, name: &str, at: DateTimeUtc) -> Option<FieldRule> {
        let meant = self.renames.columns(name, at).into_iter();
        // Nobody has the name today, so that it is the former one, whatever the date says.
        let former = !self.today.contains(name);
        let former = self.renames.named(name).filter(|_| former);
        let rules: Vec<_> = meant.chain(former).filter_map(|column| self.rule(column)).collect();
        rules.iter().find(|rule| **rule == FieldRule::Skip).or(rules.first()).copied()
    }

    /// Replaces what is hidden in an image with the names of today.
    pub(crate) fn hide(&self, image: &mut Image) {
        replace(image, |column| self.rule(column).is_some());
    }

    /// Replaces what is hidden in an entry.
    pub(crate) fn hide_in(&self, entry: &mut AuditEntry) {
        let at = entry.timestamp;
        for side in [&mut entry.old_values, &mut entry.new_values].into_iter().flatten() {
            if let Json::Object(image) = side {
                replace(image, |name| self.rule_then(name, at).is_some());
            }
        }
    }

    /// The policy for a change that somebody describes, who may know a column by its former name.
    pub(crate) fn policy_for(&self, change: &Change, at: DateTimeUtc) -> Policy {
        let names = [change.before(), change.after()].into_iter().flatten().flat_map(Image::keys);
        names.fold(self.policy.clone(), |policy, name| match self.rule_then(name, at) {
            Some(rule) => policy.rule(name, rule),
            None => policy,
        })
    }

    /// Whether an entry of any time may have a hidden column under this name.
    fn may_hide(&self, name: &str) -> bool {
        self.rule(name).is_some()
            || self.renames.named(name).any(|column| self.rule(column).is_some())
    }
}

fn replace(image: &mut Image, is_hidden: impl Fn(&str) -> bool) {
    let hidden = image.iter_mut().filter(|(name, _)| is_hidden(name));
    hidden.for_each(|(_, value)| *value = REDACTED.into());
}

/// Replaces what is hidden in entries of whichever tables.
pub(crate) fn hide_in_all(entries: &mut [AuditEntry]) {
    let mut tables = HashMap::new();
    for entry in entries {
        let table = tables
            .entry(entry.table_name.clone())
            .or_insert_with_key(|table: &String| Redaction::of(table));
        table.hide_in(entry);
    }
}

/// The tables that the program knows in which a column of this name is hidden.
pub(crate) fn tables_that_hide(name: &str) -> Vec<String> {
    let config = AuditConfig::current();
    registry::learn();
    let audited = registry::all().into_iter().flatten().map(|audited| audited.in_trail.clone());
    let tables: BTreeSet<_> = audited.chain(config.redacted_tables().map(str::to_owned)).collect();
    let hides = |table: &String| Redaction::under(&config, table).may_hide(name);
    tables.into_iter().filter(hides).collect()
}

/// Whether a table hides a column of this name.
pub(crate) fn hides(table: &str, name: &str) -> bool {
    Redaction::of(table).may_hide(name)
}
