use audit_core::REDACTED;
use serde_json::Value as Json;

use super::{DecodeError, escape};

/// Reads SQL `NULL` or what `read` reads.
pub(super) fn nullable<T>(
    json: &Json,
    read: impl FnOnce(&Json) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    match json {
        Json::Null => Ok(None),
        Json::String(text) if text == REDACTED => Err(DecodeError::Redacted),
        json => read(json).map(Some),
    }
}

pub(super) fn boolean(json: &Json) -> Result<bool, DecodeError> {
    json.as_bool().ok_or(DecodeError::wrong_kind("a boolean", json))
}

pub(super) fn integer<T: TryFrom<i128>>(json: &Json) -> Result<T, DecodeError> {
    let wide = json
        .as_i64()
        .map(i128::from)
        .or(json.as_u64().map(i128::from))
        .ok_or(DecodeError::wrong_kind("a whole number", json))?;
    wide.try_into().map_err(|_| DecodeError::OutOfRange { expected: std::any::type_name::<T>() })
}

/// Reads a text of any content.
pub(super) fn text(json: &Json) -> Result<String, DecodeError> {
    match escape::unwrap(json)? {
        Some(Json::String(text)) => Ok(text),
        Some(other) => Err(DecodeError::wrong_kind("a string", &other)),
        None => plain(json).map(str::to_owned),
    }
}

pub(super) fn character(json: &Json) -> Result<char, DecodeError> {
    let text = text(json)?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(DecodeError::Malformed { expected: "a string of one character" }),
    }
}

pub(super) fn document(json: &Json) -> Result<Box<Json>, DecodeError> {
    Ok(Box::new(escape::unwrap(json)?.unwrap_or_else(|| json.clone())))
}

/// Reads a value with a textual form of its own.
pub(super) fn formed<T>(
    expected: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> impl FnOnce(&Json) -> Result<T, DecodeError> {
    move |json| {
        let text = json.as_str().ok_or(DecodeError::wrong_kind(expected, json))?;
        read(text).ok_or(DecodeError::Malformed { expected })
    }
}

fn plain(json: &Json) -> Result<&str, DecodeError> {
    json.as_str().ok_or(DecodeError::wrong_kind("a string", json))
}
