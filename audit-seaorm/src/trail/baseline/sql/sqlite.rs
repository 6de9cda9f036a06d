use sea_orm::sea_query::ArrayType;

use super::{Calendar, Field, calendar, is_integer, is_text};
use crate::encode::Shape;

/// No JSON, on which `json` fails.
const FAILS: &str = "'!'";

/// A text that SQL escapes nothing in.
const REDACTED: &str = r#"'{"$json":"\"[REDACTED]\""}'"#;

pub(super) fn object(fields: &[Field]) -> String {
    let pair = |(name, form): &Field| format!("\"{name}\":' || {form}");
    let pairs: Vec<_> = fields.iter().map(pair).collect();
    format!("json('{{{} || '}}')", pairs.join(" || ',"))
}

pub(super) fn id(head: u64) -> String {
    // Ten, and six bits of chance.
    let variants: Vec<_> = (0x80..0xc0).map(|byte| format!("{byte:02x}")).collect();
    let variants = variants.concat();
    format!(
        "CAST(x'{head:016x}' || SUBSTR(x'{variants}', 1 + (RANDOM() & 63), 1) || RANDOMBLOB(7) AS BLOB)"
    )
}

pub(super) fn record_id(columns: &[(ArrayType, String)]) -> Option<String> {
    let part = |(ty, at): &(ArrayType, String)| match ty {
        ArrayType::Uuid => Some(uuid(at)),
        _ if is_integer(ty) || is_text(ty) => Some(format!("CAST({at} AS TEXT)")),
        _ => None,
    };
    let parts: Vec<_> = columns.iter().map(part).collect::<Option<_>>()?;
    if let [only] = &parts[..] {
        return Some(only.clone());
    }
    let quoted = columns
        .iter()
        .zip(parts)
        .map(|((ty, _), part)| if is_integer(ty) { part } else { format!("json_quote({part})") });
    Some(format!("('[' || {} || ']')", quoted.collect::<Vec<_>>().join(" || ',' || ")))
}

/// By what is stored, whatever the column's type says.
pub(super) fn form(shape: &Shape, at: &str) -> Option<String> {
    let Shape::One(ty) = shape else { return None };
    let (stored, form) = match ty {
        ArrayType::Bool => ("integer", format!("CASE WHEN {at} THEN 'true' ELSE 'false' END")),
        _ if is_integer(ty) => ("integer", format!("CAST({at} AS TEXT)")),
        ArrayType::String | ArrayType::Enum(_) => ("text", text(at)),
        ArrayType::Bytes => ("blob", format!("'\"' || LOWER(HEX({at})) || '\"'")),
        ArrayType::Uuid => ("blob", format!("COALESCE('\"' || {} || '\"', {FAILS})", uuid(at))),
        ArrayType::Json => ("text", document(at)),
        _ => ("text", time(calendar(ty)?, at)),
    };
    Some(format!(
        "CASE TYPEOF({at}) WHEN 'null' THEN 'null' WHEN '{stored}' THEN {form} ELSE {FAILS} END"
    ))
}

fn text(at: &str) -> String {
    format!(
        "CASE WHEN INSTR({at}, CHAR(0)) THEN {FAILS} \
         WHEN {at} = '[REDACTED]' COLLATE BINARY THEN {REDACTED} ELSE json_quote({at}) END"
    )
}

/// NULL for what is no UUID in sixteen bytes.
fn uuid(at: &str) -> String {
    let part = |from: u8, length: u8| format!("SUBSTR(LOWER(HEX({at})), {from}, {length})");
    let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
    format!("CASE WHEN LENGTH({at}) = 16 THEN {} END", parts.join(" || '-' || "))
}

fn document(at: &str) -> String {
    let levels = format!("LENGTH({at}) - LENGTH(REPLACE(REPLACE({at}, '[', ''), '{{', ''))");
    format!(
        "CASE WHEN {levels} > 30 OR INSTR({at}, '\\u0000') THEN {FAILS} \
         WHEN json_type({at}) = 'null' OR (json_type({at}) = 'text' AND json_extract({at}, '$') = '[REDACTED]') \
         OR (json_type({at}, '$.\"$json\"') IS NOT NULL AND (SELECT COUNT(*) FROM json_each({at})) = 1) \
         THEN '{{\"$json\":' || json_quote(json({at}) || '') || '}}' ELSE json({at}) END"
    )
}

/// Those that are stored in UTC, with as many digits as the form has or fewer.
fn time(calendar: Calendar, at: &str) -> String {
    const DATE: &str = "GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'";
    let date = format!("SUBSTR({at}, 1, 10)");
    if calendar == Calendar::Date {
        return format!("CASE WHEN {at} {DATE} THEN '\"' || {at} || '\"' ELSE {FAILS} END");
    }
    let clock = match calendar {
        Calendar::Time => at.to_owned(),
        Calendar::Moment => format!(
            "CASE WHEN {at} LIKE '%+00:00' THEN SUBSTR({at}, 12, LENGTH({at}) - 17) \
             WHEN {at} LIKE '%Z' THEN SUBSTR({at}, 12, LENGTH({at}) - 12) ELSE '' END"
        ),
        _ => format!("SUBSTR({at}, 12)"),
    };
    let whole = format!("({clock}) GLOB '[0-9][0-9]:[0-9][0-9]:[0-9][0-9]'");
    let parted = format!(
        "LENGTH({clock}) BETWEEN 10 AND 15 AND SUBSTR({clock}, 1, 9) GLOB '[0-9][0-9]:[0-9][0-9]:[0-9][0-9].' \
         AND SUBSTR({clock}, 10) NOT GLOB '*[^0-9]*'"
    );
    let (valid, head, tail) = match calendar {
        Calendar::Time => ("1".to_owned(), String::new(), ""),
        _ => (
            format!("{date} {DATE} AND SUBSTR({at}, 11, 1) IN ('T', ' ')"),
            format!("{date} || 'T' || "),
            if calendar == Calendar::Moment { "Z" } else { "" },
        ),
    };
    format!(
        "CASE WHEN NOT ({valid}) THEN {FAILS} \
         WHEN {whole} THEN '\"' || {head}({clock}) || '.000000{tail}\"' \
         WHEN {parted} THEN '\"' || {head}SUBSTR(({clock}) || '00000', 1, 15) || '{tail}\"' ELSE {FAILS} END"
    )
}
