use sea_orm::{Value, sea_query::OptionEnum};
use serde_json::Value as Json;

#[cfg(feature = "with-bigdecimal")]
use super::decimal;
#[cfg(feature = "with-mac_address")]
use super::network;
#[cfg(feature = "with-time")]
use super::time_types;
use super::{EncodeError, chrono_types as chrono, escape, float, hex};

/// Writes a value as JSON, in the forms listed in the [module documentation](mod@crate::encode).
///
/// ```
/// use audit_seaorm::encode::encode;
/// use serde_json::json;
///
/// assert_eq!(encode(&"Kim".into())?, json!("Kim"));
/// assert_eq!(encode(&0.1_f32.into())?, json!(0.1));
/// assert_eq!(encode(&vec![0_u8, 255].into())?, json!("00ff"));
/// assert_eq!(encode(&None::<i32>.into())?, json!(null));
/// assert_eq!(encode(&json!(null).into())?, json!({"$json": "null"}));
/// # Ok::<(), audit_seaorm::encode::EncodeError>(())
/// ```
///
/// # Errors
///
/// [`EncodeError::Unsupported`] when the value is of a kind for which a feature of this crate is missing, or which it
/// does not know at all (ranges, the `jiff` types).
pub fn encode(value: &Value) -> Result<Json, EncodeError> {
    Ok(match value {
        Value::Bool(v) => Json::from(*v),
        Value::TinyInt(v) => Json::from(*v),
        Value::SmallInt(v) => Json::from(*v),
        Value::Int(v) => Json::from(*v),
        Value::BigInt(v) => Json::from(*v),
        Value::TinyUnsigned(v) => Json::from(*v),
        Value::SmallUnsigned(v) => Json::from(*v),
        Value::Unsigned(v) => Json::from(*v),
        Value::BigUnsigned(v) => Json::from(*v),
        Value::Float(v) => or_null(*v, float::write_f32),
        Value::Double(v) => or_null(*v, float::write_f64),
        Value::String(v) => or_null(v.as_deref(), escape::text),
        Value::Char(v) => or_null(*v, |v| escape::text(v.encode_utf8(&mut [0; 4]))),
        Value::Enum(OptionEnum::Some(v)) => escape::text(&v.value),
        Value::Enum(OptionEnum::None(_)) => Json::Null,
        Value::Bytes(v) => or_null(v.as_deref(), |v| hex::write(v).into()),
        Value::Json(v) => or_null(v.as_deref(), escape::document),
        Value::Uuid(v) => or_null(*v, |v| v.as_hyphenated().to_string().into()),
        other => moment(other)?,
    })
}

fn moment(value: &Value) -> Result<Json, EncodeError> {
    Ok(match value {
        Value::ChronoDate(v) => or_null(*v, |v| chrono::write_date(v).into()),
        Value::ChronoTime(v) => or_null(*v, |v| chrono::write_time(v).into()),
        Value::ChronoDateTime(v) => or_null(*v, |v| chrono::write_naive(v).into()),
        Value::ChronoDateTimeUtc(v) => or_null(*v, |v| chrono::write_moment(&v).into()),
        Value::ChronoDateTimeLocal(v) => or_null(*v, |v| chrono::write_moment(&v).into()),
        Value::ChronoDateTimeWithTimeZone(v) => or_null(*v, |v| chrono::write_moment(&v).into()),
        #[cfg(feature = "with-time")]
        Value::TimeDate(v) => or_null(*v, |v| time_types::write_date(v).into()),
        #[cfg(feature = "with-time")]
        Value::TimeTime(v) => or_null(*v, |v| time_types::write_time(v).into()),
        #[cfg(feature = "with-time")]
        Value::TimeDateTime(v) => or_null(*v, |v| time_types::write_naive(v).into()),
        #[cfg(feature = "with-time")]
        Value::TimeDateTimeWithTimeZone(Some(v)) => time_types::write_moment(*v)?.into(),
        #[cfg(feature = "with-time")]
        Value::TimeDateTimeWithTimeZone(None) => Json::Null,
        other => optional(other)?,
    })
}

fn optional(value: &Value) -> Result<Json, EncodeError> {
    match value {
        #[cfg(feature = "with-rust_decimal")]
        Value::Decimal(v) => Ok(or_null(*v, |v| v.to_string().into())),
        #[cfg(feature = "with-bigdecimal")]
        Value::BigDecimal(v) => Ok(or_null(v.as_deref(), |v| decimal::write_big(v).into())),
        #[cfg(feature = "with-ipnetwork")]
        Value::IpNetwork(v) => Ok(or_null(*v, |v| v.to_string().into())),
        #[cfg(feature = "with-mac_address")]
        Value::MacAddress(v) => Ok(or_null(*v, |v| network::write_mac(v).into())),
        #[cfg(feature = "postgres-array")]
        Value::Array(_, Some(v)) => v.iter().map(element).collect(),
        #[cfg(feature = "postgres-array")]
        Value::Array(_, None) => Ok(Json::Null),
        #[cfg(feature = "postgres-vector")]
        Value::Vector(v) => Ok(or_null(v.as_ref(), |v| {
            v.as_slice().iter().copied().map(float::write_f32).collect()
        })),
        other => Err(EncodeError::unsupported(other)),
    }
}

#[cfg(feature = "postgres-array")]
fn element(value: &Value) -> Result<Json, EncodeError> {
    match value {
        Value::Json(Some(document)) => Ok(escape::element(document)),
        other => encode(other),
    }
}

fn or_null<T>(value: Option<T>, write: impl FnOnce(T) -> Json) -> Json {
    value.map_or(Json::Null, write)
}
