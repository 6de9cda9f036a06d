use serde_json::Value;

use crate::{Image, number::same_number};

/// Whether two JSON values are equal by value: the order of keys does not matter, and `1` equals
/// `1.0`. Numbers are compared exactly, so `9007199254740993` differs from `9007199254740992.0`.
///
/// ```
/// use audit_core::same_json;
/// use serde_json::json;
///
/// assert!(same_json(&json!({"a": 1, "b": [2]}), &json!({"b": [2.0], "a": 1})));
/// assert!(!same_json(&json!(null), &json!(0)));
/// ```
#[must_use]
pub fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b)))
        }
        _ => a == b,
    }
}

/// The columns whose value differs, among those of either image.
pub(crate) fn changed_columns<'a>(
    before: &'a Image,
    after: &'a Image,
) -> impl Iterator<Item = &'a str> {
    let changed = after.iter().filter(|(column, value)| {
        before.get(*column).is_none_or(|former| !same_json(former, value))
    });
    let gone = before.keys().filter(|column| !after.contains_key(*column));
    changed.map(|(column, _)| column).chain(gone).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_equal_by_value_and_exactly() {
        assert!(same_json(&json!(1), &json!(1.0)));
        assert!(same_json(&json!(0.0), &json!(-0.0)));
        assert!(same_json(&json!(u64::MAX), &json!(u64::MAX)));
        assert!(!same_json(&json!(9_007_199_254_740_993_i64), &json!(9_007_199_254_740_992.0)));
        assert!(!same_json(&json!(u64::MAX), &json!(18_446_744_073_709_551_616.0)));
        assert!(!same_json(&json!(1), &json!("1")));
    }

    #[test]
    fn a_column_on_one_side_only_counts_as_changed() {
        let image = |value: Value| value.as_object().cloned().unwrap_or_default();
        let (before, after) = (image(json!({"a": 1, "b": 2})), image(json!({"b": 2.0, "c": null})));
        let changed: Vec<_> = changed_columns(&before, &after).collect();
        assert_eq!(changed, ["c", "a"]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn equality_is_reflexive_and_symmetric(a in any_json(), b in any_json()) {
            prop_assert!(same_json(&a, &a));
            prop_assert_eq!(same_json(&a, &b), same_json(&b, &a));
        }

        #[test]
        fn equal_text_means_equal_values(a in any_json()) {
            let again: Value = serde_json::from_str(&a.to_string()).unwrap_or_default();
            // serde_json reads floats to within one unit in the last place by default.
            prop_assume!(again == a);
            prop_assert!(same_json(&a, &again));
        }

        #[test]
        fn exactly_the_altered_columns_are_changed(
            image in prop::collection::btree_map("[a-z]{1,4}", any_json(), 1..6),
            pick in any::<prop::sample::Index>(),
            value in any_json(),
        ) {
            let before: Image = image.into_iter().collect();
            let column = before.keys().nth(pick.index(before.len())).cloned().unwrap_or_default();
            let mut after = before.clone();
            after.insert(column.clone(), value.clone());
            let changed: Vec<_> = changed_columns(&before, &after).collect();
            let expected: &[&str] = if same_json(&before[&column], &value) { &[] } else { &[&column] };
            prop_assert_eq!(changed, expected);
        }
    }
}
