use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AuditEntry, Image, Operation, Printable, PrintableValue, REDACTED, same_json};

/// One column with another value after than before, as entries have them.
///
/// As text it is one line, `title: "Draft" -> "Final"`, that a terminal can show whatever the values are:
/// see [`Printable`]. Long values are cut; `{:#}` writes them in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FieldChange {
    /// The column, under the name that it has in the entry.
    pub column: String,
    /// The value before; none if there was no record, or nothing tells it.
    pub old: Option<Value>,
    /// The value after; none if there is no record, or nothing tells it.
    pub new: Option<Value>,
}

impl FieldChange {
    /// A column and its two values, as an entry has them.
    #[must_use]
    pub fn new(column: impl Into<String>, old: Option<Value>, new: Option<Value>) -> Self {
        Self { column: column.into(), old, new }
    }

    /// The columns that differ between two images, by name. Redacted on both sides is no difference, for
    /// nobody knows.
    #[must_use]
    pub fn between(old: &Image, new: &Image) -> Vec<Self> {
        changes(old, new, false)
    }

    /// The columns that an entry with these images tells of as changed, by name. Redacted on both sides is a change
    /// here, unless the entry has all columns, the unchanged ones too.
    #[must_use]
    pub fn recorded(old: &Image, new: &Image) -> Vec<Self> {
        changes(old, new, !is_full(old, new))
    }

    /// Whether the values are hidden: that they differ is all that is known.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        let mark = |value: &Option<Value>| value.as_ref().is_some_and(|value| value == REDACTED);
        mark(&self.old) || mark(&self.new)
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(&self.column).fmt(f)?;
        f.write_str(": ")?;
        if self.is_redacted() {
            return f.write_str("(redacted)");
        }
        PrintableValue(self.old.as_ref()).fmt(f)?;
        f.write_str(" -> ")?;
        PrintableValue(self.new.as_ref()).fmt(f)
    }
}

impl AuditEntry {
    /// What changed, column by column, by name. A BASELINE changes nothing.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldChange> {
        if self.operation == Operation::Baseline {
            return Vec::new();
        }
        let none = Image::new();
        let [old, new] = [&self.old_values, &self.new_values]
            .map(|values| values.as_ref().and_then(Value::as_object).unwrap_or(&none));
        FieldChange::recorded(old, new)
    }
}

/// The columns that differ; those with the mark on both sides, if `marked`.
fn changes(old: &Image, new: &Image, marked: bool) -> Vec<FieldChange> {
    let mut columns: Vec<_> = old.keys().chain(new.keys()).collect();
    columns.sort_unstable();
    columns.dedup();
    let changed = |column: &String| match (old.get(column), new.get(column)) {
        (Some(old), Some(new)) => !same_json(old, new) || (marked && old == REDACTED),
        _ => true,
    };
    let columns = columns.into_iter().filter(|column| changed(column));
    columns
        .map(|column| FieldChange::new(column, old.get(column).cloned(), new.get(column).cloned()))
        .collect()
}

/// Whether an update stored all columns: then the mark on both sides does not tell a change.
fn is_full(old: &Image, new: &Image) -> bool {
    old.iter().any(|(column, old)| {
        old != REDACTED && new.get(column).is_some_and(|new| same_json(old, new))
    })
}
