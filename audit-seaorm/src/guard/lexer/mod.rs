//! The tokens of a text, by the rules of the database that it is sent to.
//!
//! Each database has a lexer of its own, after its source: `scan.l` of `PostgreSQL`, `sql_lex.cc` of `MariaDB`,
//! `tokenize.c` of `SQLite`. Where a text can be divided in more than one way, by a setting of the session, by its
//! character set, by the version of the server, the lexer says so in place of an answer.

mod mariadb;
mod postgres;
mod scanner;
mod sqlite;

use std::borrow::Cow;

use sea_orm::DbBackend;

use self::scanner::Scanner;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A word that is not in quotes: a keyword or a name.
    Word(&'a str),
    /// A name in quotes.
    Name(Cow<'a, str>),
    /// A string. Two databases take it for a name where a name has to be.
    Text { text: Cow<'a, str>, quote: u8 },
    /// A variable of the session, without its `@`.
    Variable(&'a str),
    /// A number or a parameter.
    Value,
    /// One character of an operator or of the punctuation.
    Symbol(u8),
}

/// Why a text cannot be divided into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsure {
    /// `MariaDB` runs what is in such a comment, or not, by its version.
    ExecutableComment,
    Because(&'static str),
}

pub(super) const SETTINGS: Unsure = Unsure::Because(
    "a backslash stands before a quote in a string, and settings of the session decide what it means: \
     write a quote as two",
);
pub(super) const UNTERMINATED: Unsure =
    Unsure::Because("a quote or a comment is opened and not closed");
pub(super) const ENCODED: Unsure =
    Unsure::Because("a letter beyond ASCII stands where the character set decides what follows");
pub(super) const NUMBER: Unsure = Unsure::Because("a number runs into a word");
pub(super) const CHARACTER: Unsure =
    Unsure::Because("a character has no meaning outside of quotes");

/// The tokens of a text, without blanks and comments.
pub(super) fn lex(backend: DbBackend, sql: &str) -> Result<Vec<Token<'_>>, Unsure> {
    let next = match backend {
        DbBackend::MySql => mariadb::token,
        DbBackend::Sqlite => sqlite::token,
        _ => postgres::token,
    };
    let mut scanner = Scanner::new(sql);
    let mut tokens = Vec::new();
    while let Some(first) = scanner.peek() {
        tokens.extend(next(&mut scanner, first)?);
    }
    Ok(tokens)
}

impl Token<'_> {
    /// Whether this is one of these words.
    pub(super) fn is(&self, words: &[&str]) -> bool {
        self.word().is_some_and(|found| words.iter().any(|word| word.eq_ignore_ascii_case(found)))
    }

    pub(super) const fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is_symbol(&self, symbol: u8) -> bool {
        *self == Self::Symbol(symbol)
    }
}

#[cfg(test)]
mod tests;
