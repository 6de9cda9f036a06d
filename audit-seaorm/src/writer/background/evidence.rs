//! Whether a change took place, by what came after it.

use audit_core::{AuditEntry, Image, Operation, REDACTED, same_json};
use serde_json::Value;

/// What a unit did to a record, as one change: these are its entries of that record, in order. None if it left the
/// record as it was not to be found before.
///
/// Its time is that of the first one, which has locked the record: whoever waited for it comes later, though
/// `PostgreSQL` may have read the clock ahead of the wait.
pub(super) fn net(changes: &[&AuditEntry]) -> Option<AuditEntry> {
    let mut changes = changes.iter().map(|entry| (*entry).clone());
    let first = changes.next()?;
    changes.try_fold(first, |so_far, next| {
        let operation = match (so_far.operation, next.operation) {
            (Operation::Create, Operation::Delete) => return None,
            (Operation::Create, _) => Operation::Create,
            (_, Operation::Delete) => Operation::Delete,
            _ => Operation::Update,
        };
        Some(AuditEntry {
            operation,
            // The value of a column before its first change, and after its last one.
            old_values: merged(next.old_values, so_far.old_values),
            new_values: merged(so_far.new_values, next.new_values),
            ..so_far
        })
    })
}

/// The values of both; `over` counts where both have some.
fn merged(under: Option<Value>, over: Option<Value>) -> Option<Value> {
    match (under, over) {
        (Some(Value::Object(mut under)), Some(Value::Object(over))) => {
            under.extend(over);
            Some(Value::Object(under))
        }
        (under, over) => over.or(under),
    }
}

/// Whether the change of an entry has committed, as far as later entries of the record and the row itself tell. Both
/// must be complete up to now: a change of a column begins with the value that the one before it left.
pub(super) fn of(entry: &AuditEntry, later: &[AuditEntry], row: Option<&Image>) -> Option<bool> {
    match (entry.operation, later.first()) {
        (Operation::Create, Some(next)) if next.operation == Operation::Baseline => {
            let row = next.new_values.as_ref().and_then(Value::as_object);
            row.filter(|row| shows(row, entry.new_values.as_ref())).map(|_| true)
        }
        (Operation::Create, Some(next)) => Some(next.operation != Operation::Create),
        (Operation::Create, None) => match row {
            None => Some(false),
            // A row that somebody else put under this key would look otherwise.
            Some(row) => shows(row, entry.new_values.as_ref()).then_some(true),
        },
        (Operation::Delete, Some(next)) => Some(next.operation == Operation::Create),
        (Operation::Delete, None) => match row {
            None => Some(true),
            Some(row) => shows(row, entry.old_values.as_ref()).then_some(false),
        },
        // A baseline is no change, and goes through no queue.
        (Operation::Baseline | Operation::Unknown, _) => None,
        (Operation::Update, _) => of_update(entry, later, row),
    }
}

fn of_update(entry: &AuditEntry, later: &[AuditEntry], row: Option<&Image>) -> Option<bool> {
    let (old, new) =
        (entry.old_values.as_ref()?.as_object()?, entry.new_values.as_ref()?.as_object()?);
    let mut told = old.iter().filter_map(|(column, old)| {
        let new = new.get(column)?;
        if same_json(old, new) || is_redacted(old) || is_redacted(new) {
            return None;
        }
        let found = found(column, later, row)?;
        match (same_json(found, old), same_json(found, new)) {
            (false, true) => Some(true),
            (true, false) => Some(false),
            _ => None,
        }
    });
    let first = told.next()?;
    // Columns that contradict each other were written by somebody without an entry.
    told.all(|other| other == first).then_some(first)
}

/// The value that the column had after the change, whether that took place or not.
fn found<'a>(column: &str, later: &'a [AuditEntry], row: Option<&'a Image>) -> Option<&'a Value> {
    for next in later {
        match next.operation {
            Operation::Create => return None,
            Operation::Baseline => return next.new_values.as_ref()?.get(column),
            _ => {
                if let Some(value) = next.old_values.as_ref().and_then(|old| old.get(column)) {
                    return Some(value).filter(|value| !is_redacted(value));
                }
            }
        }
    }
    row?.get(column)
}

fn shows(row: &Image, values: Option<&Value>) -> bool {
    let Some(values) = values.and_then(Value::as_object) else { return false };
    values.iter().all(|(column, value)| {
        is_redacted(value) || row.get(column).is_none_or(|found| same_json(found, value))
    })
}

fn is_redacted(value: &Value) -> bool {
    value == REDACTED
}

#[cfg(test)]
mod tests {
    use audit_core::{Change, Policy, Stamp};
    use serde_json::json;

    use super::*;

    fn entry(change: Change) -> AuditEntry {
        let recorded = Policy::new().apply(change).ok().flatten().expect("something to record");
        AuditEntry::new(recorded, None, None, Stamp::next())
    }

    fn image(value: &Value) -> Image {
        value.as_object().cloned().unwrap_or_default()
    }

    fn update(old: &Value, new: &Value) -> AuditEntry {
        entry(Change::update("post", "1", image(old), image(new)))
    }

