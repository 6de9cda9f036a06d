use sea_orm::sea_query::ArrayType;

use super::{Calendar, Field, calendar, is_decimal, is_integer, is_text};
use crate::encode::Shape;

/// A function takes a hundred arguments.
const PAIRS: usize = 50;

pub(super) fn object(fields: &[Field]) -> String {
    let pair = |(name, form): &Field| format!("'{name}', {form}");
    let parts = fields.chunks(PAIRS).map(|fields| {
        let pairs: Vec<_> = fields.iter().map(pair).collect();
        format!("jsonb_build_object({})", pairs.join(", "))
    });
    parts.collect::<Vec<_>>().join(" || ")
}

pub(super) fn id(head: u64) -> String {
    let (a, b, c) = (head >> 32, head >> 16 & 0xffff, head & 0xffff);
    // The tail of a random one, from its variant on.
    format!(
        "CAST('{a:08x}-{b:04x}-{c:04x}-' || RIGHT(CAST(gen_random_uuid() AS text), 17) AS uuid)"
    )
}

/// Texts by way of `format`, for a cast takes the blanks off a `char`.
pub(super) fn record_id(columns: &[(ArrayType, String)]) -> Option<String> {
    let part = |(ty, at): &(ArrayType, String)| match ty {
        _ if is_integer(ty) || *ty == ArrayType::Uuid => Some(format!("CAST({at} AS text)")),
        _ if is_text(ty) => Some(format!("format('%s', {at})")),
        _ => None,
    };
    let parts: Vec<_> = columns.iter().map(part).collect::<Option<_>>()?;
    if let [only] = &parts[..] {
        return Some(only.clone());
    }
    let quoted = columns.iter().zip(parts).map(|((ty, _), part)| {
        if is_integer(ty) { part } else { format!("CAST(to_json({part}) AS text)") }
    });
    Some(format!("('[' || {} || ']')", quoted.collect::<Vec<_>>().join(" || ',' || ")))
}

pub(super) fn form(shape: &Shape, at: &str) -> Option<String> {
    match shape {
        Shape::One(ty) => one(ty, at),
        Shape::Array(ty) => array(ty, at),
        Shape::Vector => None,
    }
}

fn one(ty: &ArrayType, at: &str) -> Option<String> {
    Some(match ty {
        ArrayType::Bool
        | ArrayType::SmallInt
        | ArrayType::Int
        | ArrayType::BigInt
        | ArrayType::Uuid => format!("to_jsonb({at})"),
        // A number would lose the sign.
        ArrayType::Float | ArrayType::Double => format!(
            "CASE WHEN {at} = 0 AND CAST({at} AS text) = '-0' THEN to_jsonb(CAST('-0' AS text)) \
             ELSE to_jsonb({at}) END"
        ),
        ArrayType::String | ArrayType::Enum(_) => text(at),
        ArrayType::Bytes => format!("to_jsonb(encode({at}, 'hex'))"),
        ArrayType::Json => document(at),
        _ if is_decimal(ty) => format!("to_jsonb(CAST({at} AS text))"),
        _ => format!("to_jsonb({})", time(calendar(ty)?, at)),
    })
}

/// Of a `char` the cast takes the blanks.
fn text(at: &str) -> String {
    format!(
        "CASE WHEN CAST({at} AS text) = '[REDACTED]' AND octet_length({at}) = 10 \
         THEN jsonb_build_object('$json', '\"[REDACTED]\"') ELSE to_jsonb({at}) END"
    )
}

fn document(at: &str) -> String {
    let (json, text) = (format!("CAST({at} AS jsonb)"), format!("CAST({at} AS text)"));
    let deep = format!("length({text}) - length(translate({text}, '[{{', '')) > 30");
    format!(
        "CASE WHEN {json} = 'null' OR {json} = '\"[REDACTED]\"' \
         OR {json} = jsonb_build_object('$json', {json} -> '$json') \
         THEN jsonb_build_object('$json', CAST({json} AS text)) \
         WHEN {deep} THEN {} ELSE {json} END",
        failing(&text)
    )
}

fn time(calendar: Calendar, at: &str) -> String {
    match calendar {
        Calendar::Date => date(at),
        // The sum is below 24:00.
        Calendar::Time => format!("to_char({at} + interval '0', 'HH24:MI:SS.US')"),
        Calendar::Naive => format!("{} || to_char({at}, '\"T\"HH24:MI:SS.US')", date(at)),
        Calendar::Moment => {
            let utc = format!("({at} AT TIME ZONE 'UTC')");
            format!("{} || to_char({utc}, '\"T\"HH24:MI:SS.US\"Z\"')", date(&utc))
        }
    }
}

/// There is no year 0 for the database.
fn date(at: &str) -> String {
    let year = format!("CAST(EXTRACT(YEAR FROM {at}) AS integer)");
    format!(
        "CASE WHEN {year} BETWEEN 1 AND 9999 THEN to_char({at}, 'YYYY-MM-DD') ELSE \
         CASE WHEN {year} > 0 THEN '+' || {year} WHEN {year} = -1 THEN '0000' \
         ELSE '-' || lpad(CAST(-1 - {year} AS text), 4, '0') END || to_char({at}, '-MM-DD') END"
    )
}

fn array(ty: &ArrayType, at: &str) -> Option<String> {
    Some(match ty {
        ArrayType::Bool
        | ArrayType::SmallInt
        | ArrayType::Int
        | ArrayType::BigInt
        | ArrayType::Uuid => format!("to_jsonb({at})"),
        _ if is_text(ty) => format!(
            "CASE WHEN '[REDACTED]' = ANY (CAST({at} AS text[])) THEN {} ELSE to_jsonb({at}) END",
            failing(&format!("array_to_string({at}, ' ')"))
        ),
        _ => return None,
    })
}

/// Fails when a row comes to it, and not when it is planned.
fn failing(text: &str) -> String {
    format!("CAST('!' || {text} AS jsonb)")
}
