use sea_orm::DbBackend;
use sqlparser::tokenizer::Tokenizer;

use super::{
    parse::{Parsed, parse},
    stack,
    statement::Kind,
    verdict::{dialect, significant},
    words::words,
};
use crate::registry::TableName;

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
    tables: impl Iterator<Item = &'a TableName>,
) -> Vec<&'a TableName> {
    if !may_delete(sql) {
        return Vec::new();
    }
    let text = sql.to_lowercase();
    let mut named: Vec<_> =
        tables.filter(|table| text.contains(&table.table.to_lowercase())).collect();
    if !named.is_empty()
        && let Some(parsed) = parsed(backend, sql)
    {
        let deletes: Vec<_> =
            parsed.writes.iter().filter(|(kind, _)| deletes(*kind, backend)).collect();
        named.retain(|table| deletes.iter().any(|(_, deleted)| deleted.may_be(table)));
    }
    named
}

fn parsed(backend: DbBackend, sql: &str) -> Option<Parsed> {
    let tokens = significant(Tokenizer::new(dialect(backend), sql).tokenize().ok()?);
    let parsed = stack::deep_enough(tokens.len(), || parse(dialect(backend), tokens))?.ok()?;
    (!parsed.unknown).then_some(parsed)
}

fn deletes(kind: Kind, backend: DbBackend) -> bool {
    match kind {
        Kind::Delete | Kind::Merge | Kind::Replace => true,
        // It deletes the rows one by one there.
        Kind::Drop => backend == DbBackend::Sqlite,
        _ => false,
    }
}
