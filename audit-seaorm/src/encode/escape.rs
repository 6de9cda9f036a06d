use audit_core::REDACTED;
use serde_json::{Value as Json, json};

use super::DecodeError;

const KEY: &str = "$json";
/// `MariaDB` takes JSON of 31 levels (and `serde_json` reads 127), of which the entry around a document is one.
const MAX_DEPTH: usize = 30;

/// Writes a text.
pub(super) fn text(text: &str) -> Json {
    if text == REDACTED || has_nul(text) { wrap(&Json::from(text)) } else { Json::from(text) }
}

/// Writes a JSON document.
pub(super) fn document(document: &Json) -> Json {
    within(document, MAX_DEPTH)
}

/// Writes a JSON document that is an element of an array.
#[cfg(feature = "postgres-array")]
pub(super) fn element(document: &Json) -> Json {
    within(document, MAX_DEPTH - 1)
}

fn within(document: &Json, depth: usize) -> Json {
    let ambiguous = match document {
        Json::Null => true,
        Json::String(text) => text == REDACTED,
        Json::Object(map) => map.len() == 1 && map.contains_key(KEY),
        _ => false,
    };
    if ambiguous || unfit(document, depth) { wrap(document) } else { document.clone() }
}

/// Gives back what an escape holds, or `None` where the JSON is not one.
pub(super) fn unwrap(json: &Json) -> Result<Option<Json>, DecodeError> {
    let Json::Object(map) = json else {
        return Ok(None);
    };
    match map.get(KEY) {
        Some(Json::String(text)) if map.len() == 1 => {
            // The source is dropped: it may quote the text.
            let parsed = serde_json::from_str(text).map_err(|_| DecodeError::Malformed {
                expected: "an object whose `$json` is the text of a JSON document",
            })?;
            Ok(Some(parsed))
        }
        _ => Ok(None),
    }
}

fn wrap(document: &Json) -> Json {
    json!({ KEY: document.to_string() })
}

fn unfit(document: &Json, depth_left: usize) -> bool {
    match document {
        Json::String(text) => has_nul(text),
        Json::Array(_) | Json::Object(_) if depth_left == 0 => true,
        Json::Array(items) => items.iter().any(|item| unfit(item, depth_left - 1)),
        Json::Object(map) => {
            map.iter().any(|(key, item)| has_nul(key) || unfit(item, depth_left - 1))
        }
        _ => false,
    }
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
