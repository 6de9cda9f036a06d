use audit_core::same_json;
use sea_orm::Value;

/// Whether two values are equal by value.
///
/// Decimals compare as numbers (`1.0` and `1.00` are the same), moments as moments whatever their offset, floats as
/// in SQL (`NaN` equals itself, `-0.0` equals `0.0`), JSON by content (the order of keys does not matter, `1` and
/// `1.0` are the same number), arrays element by element. Values of different types are never the same.
///
/// ```
/// use audit_seaorm::encode::same_value;
/// use sea_orm::Value;
/// use serde_json::json;
///
/// assert!(same_value(&f64::NAN.into(), &f64::NAN.into()));
/// assert!(same_value(&json!({"a": 1, "b": 2}).into(), &json!({"b": 2.0, "a": 1}).into()));
/// assert!(!same_value(&json!(9007199254740993_u64).into(), &json!(9007199254740992.0).into()));
/// assert!(!same_value(&Value::Int(Some(1)), &Value::BigInt(Some(1))));
/// ```
#[must_use]
pub fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(Some(a)), Value::Float(Some(b))) => same_float((*a).into(), (*b).into()),
        (Value::Double(Some(a)), Value::Double(Some(b))) => same_float(*a, *b),
        (Value::Json(Some(a)), Value::Json(Some(b))) => same_json(a, b),
        #[cfg(feature = "postgres-array")]
        (Value::Array(a_type, Some(a)), Value::Array(b_type, Some(b))) => {
            a_type == b_type
                && a.len() == b.len()
                && a.iter().zip(&**b).all(|(a, b)| same_value(a, b))
        }
        #[cfg(feature = "postgres-vector")]
        (Value::Vector(Some(a)), Value::Vector(Some(b))) => same_vector(a.as_slice(), b.as_slice()),
        (a, b) => a == b,
    }
}

#[expect(clippy::float_cmp, reason = "values are compared, not results of a computation")]
fn same_float(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

#[cfg(feature = "postgres-vector")]
fn same_vector(a: &[f32], b: &[f32]) -> bool {
    let mut pairs = a.iter().zip(b);
    a.len() == b.len() && pairs.all(|(a, b)| same_float((*a).into(), (*b).into()))
}
