use sea_orm::DbBackend;

use super::{cache, foreign_keys::KeyTable, words::words};

/// Words without which no row goes.
const WORDS: [&str; 4] = ["DELETE", "DROP", "MERGE", "REPLACE"];

/// Whether a text may delete rows.
pub(super) fn may_delete(sql: &str) -> bool {
    words(sql).any(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// The tables among these that a text deletes from; all that it names, where it cannot be read.
pub(super) fn deleted<'a>(
    backend: DbBackend,
    sql: &str,
    tables: impl Iterator<Item = &'a KeyTable>,
) -> Vec<&'a KeyTable> {
    if !may_delete(sql) {
        return Vec::new();
    }
    let text = sql.to_lowercase();
    let mut named: Vec<_> =
        tables.filter(|table| text.contains(&table.name.table.to_lowercase())).collect();
    if !named.is_empty()
        && let Some(emptied) = &cache::reading(backend, sql).emptied
    {
        named.retain(|table| table.is_any_of(emptied));
    }
    named
}
