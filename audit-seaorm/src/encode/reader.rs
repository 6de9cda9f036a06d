use sea_orm::{
    EntityTrait, Value,
    prelude::Uuid,
    sea_query::{ArrayType, Enum, EnumTypeName, OptionEnum},
};
use serde_json::Value as Json;

#[cfg(any(feature = "with-rust_decimal", feature = "with-bigdecimal"))]
use super::decimal;
#[cfg(any(feature = "with-ipnetwork", feature = "with-mac_address"))]
use super::network;
#[cfg(feature = "with-time")]
use super::time_types;
use super::{
    DecodeError, chrono_types as chrono, float, hex,
    scalar::{boolean, character, document, formed, integer, nullable, text},
    shape::Shape,
};

const DATE: &str = "a date such as \"2024-02-29\"";
const TIME: &str = "a time such as \"12:34:56.123456\"";
const NAIVE: &str = "a date and time such as \"2024-02-29T12:34:56.123456\"";
const MOMENT: &str = "a moment in UTC such as \"2024-02-29T12:34:56.123456Z\"";
#[cfg(any(feature = "with-rust_decimal", feature = "with-bigdecimal"))]
const DECIMAL: &str = "a decimal number as a string, such as \"0.10\"";

/// Reads the JSON that [`encode`](super::encode) wrote for a column of `E`.
///
/// The type of the column decides which value the JSON becomes; the result suits
/// [`try_set`](sea_orm::ActiveModelTrait::try_set) on that column.
///
/// ```
/// use audit_seaorm::encode::{DecodeError, decode};
/// use sea_orm::{ActiveModelTrait, Set, entity::prelude::*};
/// use serde_json::json;
///
/// # mod photo {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "photo")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i64,
/// #         pub taken_at: DateTimeUtc,
/// #         pub thumbnail: Option<Vec<u8>>,
/// #     }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// let value = decode::<photo::Entity>(photo::Column::Thumbnail, &json!("00ff"))?;
/// let mut photo = <photo::ActiveModel as ActiveModelTrait>::default();
/// photo.try_set(photo::Column::Thumbnail, value)?;
/// assert_eq!(photo.thumbnail, Set(Some(vec![0, 255])));
///
/// let error = decode::<photo::Entity>(photo::Column::TakenAt, &json!("[REDACTED]"));
/// assert_eq!(error, Err(DecodeError::Redacted));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DecodeError`] when the value was redacted, when the JSON is not a form of the column's type, or when the feature
/// for that type is missing.
pub fn decode<E: EntityTrait>(column: E::Column, json: &Json) -> Result<Value, DecodeError> {
    decode_as(&Shape::of::<E>(column), json)
}

pub(crate) fn decode_as(shape: &Shape, json: &Json) -> Result<Value, DecodeError> {
    match shape {
        Shape::One(ty) => one(ty, json),
        #[cfg(feature = "postgres-array")]
        Shape::Array(ty) => {
            let items = nullable(json, |json| each(json, |item| one(ty, item)).map(Box::new))?;
            Ok(Value::Array(ty.clone(), items))
        }
        #[cfg(feature = "postgres-vector")]
        Shape::Vector => {
            let numbers = nullable(json, |json| each(json, float::read_f32))?;
            Ok(Value::Vector(numbers.map(Into::into)))
        }
        #[cfg(not(all(feature = "postgres-array", feature = "postgres-vector")))]
        other => Err(DecodeError::unsupported(other)),
    }
}

#[cfg(any(feature = "postgres-array", feature = "postgres-vector"))]
fn each<T>(
    json: &Json,
    read: impl Fn(&Json) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    json.as_array().ok_or(DecodeError::wrong_kind("an array", json))?.iter().map(read).collect()
}

