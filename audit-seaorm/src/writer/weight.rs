use audit_core::{AuditEntry, Image};
use serde_json::Value;

/// About what an entry takes in memory, and in a statement.
pub(crate) fn of(entry: &AuditEntry) -> usize {
    let values = [&entry.old_values, &entry.new_values, &entry.metadata];
    size_of::<AuditEntry>() + values.into_iter().flatten().map(of_json).sum::<usize>()
}

/// The same of an image.
pub(crate) fn of_image(image: &Image) -> usize {
    image.iter().map(|(column, value)| column.len() + of_json(value)).sum()
}

pub(crate) fn of_json(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(of_json).sum(),
        Value::Object(map) => of_image(map),
        _ => size_of::<Value>(),
    }
}
