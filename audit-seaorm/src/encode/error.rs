use std::fmt::{self, Write as _};

use serde_json::Value as Json;

/// Why a value could not be written as JSON.
///
/// It never contains the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value is of a kind that this build of `audit-seaorm` does not know.
    #[error("cannot record a value of the kind `{variant}`: {}", remedy(*feature))]
    Unsupported {
        /// Name of the variant of [`sea_orm::Value`].
        variant: String,
        /// The feature of `audit-seaorm` to turn on, where there is one.
        feature: Option<&'static str>,
    },
    /// The moment lies outside the years that can be written in UTC.
    #[error(
        "cannot record this moment: in UTC it lies outside the supported years; store an earlier or later one"
    )]
    OutOfRange,
}

/// Why JSON could not be read back as a value of a column.
///
/// It never contains the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The entry holds the mark of a redacted value.
    #[error(
        "the value was redacted when it was recorded and cannot be restored; leave this column out"
    )]
    Redacted,
    /// The JSON is of another kind than the column's type is written as.
    #[error(
        "expected {expected}, found {found}; the entry may come from before the column changed its type"
    )]
    WrongKind {
        /// What the column's type is written as.
        expected: &'static str,
        /// The kind of JSON that was found.
        found: &'static str,
    },
    /// A text that does not follow the form of the column's type.
    #[error(
        "expected {expected}, found a text of another form; the entry may have been altered by hand"
    )]
    Malformed {
        /// The form of the column's type.
        expected: &'static str,
    },
    /// A value that the column's type cannot hold.
    #[error(
        "the value does not fit into {expected}; the column may have become narrower since it was recorded"
    )]
    OutOfRange {
        /// The type of the column.
        expected: &'static str,
    },
    /// The column is of a type that this build of `audit-seaorm` does not know.
    #[error("cannot restore a column of the type `{column_type}`: {}", remedy(*feature))]
    Unsupported {
        /// Name of the column's type, as `sea-query` calls it.
        column_type: String,
        /// The feature of `audit-seaorm` to turn on, where there is one.
        feature: Option<&'static str>,
    },
}

impl EncodeError {
    pub(super) fn unsupported(value: &sea_orm::Value) -> Self {
        let variant = variant_name(value);
        let feature = feature_of(&variant);
        Self::Unsupported { variant, feature }
    }
}

impl DecodeError {
    pub(super) fn wrong_kind(expected: &'static str, found: &Json) -> Self {
        let found = kind(found);
        Self::WrongKind { expected, found }
    }

    pub(super) fn unsupported(column_type: &impl fmt::Debug) -> Self {
        let column_type = variant_name(column_type);
        let feature = feature_of(&column_type);
        Self::Unsupported { column_type, feature }
    }
}

fn remedy(feature: Option<&str>) -> String {
    match feature {
        Some(feature) => format!("turn on the feature `{feature}` of `audit-seaorm`"),
        None => "`audit-seaorm` has no form for it; keep this column out of the trail".to_owned(),
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

fn feature_of(variant: &str) -> Option<&'static str> {
    Some(match variant {
        "Array" => "postgres-array",
        "BigDecimal" => "with-bigdecimal",
        "Decimal" => "with-rust_decimal",
        "IpNetwork" => "with-ipnetwork",
        "MacAddress" => "with-mac_address",
        "TimeDate" | "TimeTime" | "TimeDateTime" | "TimeDateTimeWithTimeZone" => "with-time",
        "Vector" => "postgres-vector",
        _ => return None,
    })
}

/// Takes the name from the `Debug` text and stops before the payload, which may be secret.
fn variant_name(value: &impl fmt::Debug) -> String {
    let mut name = Name(String::new());
    // An error only says that the name ended.
    let _ = write!(name, "{value:?}");
    name.0
}

struct Name(String);

impl fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric());
        self.0.push_str(&text[..end.unwrap_or(text.len())]);
        end.map_or(Ok(()), |_| Err(fmt::Error))
    }
}
