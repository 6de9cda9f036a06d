use audit_core::{FieldRule, same_json};
use sea_orm::prelude::DateTimeUtc;
use serde_json::Value as Json;

use crate::{
    redaction::Redaction,
    registry,
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
    pub(super) redaction: Redaction,
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
        Self { name: name.to_owned(), entities, columns, redaction: Redaction::of(name) }
    }

    pub(super) fn renames(&self) -> Renames {
        Renames::all(self.entities.iter().map(|entity| entity.renames()))
    }

    /// How a column is hidden today: an older entry may have it in the clear.
    pub(crate) fn rule(&self, column: &str) -> Option<FieldRule> {
        self.redaction.rule(column)
    }

    /// As [`rule`](Self::rule), of a column under the name that an entry of that time has.
    pub(crate) fn rule_then(&self, name: &str, at: DateTimeUtc) -> Option<FieldRule> {
        self.redaction.rule_then(name, at)
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
