//! Arrays and vectors.

#[cfg(feature = "postgres-array")]
use sea_orm::{Value, sea_query::ArrayType};
use serde_json::json;

use super::forms::assert_form;

#[cfg(feature = "postgres-array")]
#[test]
fn arrays_hold_their_elements_forms() {
    assert_form(vec![1_i32, -2], &json!([1, -2]));
    assert_form(Vec::<String>::new(), &json!([]));
    assert_form(vec![0.1_f32, f32::NAN], &json!([0.1, "NaN"]));
    assert_form(None::<Vec<i64>>, &json!(null));
    let holes = Value::Array(
        ArrayType::BigUnsigned,
        Some(Box::new(vec![Value::BigUnsigned(None), Value::BigUnsigned(Some(u64::MAX))])),
    );
    assert_form(holes, &json!([null, 18_446_744_073_709_551_615_u64]));
}

#[cfg(feature = "postgres-array")]
#[test]
fn arrays_escape_element_by_element() {
    assert_form(
        vec!["a\0".to_owned(), "[REDACTED]".to_owned(), "b".to_owned()],
        &json!([{"$json": r#""a\u0000""#}, {"$json": r#""[REDACTED]""#}, "b"]),
    );
    let documents = vec![json!(null), json!({"$json": 1}), json!({"a": 1})];
    let mut elements: Vec<Value> = documents.into_iter().map(Into::into).collect();
    elements.push(Value::Json(None));
    assert_form(
        Value::Array(ArrayType::Json, Some(Box::new(elements))),
        &json!([{"$json": "null"}, {"$json": r#"{"$json":1}"#}, {"a": 1}, null]),
    );
}

#[cfg(feature = "postgres-vector")]
#[test]
fn vectors_are_arrays_of_numbers() {
    use sea_orm::prelude::PgVector;

    assert_form(PgVector::from(vec![0.1, -2.5, 1e-45]), &json!([0.1, -2.5, 1e-45]));
    assert_form(PgVector::from(vec![f32::INFINITY, -0.0]), &json!(["Infinity", "-0"]));
    assert_form(None::<PgVector>, &json!(null));
}
