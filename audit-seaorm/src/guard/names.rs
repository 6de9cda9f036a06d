//! The names of tables in a statement.

use sea_orm::DbBackend;

use super::lexer::Token;
use crate::registry::TableName;

/// The words that are no name without quotes.
const STRUCTURE: [&str; 13] = [
    "AND", "AS", "FROM", "INTO", "JOIN", "NOT", "ON", "OR", "SELECT", "SET", "TABLE", "USING",
    "WHERE",
];

/// The name that begins with this token, and the number of the token behind it.
pub(super) fn name_at(
    backend: DbBackend,
    tokens: &[Token<'_>],
    at: usize,
) -> Option<(TableName, usize)> {
    let first = tokens.get(at)?;
    if first.is(&STRUCTURE) {
        return None;
    }
    let (mut schema, mut table, mut next) = (None, spelt(backend, first)?, at + 1);
    while tokens.get(next).is_some_and(|token| token.is_symbol(b'.'))
        && let Some(part) = tokens.get(next + 1).and_then(|token| spelt(backend, token))
    {
        (schema, table, next) = (Some(table), part, next + 2);
    }
    Some((TableName { schema: schema.map(str::to_owned), table: table.to_owned() }, next))
}

/// A token as the part of a name. Strings are names at the place of one: to `SQLite`, and to `MariaDB` if it is told
/// so.
fn spelt<'t>(backend: DbBackend, token: &'t Token<'_>) -> Option<&'t str> {
    match token {
        Token::Word(word) => Some(word),
        Token::Name(name) => Some(name),
        Token::Text { text, quote: b'\'' } if backend == DbBackend::Sqlite => Some(text),
        Token::Text { text, quote: b'"' } => Some(text),
        _ => None,
    }
}

/// All that may be the name of a table among these tokens.
pub(super) fn candidates(
    backend: DbBackend,
    tokens: &[Token<'_>],
    places: impl Iterator<Item = usize>,
) -> Vec<TableName> {
    places.filter_map(|at| candidate(backend, tokens, at)).collect()
}

/// The name that ends with this token. What follows AS is the name of something else.
fn candidate(backend: DbBackend, tokens: &[Token<'_>], at: usize) -> Option<TableName> {
    let token = tokens.get(at)?;
    let before = |steps: usize| tokens.get(at.checked_sub(steps)?);
    let is_value = matches!(token, Token::Text { .. }) && !before(1).is_some_and(introduces);
    let is_alias = before(1).is_some_and(|token| token.is(&["AS"]));
    if token.is(&STRUCTURE) || is_value || is_alias || continues(tokens, at) {
        return None;
    }
    let table = spelt(backend, token)?.to_owned();
    let follows_period = before(1).is_some_and(|token| token.is_symbol(b'.'));
    let schema = before(2).filter(|_| follows_period).and_then(|token| spelt(backend, token));
    Some(TableName { schema: schema.map(str::to_owned), table })
}

/// Whether what follows makes it the name of a schema, or of the table of a column.
fn continues(tokens: &[Token<'_>], at: usize) -> bool {
    let follows =
        |steps: usize, symbol| tokens.get(at + steps).is_some_and(|token| token.is_symbol(symbol));
    follows(1, b'.') && !follows(2, b'*')
}

/// Whether a name follows, and no value.
fn introduces(before: &Token<'_>) -> bool {
    const BEFORE_NAMES: [&str; 15] = [
        "ABORT", "DELETE", "EXISTS", "FAIL", "FROM", "IGNORE", "INSERT", "INTO", "JOIN", "ONLY",
        "REPLACE", "ROLLBACK", "TABLE", "UPDATE", "USING",
    ];
    before.is_symbol(b'.') || before.is_symbol(b',') || before.is(&BEFORE_NAMES)
}
