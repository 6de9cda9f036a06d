use std::collections::HashMap;

use audit_core::{AuditConfig, FieldRule, Policy, same_json};
use sea_orm::prelude::DateTimeUtc;
use serde_json::Value as Json;

use crate::{
    registry, rules,
    trail::{renames::Renames, restore::Table},
};

/// What the program knows of a table by its name: all its entities there together, of which each may be for a part of
/// the columns; none, perhaps.
pub(crate) struct NamedTable {
    pub(super) name: String,
    /// The one with the most columns first.
    pub(super) entities: Vec<&'static dyn Table>,
    /// The columns of today, in the order of the entities.
    pub(super) columns: Vec<String>,
    /// Those that an entity or the configuration hides.
    hidden: HashMap<String, FieldRule>,
    /// For columns that no entity has.
    policy: Policy,
    renames: Renames,
}

impl NamedTable {
    pub(crate) fn new(name: &str) -> Self {
        let mut entities = registry::tables(name);
        entities.sort_by_key(|entity| (usize::MAX - entity.names().len(), entity.entity()));
        let mut columns = Vec::new();
        for column in entities.iter().flat_map(|entity| entity.names()) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        let hidden = hidden(&entities, &columns);
        let policy = rules::of_table(&AuditConfig::current(), name);
        let renames = renames(&entities);
        Self { name: name.to_owned(), entities, columns, hidden, policy, renames }
    }

    pub(super) fn renames(&self) -> Renames {
        renames(&self.entities)
    }

    /// How a column is hidden today: an older entry may have it in the clear.
    pub(crate) fn rule(&self, column: &str) -> Option<FieldRule> {
        self.hidden.get(column).copied().or_else(|| self.policy.rule_of(column))
    }

    /// As [`rule`](Self::rule), of a column under the name that an entry of that time has.
    pub(crate) fn rule_then(&self, name: &str, at: DateTimeUtc) -> Option<FieldRule> {
        let rules: Vec<_> =
            self.renames.columns(name, at).iter().filter_map(|column| self.rule(column)).collect();
        rules.iter().find(|rule| **rule == FieldRule::Skip).or(rules.first()).copied()
    }

    /// Whether two values are one, by the type of the column where that is known.
    pub(crate) fn same(&self, column: &str, one: &Json, other: &Json) -> bool {
        let has_it = |entity: &&&dyn Table| entity.names().iter().any(|name| name == column);
        match self.entities.iter().find(has_it) {
            Some(entity) => entity.columns().same(column, Some(one), Some(other)),
            None => same_json(one, other),
        }
    }
}

fn renames(entities: &[&dyn Table]) -> Renames {
    Renames::all(entities.iter().map(|entity| entity.renames()))
}

/// By the strictest of the entities.
fn hidden(entities: &[&dyn Table], columns: &[String]) -> HashMap<String, FieldRule> {
    let mut found = HashMap::new();
    for rule in [FieldRule::Redact, FieldRule::Skip] {
        for hidden in entities.iter().map(|entity| entity.hidden()) {
            for column in columns.iter().filter(|column| hidden.is(column, rule)) {
                found.insert(column.clone(), rule);
            }
        }
    }
    found
}
