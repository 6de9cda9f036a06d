use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Change, Image, Operation, PolicyError, change::Images, diff::changed_columns};

/// What stands in an entry for a redacted value.
pub const REDACTED: &str = "[REDACTED]";

/// The longest `record_id` that the trail stores, in characters: what fits an index together with
/// the table's name and the time on every database.
pub const MAX_RECORD_ID_CHARS: usize = 512;

/// What is done with one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldRule {
    /// The value is stored as [`REDACTED`], but a change of it makes an entry.
    Redact,
    /// The value is never stored, and a change of it alone makes no entry.
    Skip,
}

/// What of a change goes into its entry: the rules of one table. Applying it touches nothing else.
///
/// ```
/// use audit_core::{Change, FieldRule, Image, Policy};
/// use serde_json::json;
///
/// let image = |title: &str, token: &str| {
///     Image::from_iter([("title".into(), json!(title)), ("token".into(), json!(token))])
/// };
/// let policy = Policy::new().rule("token", FieldRule::Redact);
///
/// let change = Change::update("post", "42", image("a", "s3cret"), image("a", "s4cret"));
/// let recorded = policy.apply(change)?.unwrap();
/// assert_eq!(recorded.old_values, recorded.new_values);
/// assert_eq!(json!(recorded.new_values), json!({"token": "[REDACTED]"}));
///
/// let nothing = Change::update("post", "42", image("a", "s"), image("a", "s"));
/// assert!(policy.apply(nothing)?.is_none());
/// # Ok::<(), audit_core::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: BTreeMap<String, FieldRule>,
    keys: Vec<String>,
    columns: Option<BTreeSet<String>>,
    full_record: bool,
}

/// What a change leaves in the trail: the values are already redacted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedChange {
    /// The audited table.
    pub table: String,
    /// The primary key as text.
    pub record_id: String,
    /// What happened.
    pub operation: Operation,
    /// Values just before; none for a CREATE and a BASELINE.
    pub old_values: Option<Image>,
    /// Values just after; none for a DELETE.
    pub new_values: Option<Image>,
}

impl Policy {
    /// Every column is recorded in the clear, updates with their changed columns only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the rule of a column. Of two rules for one column, `Skip` stands.
    #[must_use]
    pub fn rule(mut self, column: impl Into<String>, rule: FieldRule) -> Self {
        let standing = self.rules.entry(column.into()).or_insert(rule);
        if rule == FieldRule::Skip {
            *standing = rule;
        }
        self
    }

