use sea_orm::{Value, prelude::DateTimeWithTimeZone};
use serde_json::json;

use crate::encode::same_value;

fn same(a: impl Into<Value>, b: impl Into<Value>) -> bool {
    let (a, b) = (a.into(), b.into());
    let answer = same_value(&a, &b);
    assert_eq!(answer, same_value(&b, &a), "the order does not matter");
    answer
}

fn json(text: &str) -> Value {
    serde_json::from_str::<serde_json::Value>(text).expect("JSON").into()
}

#[test]
fn floats_compare_as_in_sql() {
    assert!(same(f64::NAN, -f64::NAN));
    assert!(same(0.0_f32, -0.0_f32));
    assert!(!same(f64::NAN, 0.0));
    assert!(!same(f32::INFINITY, f32::NEG_INFINITY));
}

#[test]
fn types_and_null_tell_values_apart() {
    assert!(!same(1_i32, 1_i64));
    assert!(!same(None::<i32>, 0_i32));
    assert!(!same(None::<serde_json::Value>, json!(null)));
    assert!(same(None::<f64>, None::<f64>));
    assert!(!same(None::<f64>, f64::NAN));
}

#[test]
fn moments_compare_whatever_their_offset() {
    let moment = |text: &str| text.parse::<DateTimeWithTimeZone>().expect("a moment");
    assert!(same(moment("2024-02-29T12:00:00+02:00"), moment("2024-02-29T10:00:00Z")));
    assert!(!same(moment("2024-02-29T12:00:00+02:00"), moment("2024-02-29T12:00:00Z")));
}

#[test]
fn json_compares_by_content() {
    assert!(same(json(r#"{"a":1,"b":[1.0]}"#), json(r#"{"b":[1],"a":1e0}"#)));
    assert!(!same(json(r#"{"a":1}"#), json(r#"{"a":1,"b":null}"#)));
    assert!(!same(json("[1,2]"), json("[2,1]")));
    assert!(!same(json("[1]"), json("[1,1]")));
    assert!(!same(json("1"), json("\"1\"")));
}

#[test]
fn json_numbers_compare_exactly() {
    for (a, b) in [("100", "1e2"), ("-0.0", "0"), ("0.50", "5e-1"), ("1200.0", "1200")] {
        assert!(same(json(a), json(b)), "{a} {b}");
    }
    for (a, b) in [
        ("9007199254740993", "9007199254740992.0"),
        ("18446744073709551615", "18446744073709551616.0"),
        ("1", "-1.0"),
        ("10", "1.0"),
    ] {
        assert!(!same(json(a), json(b)), "{a} {b}");
    }
    // 2^60: what PostgreSQL makes of the float is the integer with the same digits.
    assert!(same(json("1.152921504606847e18"), json("1152921504606847000")));
}

#[cfg(feature = "with-rust_decimal")]
#[test]
fn decimals_compare_as_numbers() {
    use sea_orm::prelude::Decimal;

    assert!(same(Decimal::new(10, 1), Decimal::new(100, 2)));
    assert!(!same(Decimal::new(10, 1), Decimal::new(10, 2)));
}

#[cfg(feature = "with-bigdecimal")]
#[test]
fn big_decimals_compare_as_numbers() {
    let number = |text: &str| text.parse::<sea_orm::prelude::BigDecimal>().expect("a decimal");
    assert!(same(number("1.0"), number("1.00")));
    assert!(same(number("1E+3"), number("1000")));
    assert!(!same(number("1e999999999"), number("1")));
}

#[cfg(feature = "postgres-array")]
#[test]
fn arrays_compare_element_by_element() {
    assert!(same(vec![f64::NAN, 1.0], vec![f64::NAN, 1.0]));
    assert!(same(vec![json!({"a": 1, "b": 1})], vec![json!({"b": 1.0, "a": 1})]));
    assert!(!same(vec![1_i32], vec![1_i32, 2]));
    assert!(!same(Vec::<i32>::new(), Vec::<i64>::new()));
    assert!(!same(Vec::<i32>::new(), None::<Vec<i32>>));
}

#[cfg(feature = "postgres-vector")]
#[test]
fn vectors_compare_element_by_element() {
    use sea_orm::prelude::PgVector;

    assert!(same(PgVector::from(vec![f32::NAN]), PgVector::from(vec![f32::NAN])));
    assert!(!same(PgVector::from(vec![1.0]), PgVector::from(vec![1.0, 2.0])));
}
