use sea_orm::Value;
use serde_json::Value as Json;

use super::{encode, reader::decode_as, shape::Shape};

mod columns;
mod equality;
mod errors;
mod forms;
#[cfg(any(feature = "postgres-array", feature = "postgres-vector"))]
mod nested;
mod round_trip;

fn shape_of(value: &Value) -> Shape {
    match value {
        #[cfg(feature = "postgres-array")]
        Value::Array(ty, _) => Shape::Array(ty.clone()),
        #[cfg(feature = "postgres-vector")]
        Value::Vector(_) => Shape::Vector,
        other => Shape::One(other.array_type()),
    }
}

/// Writes, passes the JSON through text as every database does, and reads.
fn there_and_back(value: &Value) -> Value {
    let json = encode(value).expect("this kind has a form");
    assert!(!json.to_string().contains("\\u0000") || json.to_string().contains("\\\\u0000"));
    let stored: Json = serde_json::from_str(&json.to_string()).expect("what was written is JSON");
    decode_as(&shape_of(value), &stored).expect("what was written can be read")
}

/// Asserts that a value comes back the same: equal, and written the same way again.
fn assert_comes_back(value: &Value) {
    let back = there_and_back(value);
    assert!(super::same_value(value, &back), "{value:?} came back as {back:?}");
    assert_eq!(shape_text(value), shape_text(&back));
    assert_eq!(encode(value), encode(&back), "{value:?}");
}

fn shape_text(value: &Value) -> String {
    format!("{:?}", shape_of(value))
}