    /// Names the columns of the primary key, which no rule may hide. Defaults to none.
    #[must_use]
    pub fn keys(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keys = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Names all columns of the table, so that a rule for one that it does not have is noticed: a
    /// misspelt redaction would let the value through. Defaults to not known.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Whether an update stores all columns rather than the changed ones. Defaults to false.
    #[must_use]
    pub fn full_record(mut self, full: bool) -> Self {
        self.full_record = full;
        self
    }

    /// The rule that a column has, if any.
    #[must_use]
    pub fn rule_of(&self, column: &str) -> Option<FieldRule> {
        self.rules.get(column).copied()
    }

    /// What `change` leaves in the trail; nothing if no column that counts has changed.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if a rule hides the primary key or is for a column that the table does not have,
    /// or if the record id is too long.
    pub fn apply(&self, change: Change) -> Result<Option<RecordedChange>, PolicyError> {
        self.check(&change)?;
        let operation = change.operation();
        let (table, record_id, images) = change.into_parts();
        let (old_values, new_values) = match images {
            Images::Create { after } | Images::Baseline { after } => {
                (None, Some(self.shown(after)))
            }
            Images::Delete { before } => (Some(self.shown(before)), None),
            Images::Update { before, after } => match self.update(before, after) {
                Some((old, new)) => (Some(old), Some(new)),
                None => return Ok(None),
            },
        };
        Ok(Some(RecordedChange { table, record_id, operation, old_values, new_values }))
    }

    fn update(&self, mut before: Image, mut after: Image) -> Option<(Image, Image)> {
        let changed: Vec<String> = changed_columns(&before, &after)
            .filter(|column| self.rules.get(*column) != Some(&FieldRule::Skip))
            .map(str::to_owned)
            .collect();
        if changed.is_empty() {
            return None;
        }
        if !self.full_record {
            before.retain(|column, _| changed.contains(column));
            after.retain(|column, _| changed.contains(column));
        }
        Some((self.shown(before), self.shown(after)))
    }

    fn shown(&self, mut image: Image) -> Image {
        image.retain(|column, _| self.rules.get(column) != Some(&FieldRule::Skip));
        for (column, value) in &mut image {
            if self.rules.contains_key(column) {
                *value = Value::from(REDACTED);
            }
        }
        image
    }

    fn check(&self, change: &Change) -> Result<(), PolicyError> {
        if let Some(column) = self.keys.iter().find(|key| self.rules.contains_key(*key)) {
            return Err(PolicyError::RedactedKey {
                table: change.table().to_owned(),
                column: column.clone(),
            });
        }
        let known = |column: &String| self.columns.as_ref().is_none_or(|all| all.contains(column));
        if let Some(column) = self.rules.keys().find(|column| !known(column)) {
            return Err(PolicyError::UnknownColumn {
                table: change.table().to_owned(),
                column: column.clone(),
            });
        }
        let chars = change.record_id().chars().count();
        if chars > MAX_RECORD_ID_CHARS {
            return Err(PolicyError::RecordIdTooLong {
                table: change.table().to_owned(),
                chars,
                max: MAX_RECORD_ID_CHARS,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn image(value: &Value) -> Image {
        value.as_object().cloned().unwrap_or_default()
    }

    fn update(before: &Value, after: &Value) -> Change {
        Change::update("t", "1", image(before), image(after))
    }

    fn applied(policy: &Policy, change: Change) -> Option<(Value, Value)> {
        let recorded = policy.apply(change).expect("the change obeys the policy")?;
        Some((json!(recorded.old_values), json!(recorded.new_values)))
    }

    #[test]
    fn an_update_stores_the_changed_columns_only() {
        let change = update(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3}));
        assert_eq!(applied(&Policy::new(), change), Some((json!({"b": 2}), json!({"b": 3}))));
    }

    #[test]
    fn a_full_record_stores_all_columns_of_an_update_that_changed_something() {
        let policy = Policy::new().full_record(true);
        let (before, after) = (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}));
        assert_eq!(applied(&policy, update(&before, &after)), Some((before.clone(), after)));
        assert_eq!(applied(&policy, update(&before, &before)), None);
    }

    #[test]
    fn create_stores_all_new_and_delete_all_old() {
        let values = json!({"a": null, "b": 2});
        let create = Policy::new().apply(Change::create("t", "1", image(&values)));
        let delete = Policy::new().apply(Change::delete("t", "1", image(&values)));
        let shape = |recorded: Result<Option<RecordedChange>, _>| {
            recorded.ok().flatten().map(|r| (json!(r.old_values), json!(r.new_values)))
        };
        assert_eq!(shape(create), Some((json!(null), values.clone())));
        assert_eq!(shape(delete), Some((values, json!(null))));
    }

    #[test]
    fn a_redacted_column_shows_that_it_changed_and_not_how() {
        let policy = Policy::new().rule("a", FieldRule::Redact);
        let changed = update(&json!({"a": null, "b": 2}), &json!({"a": "x", "b": 2}));
        let mark = json!({"a": REDACTED});
        assert_eq!(applied(&policy, changed), Some((mark.clone(), mark)));
        let unchanged = update(&json!({"a": "x", "b": 2}), &json!({"a": "x", "b": 3}));
        assert_eq!(applied(&policy, unchanged), Some((json!({"b": 2}), json!({"b": 3}))));
    }

    #[test]
    fn a_skipped_column_is_not_stored_and_makes_no_entry() {
        let policy = Policy::new().rule("a", FieldRule::Skip).full_record(true);
        assert_eq!(applied(&policy, update(&json!({"a": 1}), &json!({"a": 2}))), None);
        let both = update(&json!({"a": 1, "b": 1}), &json!({"a": 2, "b": 2}));
        assert_eq!(applied(&policy, both), Some((json!({"b": 1}), json!({"b": 2}))));
    }

    #[test]
    fn skip_stands_against_redact_in_either_order() {
        let one = Policy::new().rule("a", FieldRule::Skip).rule("a", FieldRule::Redact);
        let other = Policy::new().rule("a", FieldRule::Redact).rule("a", FieldRule::Skip);
        assert_eq!(one.rules, other.rules);
    }

    #[test]
    fn the_primary_key_cannot_be_hidden() {
        let policy = Policy::new().keys(["id"]).rule("id", FieldRule::Redact);
        let error = policy.apply(Change::create("t", "1", Image::new())).expect_err("a hidden key");
        assert!(error.to_string().starts_with("column `id` of `t` is part of the primary key"));
    }

    #[test]
    fn a_rule_for_a_column_that_is_not_there_is_refused() {
        let policy = Policy::new().columns(["id", "token"]).rule("tokn", FieldRule::Redact);
        let error = policy.apply(Change::create("t", "1", Image::new())).expect_err("a slip");
        assert!(error.to_string().starts_with("`t` has no column `tokn`"), "{error}");
    }

    #[test]
    fn a_record_id_that_does_not_fit_is_refused() {
        let long = "ä".repeat(MAX_RECORD_ID_CHARS);
        let change = |id: &str| Change::create("t", id, Image::new());
        assert!(Policy::new().apply(change(&long)).is_ok());
        assert!(Policy::new().apply(change(&(long + "x"))).is_err());
    }

    fn values() -> impl Strategy<Value = Image> {
        prop::collection::btree_map("[abc]", (0..3).prop_map(Value::from), 0..4)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn old_values_replaced_by_new_values_turn_before_into_after(
            before in values(), after in values(), full: bool,
        ) {
            let policy = Policy::new().full_record(full);
            let change = Change::update("t", "1", before.clone(), after.clone());
            let recorded = policy.apply(change).expect("no rule is broken");
            let mut replayed = before.clone();
            if let Some(recorded) = recorded {
                for column in recorded.old_values.unwrap_or_default().keys() {
                    replayed.remove(column);
                }
                replayed.extend(recorded.new_values.unwrap_or_default());
            }
            prop_assert_eq!(replayed, after);
        }

        #[test]
        fn no_redacted_value_survives(token in "[0-9]{12}", other in values(), full: bool) {
            let mut before = other.clone();
            before.insert("token".into(), json!(token));
            let mut after = other;
            after.insert("token".into(), json!({"nested": [token.clone()]}));
            let policy = Policy::new().rule("token", FieldRule::Redact).full_record(full);
            for change in [
                Change::create("t", "1", after.clone()),
                Change::update("t", "1", before.clone(), after),
                Change::delete("t", "1", before),
            ] {
                let recorded = format!("{:?}", policy.apply(change));
                prop_assert!(!recorded.contains(&token));
                prop_assert!(recorded.contains(REDACTED));
            }
        }
    }
}
