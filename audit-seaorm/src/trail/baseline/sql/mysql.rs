use sea_orm::sea_query::{ArrayType, ColumnType};

use super::{Calendar, Field, calendar, is_decimal, is_integer, is_text};
use crate::encode::Shape;

/// No JSON, which the trail's column refuses. So it does with a value that has become NULL because it was too long.
const FAILS: &str = "'!'";

pub(super) fn object(fields: &[Field]) -> String {
    let pair = |(name, form): &Field| format!("'\"{name}\":', {form}");
    let pairs: Vec<_> = fields.iter().map(pair).collect();
    format!("COALESCE(CONCAT('{{', {}, '}}'), {FAILS})", pairs.join(", ',', "))
}

pub(super) fn id(head: u64) -> String {
    format!(
        "UNHEX(CONCAT('{head:016x}', SUBSTR('89ab', 1 + FLOOR(RAND() * 4), 1), \
         SUBSTR(MD5(CONCAT(UUID(), RAND())), 1, 15)))"
    )
}

pub(super) fn record_id(columns: &[(ArrayType, String)]) -> Option<String> {
    let part = |(ty, at): &(ArrayType, String)| match ty {
        ArrayType::Uuid => Some(uuid(at)),
        _ if is_integer(ty) => Some(format!("CONVERT({at} + 0 USING utf8mb4)")),
        _ if is_text(ty) => Some(unicode(at)),
        _ => None,
    };
    let parts: Vec<_> = columns.iter().map(part).collect::<Option<_>>()?;
    if let [only] = &parts[..] {
        return Some(only.clone());
    }
    let quoted = columns
        .iter()
        .zip(parts)
        .map(|((ty, _), part)| if is_integer(ty) { part } else { format!("JSON_QUOTE({part})") });
    Some(format!("CONCAT('[', {}, ']')", quoted.collect::<Vec<_>>().join(", ',', ")))
}

pub(super) fn form(shape: &Shape, column: &ColumnType, at: &str) -> Option<String> {
    let Shape::One(ty) = shape else { return None };
    let form = match ty {
        ArrayType::Bool => format!("IF({at} = 0, 'false', 'true')"),
        // Plain, whatever it is filled up with.
        _ if is_integer(ty) => format!("CONCAT({at} + 0)"),
        ArrayType::Double => {
            format!("IF({at} = 0 AND CONCAT({at}) LIKE '-%', '\"-0\"', CONCAT({at}))")
        }
        ArrayType::String | ArrayType::Enum(_) => text(at),
        ArrayType::Bytes if is_bytes(column) => quoted(&format!("LOWER(HEX({at}))")),
        ArrayType::Uuid => quoted(&uuid(at)),
        ArrayType::Json => document(at),
        _ if is_decimal(ty) => quoted(at),
        _ => time(calendar(ty)?, at),
    };
    Some(format!("IF({at} IS NULL, 'null', COALESCE({form}, {FAILS}))"))
}

/// Others are texts, which the driver may see in another character set.
fn is_bytes(column: &ColumnType) -> bool {
    matches!(column, ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob)
}

fn unicode(at: &str) -> String {
    format!("CONVERT({at} USING utf8mb4)")
}

fn quoted(text: &str) -> String {
    format!("CONCAT('\"', {text}, '\"')")
}

fn text(at: &str) -> String {
    let text = unicode(at);
    format!(
        "IF(CAST({text} AS BINARY) = CAST('[REDACTED]' AS BINARY) OR INSTR({text}, CHAR(0)) > 0, \
         JSON_OBJECT('$json', JSON_QUOTE({text})), JSON_QUOTE({text}))"
    )
}

/// None for what is no UUID in sixteen bytes.
fn uuid(at: &str) -> String {
    let part = |from: u8, length: u8| format!("SUBSTR(LOWER(HEX({at})), {from}, {length})");
    let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
    let text = format!("CONCAT_WS('-', {})", parts.join(", "));
    format!("IF(LENGTH({at}) = 16, CONVERT({text} USING utf8mb4), NULL)")
}

/// As text, for as a value it would go into an object as it is.
fn document(at: &str) -> String {
    let text = format!("CONVERT(CONCAT({at}) USING utf8mb4)");
    format!(
        "CASE WHEN COALESCE(JSON_DEPTH({at}), 99) > 30 OR INSTR({text}, CONCAT(CHAR(92), 'u0000')) > 0 \
         THEN {FAILS} \
         WHEN JSON_TYPE({at}) = 'NULL' OR (JSON_TYPE({at}) = 'STRING' AND JSON_UNQUOTE({at}) = '[REDACTED]') \
         OR (JSON_TYPE({at}) = 'OBJECT' AND JSON_LENGTH({at}) = 1 \
         AND JSON_CONTAINS_PATH({at}, 'one', '$.\"$json\"')) \
         THEN CONCAT('{{\"$json\":', JSON_QUOTE({text}), '}}') ELSE {text} END"
    )
}

/// Days and months of 0 are none, and times go beyond a day.
fn time(calendar: Calendar, at: &str) -> String {
    if calendar == Calendar::Time {
        let time = quoted(&format!("TIME_FORMAT({at}, '%H:%i:%s.%f')"));
        return format!("IF({at} BETWEEN '00:00:00' AND '23:59:59.999999', {time}, {FAILS})");
    }
    let format = match calendar {
        Calendar::Date => "%Y-%m-%d",
        Calendar::Moment => "%Y-%m-%dT%H:%i:%s.%fZ",
        _ => "%Y-%m-%dT%H:%i:%s.%f",
    };
    let text = quoted(&format!("DATE_FORMAT({at}, '{format}')"));
    format!("IF(MONTH({at}) = 0 OR DAYOFMONTH({at}) = 0, {FAILS}, {text})")
}