fn one(ty: &ArrayType, json: &Json) -> Result<Value, DecodeError> {
    Ok(match ty {
        ArrayType::Bool => Value::Bool(nullable(json, boolean)?),
        ArrayType::TinyInt => Value::TinyInt(nullable(json, integer)?),
        ArrayType::SmallInt => Value::SmallInt(nullable(json, integer)?),
        ArrayType::Int => Value::Int(nullable(json, integer)?),
        ArrayType::BigInt => Value::BigInt(nullable(json, integer)?),
        ArrayType::TinyUnsigned => Value::TinyUnsigned(nullable(json, integer)?),
        ArrayType::SmallUnsigned => Value::SmallUnsigned(nullable(json, integer)?),
        ArrayType::Unsigned => Value::Unsigned(nullable(json, integer)?),
        ArrayType::BigUnsigned => Value::BigUnsigned(nullable(json, integer)?),
        ArrayType::Float => Value::Float(nullable(json, float::read_f32)?),
        ArrayType::Double => Value::Double(nullable(json, float::read_f64)?),
        ArrayType::String => Value::String(nullable(json, text)?),
        ArrayType::Char => Value::Char(nullable(json, character)?),
        ArrayType::Enum(name) => Value::Enum(enumeration(name, json)?),
        other => moment(other, json)?,
    })
}

fn enumeration(name: &EnumTypeName, json: &Json) -> Result<OptionEnum, DecodeError> {
    let type_name = name.clone();
    Ok(match nullable(json, text)? {
        None => OptionEnum::None(type_name),
        Some(value) => OptionEnum::Some(Box::new(Enum { type_name, value: value.into() })),
    })
}

fn moment(ty: &ArrayType, json: &Json) -> Result<Value, DecodeError> {
    Ok(match ty {
        ArrayType::ChronoDate => {
            Value::ChronoDate(nullable(json, formed(DATE, chrono::read_date))?)
        }
        ArrayType::ChronoTime => {
            Value::ChronoTime(nullable(json, formed(TIME, chrono::read_time))?)
        }
        ArrayType::ChronoDateTime => {
            Value::ChronoDateTime(nullable(json, formed(NAIVE, chrono::read_naive))?)
        }
        ArrayType::ChronoDateTimeUtc => {
            Value::ChronoDateTimeUtc(nullable(json, formed(MOMENT, chrono::read_utc))?)
        }
        ArrayType::ChronoDateTimeLocal => {
            Value::ChronoDateTimeLocal(nullable(json, formed(MOMENT, chrono::read_local))?)
        }
        ArrayType::ChronoDateTimeWithTimeZone => {
            let utc = nullable(json, formed(MOMENT, chrono::read_utc))?;
            Value::ChronoDateTimeWithTimeZone(utc.map(|utc| utc.fixed_offset()))
        }
        #[cfg(feature = "with-time")]
        ArrayType::TimeDate => {
            Value::TimeDate(nullable(json, formed(DATE, time_types::read_date))?)
        }
        #[cfg(feature = "with-time")]
        ArrayType::TimeTime => {
            Value::TimeTime(nullable(json, formed(TIME, time_types::read_time))?)
        }
        #[cfg(feature = "with-time")]
        ArrayType::TimeDateTime => {
            Value::TimeDateTime(nullable(json, formed(NAIVE, time_types::read_naive))?)
        }
        #[cfg(feature = "with-time")]
        ArrayType::TimeDateTimeWithTimeZone => {
            Value::TimeDateTimeWithTimeZone(nullable(json, formed(MOMENT, time_types::read_utc))?)
        }
        other => formed_text(other, json)?,
    })
}

fn formed_text(ty: &ArrayType, json: &Json) -> Result<Value, DecodeError> {
    Ok(match ty {
        ArrayType::Bytes => Value::Bytes(nullable(json, formed("bytes in hex", hex::read))?),
        ArrayType::Json => Value::Json(nullable(json, document)?),
        ArrayType::Uuid => {
            Value::Uuid(nullable(json, formed("a UUID", |v| Uuid::parse_str(v).ok()))?)
        }
        #[cfg(feature = "with-rust_decimal")]
        ArrayType::Decimal => Value::Decimal(nullable(json, formed(DECIMAL, decimal::read))?),
        #[cfg(feature = "with-bigdecimal")]
        ArrayType::BigDecimal => {
            Value::BigDecimal(nullable(json, formed(DECIMAL, decimal::read_big))?.map(Box::new))
        }
        #[cfg(feature = "with-ipnetwork")]
        ArrayType::IpNetwork => {
            Value::IpNetwork(nullable(json, formed("an IP network", network::read_ip))?)
        }
        #[cfg(feature = "with-mac_address")]
        ArrayType::MacAddress => {
            Value::MacAddress(nullable(json, formed("a MAC address", network::read_mac))?)
        }
        other => return Err(DecodeError::unsupported(other)),
    })
}
