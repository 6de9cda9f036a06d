use std::num::FpCategory;

use serde_json::Value as Json;

use super::DecodeError;

const EXPECTED: &str = "a number, or one of \"NaN\", \"Infinity\", \"-Infinity\", \"-0\"";

/// Writes an `f32` with the digits that are its own, not those of the `f64` next to it.
pub(super) fn write_f32(value: f32) -> Json {
    let wide = value.to_string().parse().unwrap_or(f64::from(value));
    write_f64(wide)
}

pub(super) fn write_f64(value: f64) -> Json {
    match value.classify() {
        FpCategory::Nan => Json::from("NaN"),
        FpCategory::Infinite if value > 0.0 => Json::from("Infinity"),
        FpCategory::Infinite => Json::from("-Infinity"),
        // A number would lose the sign in PostgreSQL's `jsonb`.
        FpCategory::Zero if value.is_sign_negative() => Json::from("-0"),
        _ => Json::from(value),
    }
}

pub(super) fn read_f32(json: &Json) -> Result<f32, DecodeError> {
    let wide = read_f64(json)?;
    // Through the text: narrowing the `f64` would round a second time.
    let narrow: f32 = wide.to_string().parse().map_err(|_| too_wide("f32"))?;
    if narrow.is_infinite() && wide.is_finite() {
        return Err(too_wide("f32"));
    }
    Ok(narrow)
}

pub(super) fn read_f64(json: &Json) -> Result<f64, DecodeError> {
    match json {
        Json::Number(number) => number.as_f64().filter(|v| v.is_finite()).ok_or(too_wide("f64")),
        Json::String(text) => match text.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            "-0" => Ok(-0.0),
            _ => Err(DecodeError::Malformed { expected: EXPECTED }),
        },
        other => Err(DecodeError::wrong_kind(EXPECTED, other)),
    }
}

fn too_wide(expected: &'static str) -> DecodeError {
    DecodeError::OutOfRange { expected }
}
