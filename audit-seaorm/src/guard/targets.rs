//! The names that stand where a write names its tables.
//!
//! The parser may understand a text otherwise than the database does: it takes a word that it does not know for
//! a table, and the table behind it for an alias or for a table that is read. So its answer is held against the
//! text itself: a name at such a place, of which the parser's answer does not say what becomes of it, is in doubt.

use sea_orm::DbBackend;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Word};

use super::tokens::{is, keyword};
use crate::registry::TableName;

/// A name at such a place.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The number of its last token.
    pub(super) at: usize,
    pub(super) location: Location,
    pub(super) name: TableName,
}

/// The names behind the verbs, which are the tokens of these numbers.
pub(super) fn candidates(
    backend: DbBackend,
    tokens: &[TokenWithSpan],
    verbs: &[usize],
) -> Vec<Candidate> {
    let mut found = Vec::new();
    for verb in verbs.iter().filter(|verb| !is_column(backend, tokens, **verb)) {
        let mut zone = Zone::behind(backend, tokens, *verb);
        while let Some(at) = zone.next() {
            found.extend(candidate(backend, tokens, at));
        }
    }
    found
}

/// `PostgreSQL` takes these words for columns, too.
fn is_column(backend: DbBackend, tokens: &[TokenWithSpan], verb: usize) -> bool {
    let before = verb.checked_sub(1).and_then(|before| tokens.get(before));
    backend == DbBackend::Postgres
        && before.is_some_and(|it| it.token == Token::Comma || is(&it.token, &["SELECT"]))
}

/// The tokens in which a write names its tables, parentheses included and queries in parentheses left out.
struct Zone<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
    depth: usize,
    ends: Ends,
}

/// Where a zone ends, other than with its statement.
struct Ends {
    words: &'static [&'static str],
    /// A list of columns or of values follows.
    parenthesis: bool,
}

impl<'a> Zone<'a> {
    fn behind(backend: DbBackend, tokens: &'a [TokenWithSpan], verb: usize) -> Self {
        let word = tokens.get(verb).and_then(|token| keyword(&token.token)).unwrap_or_default();
        Self { tokens, at: verb + 1, depth: 0, ends: Ends::of(backend, word) }
    }

    fn next(&mut self) -> Option<usize> {
        loop {
            let at = self.at;
            let token = &self.tokens.get(at)?.token;
            self.at += 1;
            match token {
                Token::SemiColon => return None,
                Token::LParen if self.is_query(at) => self.at = self.closing(at) + 1,
                Token::LParen if self.ends.parenthesis => return None,
                Token::LParen => self.depth += 1,
                Token::RParen => self.depth = self.depth.checked_sub(1)?,
                token if self.depth == 0 && is(token, self.ends.words) => return None,
                _ => return Some(at),
            }
        }
    }

    fn is_query(&self, open: usize) -> bool {
        let next = self.tokens.get(open + 1);
        next.is_some_and(|next| is(&next.token, &["SELECT", "WITH", "VALUES", "TABLE"]))
    }

    /// The parenthesis that closes this one.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.tokens.len()
    }
}

impl Ends {
    fn of(backend: DbBackend, verb: &str) -> Self {
        let ends = |words, parenthesis| Self { words, parenthesis };
        match verb.to_ascii_uppercase().as_str() {
            "INSERT" | "REPLACE" => {
                ends(&["VALUES", "SELECT", "SET", "DEFAULT", "WITH", "TABLE"], true)
            }
            "UPDATE" => ends(&["SET"], false),
            // There the tables behind USING may be the ones that are deleted from.
            "DELETE" if backend == DbBackend::MySql => ends(&DELETE_ENDS[1..], false),
            "DELETE" => ends(&DELETE_ENDS, false),
            "MERGE" => ends(&["USING"], false),
            "COPY" => ends(&["FROM", "TO"], true),
            _ => ends(&[], false),
        }
    }
}

const DELETE_ENDS: [&str; 6] = ["USING", "WHERE", "RETURNING", "ORDER", "LIMIT", "WHEN"];

/// The words that are no name without quotes.
const STRUCTURE: [&str; 11] =
    ["AND", "AS", "FROM", "INTO", "JOIN", "NOT", "ON", "OR", "SET", "TABLE", "USING"];

/// The name that ends with this token.
fn candidate(backend: DbBackend, tokens: &[TokenWithSpan], at: usize) -> Option<Candidate> {
    let token = tokens.get(at)?;
    let before = |steps: usize| Some(&tokens.get(at.checked_sub(steps)?)?.token);
    let follows_period = before(1) == Some(&Token::Period);
    let table = match before(1) {
        Some(before) if is(before, &["AS"]) => None,
        before => name(backend, &token.token, before),
    }?;
    if continues(tokens, at) {
        return None;
    }
    let schema = if follows_period { before(2).and_then(word) } else { None };
    let name = TableName { schema: schema.map(str::to_owned), table: table.to_owned() };
    Some(Candidate { at, location: token.span.start, name })
}

/// Whether what follows makes it the name of a schema, or of the table of a column.
fn continues(tokens: &[TokenWithSpan], at: usize) -> bool {
    let follows = |steps: usize| tokens.get(at + steps).map(|token| &token.token);
    follows(1) == Some(&Token::Period) && follows(2) != Some(&Token::Mul)
}

fn name<'a>(backend: DbBackend, token: &'a Token, before: Option<&Token>) -> Option<&'a str> {
    match token {
        token if is(token, &STRUCTURE) => None,
        // Strings are names at the place of a name: to SQLite, and to MariaDB if it is told so.
        Token::SingleQuotedString(text) if backend == DbBackend::Sqlite => {
            introduces(before?).then_some(text)
        }
        Token::DoubleQuotedString(text) => introduces(before?).then_some(text),
        token => word(token),
    }
}

fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(Word { value, .. }) => Some(value),
        _ => None,
    }
}

/// Whether a name follows, and no value.
fn introduces(before: &Token) -> bool {
    matches!(before, Token::Period | Token::Comma) || is(before, &BEFORE_NAMES)
}

const BEFORE_NAMES: [&str; 15] = [
    "ABORT", "DELETE", "EXISTS", "FAIL", "FROM", "IGNORE", "INSERT", "INTO", "JOIN", "ONLY",
    "REPLACE", "ROLLBACK", "TABLE", "UPDATE", "USING",
];