    #[test]
    fn an_update_is_told_by_the_row() {
        let change = update(&json!({"a": 1, "b": 1}), &json!({"a": 2, "b": 1}));
        let row = |a: i32| image(&json!({"a": a, "b": 7}));
        assert_eq!(of(&change, &[], Some(&row(2))), Some(true));
        assert_eq!(of(&change, &[], Some(&row(1))), Some(false));
        assert_eq!(of(&change, &[], Some(&row(3))), None, "somebody wrote without an entry");
        let both = update(&json!({"a": 1, "b": 1}), &json!({"a": 2, "b": 2}));
        let half = image(&json!({"a": 2, "b": 1}));
        assert_eq!(of(&both, &[], Some(&half)), None, "half of it is nobody's");
        assert_eq!(of(&change, &[], None), None);
    }

    #[test]
    fn an_update_is_told_by_the_next_change_of_its_column() {
        let change = update(&json!({"a": 1}), &json!({"a": 2}));
        let row = image(&json!({"a": 1}));
        let other = update(&json!({"a": 5, "b": 1}), &json!({"a": 5, "b": 2}));
        let back = update(&json!({"a": 2}), &json!({"a": 1}));
        assert_eq!(of(&change, &[other.clone(), back], Some(&row)), Some(true));
        let anew = update(&json!({"a": 1}), &json!({"a": 2}));
        assert_eq!(of(&change, &[other, anew], Some(&image(&json!({"a": 2})))), Some(false));
        let gone = entry(Change::delete("post", "1", image(&json!({"a": 2}))));
        assert_eq!(of(&change, &[gone], None), Some(true));
    }

    #[test]
    fn inserts_and_deletes_are_told_by_whether_the_record_is_there() {
        let values = image(&json!({"a": 1}));
        let other = image(&json!({"a": 2}));
        let create = entry(Change::create("post", "1", values.clone()));
        let delete = entry(Change::delete("post", "1", values.clone()));
        assert_eq!(of(&create, &[], Some(&values)), Some(true));
        assert_eq!(of(&create, &[], Some(&other)), None);
        assert_eq!(of(&create, &[], None), Some(false));
        assert_eq!(of(&create, std::slice::from_ref(&delete), None), Some(true));
        assert_eq!(of(&create, std::slice::from_ref(&create), Some(&values)), Some(false));
        assert_eq!(of(&delete, &[], Some(&values)), Some(false));
        assert_eq!(of(&delete, &[], None), Some(true));
        assert_eq!(of(&delete, &[], Some(&other)), None, "somebody else's row");
        assert_eq!(of(&delete, &[create], Some(&values)), Some(true));
        assert_eq!(of(&delete, std::slice::from_ref(&delete), None), Some(false));
    }

    #[test]
    fn a_baseline_tells_what_the_row_was() {
        let baseline = |value: &Value| {
            let values = image(value);
            AuditEntry {
                operation: Operation::Baseline,
                ..entry(Change::create("post", "1", values))
            }
        };
        let create = entry(Change::create("post", "1", image(&json!({"a": 1}))));
        assert_eq!(of(&create, &[baseline(&json!({"a": 1}))], None), Some(true));
        assert_eq!(of(&create, &[baseline(&json!({"a": 2}))], None), None, "somebody else's");
        let change = update(&json!({"a": 1}), &json!({"a": 2}));
        assert_eq!(of(&change, &[baseline(&json!({"a": 2}))], None), Some(true));
        assert_eq!(of(&change, &[baseline(&json!({"a": 1}))], None), Some(false));
        let delete = entry(Change::delete("post", "1", image(&json!({"a": 1}))));
        assert_eq!(of(&delete, &[baseline(&json!({"a": 1}))], None), Some(false));
    }

    #[test]
    fn the_changes_of_a_unit_are_taken_together() {
        let create = entry(Change::create("post", "1", image(&json!({"a": 1, "b": 1}))));
        let change = update(&json!({"a": 1}), &json!({"a": 2}));
        let back = update(&json!({"a": 2}), &json!({"a": 1}));
        let delete = entry(Change::delete("post", "1", image(&json!({"a": 1, "b": 1}))));
        let row = |a: i32| image(&json!({"a": a, "b": 1}));
        let made = net(&[&create, &change]).expect("a record");
        assert_eq!(of(&made, &[], Some(&row(2))), Some(true));
        assert_eq!(of(&made, &[], None), Some(false));
        let gone = net(&[&change, &back, &delete]).expect("none");
        assert_eq!(of(&gone, &[], Some(&row(1))), Some(false));
        assert_eq!(gone.timestamp, change.timestamp, "others have waited for it since");
        assert_eq!(of(&gone, &[], None), Some(true));
        let anew = net(&[&delete, &create, &change]).expect("another");
        assert_eq!(of(&anew, &[], Some(&row(2))), Some(true));
        assert_eq!(of(&anew, &[], Some(&row(1))), Some(false));
        assert!(net(&[&create, &change, &delete]).is_none(), "it was not there and is not");
        let nothing = net(&[&change, &back]).expect("a record");
        assert_eq!(of(&nothing, &[], Some(&row(1))), None, "as it was");
    }

    #[test]
    fn what_is_redacted_tells_nothing() {
        let hidden = Some(json!({"a": REDACTED}));
        let change = AuditEntry {
            old_values: hidden.clone(),
            new_values: hidden,
            ..update(&json!({"a": 1}), &json!({"a": 2}))
        };
        assert_eq!(of(&change, &[], Some(&image(&json!({"a": 2, "b": 1})))), None);
    }
}
