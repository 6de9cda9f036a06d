use sea_orm::DbBackend;

use super::{
    foreign_keys::KeyTable,
    live::live,
    parse::{Parsed, parse},
    stack,
    statement::Kind,
    tokens::tokens,
    words::words,
};
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
        && let Some(parsed) = parsed(backend, sql)
    {
        let deletes = parsed.writes.iter().filter(|(kind, _)| deletes(*kind, backend));
        let emptied: Vec<_> = deletes.map(|(_, name)| name).chain(&parsed.doubtful).collect();
        named.retain(|table| table.is_any_of(&emptied));
    }
    named
}

fn parsed(backend: DbBackend, sql: &str) -> Option<Parsed> {
    let tokens = tokens(backend, sql)?;
    let live = live(&tokens, backend);
    let parsed = stack::deep_enough(tokens.len(), || parse(backend, tokens, &live))?.ok()?;
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
