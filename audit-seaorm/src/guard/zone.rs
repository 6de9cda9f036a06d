//! The part of a statement in which a write names its tables.

use sea_orm::DbBackend;

use super::lexer::Token;

/// The numbers of the tokens behind a verb in which it names its tables, what is in parentheses included and queries
/// in parentheses left out.
pub(super) struct Zone<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    depth: usize,
    ends: Ends,
}

/// Where a zone ends, other than with its statement.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    words: &'static [&'static str],
    /// A list of columns or of values follows.
    parenthesis: bool,
}

impl<'t, 'a> Zone<'t, 'a> {
    pub(super) fn new(tokens: &'t [Token<'a>], at: usize, ends: Ends) -> Self {
        Self { tokens, at, depth: 0, ends }
    }

    fn is_query(&self, open: usize) -> bool {
        let next = self.tokens.get(open + 1);
        next.is_some_and(|next| next.is(&["SELECT", "WITH", "VALUES", "TABLE"]))
    }
}

impl Iterator for Zone<'_, '_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let at = self.at;
            let token = self.tokens.get(at)?;
            self.at += 1;
            match token {
                Token::Symbol(b';') => return None,
                Token::Symbol(b'(') if self.is_query(at) => self.at = closing(self.tokens, at) + 1,
                Token::Symbol(b'(') if self.ends.parenthesis => return None,
                Token::Symbol(b'(') => self.depth += 1,
                Token::Symbol(b')') => self.depth = self.depth.checked_sub(1)?,
                token if self.depth == 0 && token.is(self.ends.words) => return None,
                _ => return Some(at),
            }
        }
    }
}

impl Ends {
    /// Those of a statement.
    pub(super) const NONE: Self = Self { words: &[], parenthesis: false };

    pub(super) fn of(backend: DbBackend, verb: &str) -> Self {
        let ends = |words, parenthesis| Self { words, parenthesis };
        match verb {
            "INSERT" | "REPLACE" => {
                ends(&["VALUE", "VALUES", "SELECT", "SET", "DEFAULT", "WITH", "TABLE"], true)
            }
            "UPDATE" => ends(&["SET"], false),
            // There the tables behind USING may be the ones that are deleted from.
            "DELETE" if backend == DbBackend::MySql => ends(&DELETE[1..], false),
            "DELETE" => ends(&DELETE, false),
            "MERGE" => ends(&["USING"], false),
            "COPY" => ends(&["FROM", "TO"], true),
            _ => Self::NONE,
        }
    }
}

const DELETE: [&str; 6] = ["USING", "WHERE", "RETURNING", "ORDER", "LIMIT", "WHEN"];

/// The number of the parenthesis that closes this one, or of the end.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Symbol(b'(') => depth += 1,
            Token::Symbol(b')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}
