use std::fmt;

use audit_core::{AuditEntry, Image, REDACTED, same_json};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// One column with another value after than before, as entries have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// The column, under the name that it has in the entry.
    pub column: String,
    /// The value before; none if there was no record, or nothing tells it.
    pub old: Option<Json>,
    /// The value after; none if there is no record, or nothing tells it.
    pub new: Option<Json>,
}

impl FieldChange {
    /// Whether the values are hidden: that they differ is all that is known.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        let mark = |value: &Option<Json>| value.as_ref().is_some_and(|value| value == REDACTED);
        mark(&self.old) || mark(&self.new)
    }
}

/// `title: "Draft" -> "Final"`
impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.column)?;
        if self.is_redacted() {
            return f.write_str("(redacted)");
        }
        for (value, end) in [(&self.old, " -> "), (&self.new, "")] {
            match value {
                Some(value) => write!(f, "{value}{end}")?,
                None => write!(f, "(none){end}")?,
            }
        }
        Ok(())
    }
}

/// What an entry changed, by column.
pub(in crate::trail) fn of_entry(entry: &AuditEntry) -> Vec<FieldChange> {
    let none = Image::new();
    let [old, new] = [&entry.old_values, &entry.new_values]
        .map(|values| values.as_ref().and_then(Json::as_object).unwrap_or(&none));
    changed(old, new)
}

/// What became other between the images of one entry, of which either may be empty.
pub(in crate::trail) fn changed(old: &Image, new: &Image) -> Vec<FieldChange> {
    between(old, new, !is_full(old, new))
}

/// Whether the entry has the column at all.
pub(super) fn mentions(entry: &AuditEntry, column: &str) -> bool {
    let images = [&entry.old_values, &entry.new_values];
    images.into_iter().flatten().any(|image| image.get(column).is_some())
}

/// The columns that differ; those with the mark on both sides, if `marked`.
pub(super) fn between(old: &Image, new: &Image, marked: bool) -> Vec<FieldChange> {
    let mut columns: Vec<_> = old.keys().chain(new.keys()).collect();
    columns.sort_unstable();
    columns.dedup();
    let changed = |column: &String| match (old.get(column), new.get(column)) {
        (Some(old), Some(new)) => !same_json(old, new) || (marked && old == REDACTED),
        _ => true,
    };
    let columns = columns.into_iter().filter(|column| changed(column));
    columns
        .map(|column| FieldChange {
            column: column.clone(),
            old: old.get(column).cloned(),
            new: new.get(column).cloned(),
        })
        .collect()
}

/// Whether an update stored all columns: then the mark on both sides does not tell a change.
fn is_full(old: &Image, new: &Image) -> bool {
    old.iter().any(|(column, old)| {
        old != REDACTED && new.get(column).is_some_and(|new| same_json(old, new))
    })
}
