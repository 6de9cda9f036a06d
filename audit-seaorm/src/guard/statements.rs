//! The statements of a text.

use sea_orm::DbBackend;

use super::lexer::Token;

/// The statements of a text, by their tokens, none of them empty.
///
/// The body of a trigger is part of the statement that makes it. On `SQLite` the text tells where it ends. Elsewhere
/// it does not: all that follows counts as one statement, and the server has to be asked to take no more than one.
pub(super) fn statements<'t, 'a>(
    backend: DbBackend,
    tokens: &'t [Token<'a>],
) -> Vec<&'t [Token<'a>]> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        let (statement, after) = rest.split_at(end(backend, rest));
        if !statement.is_empty() {
            found.push(statement);
        }
        rest = after.get(1..).unwrap_or_default();
    }
    found
}

/// The number of the token that ends the first statement.
fn end(backend: DbBackend, tokens: &[Token<'_>]) -> usize {
    let ends = tokens.iter().enumerate().filter(|(_, token)| token.is_symbol(b';'));
    let mut ends = ends.map(|(at, _)| at);
    let first = ends.next().unwrap_or(tokens.len());
    let Some(begin) = body(backend, tokens, first) else { return first };
    if backend != DbBackend::Sqlite {
        return tokens.len();
    }
    let is_last = |at: &usize| {
        let follows = |steps: usize| tokens.get(at + steps);
        *at > begin
            && follows(1).is_some_and(|token| token.is(&["END"]))
            && follows(2).is_none_or(|token| token.is_symbol(b';'))
    };
    // `END` itself is of the trigger.
    std::iter::once(first).chain(ends).find(is_last).map_or(tokens.len(), |at| at + 2)
}

/// Where the body of a statement begins that has one, with semicolons of its own.
fn body(backend: DbBackend, tokens: &[Token<'_>], first: usize) -> Option<usize> {
    let head = tokens.get(..first).filter(|_| first < tokens.len())?;
    let kind = head.iter().position(|token| token.is(&KINDS))?;
    if !head.first()?.is(&["CREATE"]) || !head.get(kind)?.is(&WITH_BODY) {
        return None;
    }
    let at = |word| head.iter().position(|token| token.is(&[word]));
    match backend {
        DbBackend::Sqlite => at("BEGIN"),
        DbBackend::MySql => Some(kind),
        _ => at("ATOMIC"),
    }
}

/// What `CREATE` makes, as far as other words may stand ahead of it. Of a kind that is not here, what follows counts as
/// statements of their own, and each is judged.
const KINDS: [&str; 9] =
    ["EVENT", "FUNCTION", "INDEX", "PACKAGE", "PROCEDURE", "SEQUENCE", "TABLE", "TRIGGER", "VIEW"];
const WITH_BODY: [&str; 5] = ["EVENT", "FUNCTION", "PACKAGE", "PROCEDURE", "TRIGGER"];
