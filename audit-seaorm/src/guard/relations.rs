//! The tables that a statement of `MariaDB` joins, of which it may write some and read the others.

use sea_orm::DbBackend;

use super::{lexer::Token, names::name_at, zone::closing};
use crate::registry::TableName;

pub(super) struct Relation {
    pub(super) name: TableName,
    alias: Option<String>,
}

impl Relation {
    pub(super) fn is_alias(&self, name: &str) -> bool {
        self.alias.as_ref().is_some_and(|alias| alias.eq_ignore_ascii_case(name))
    }

    pub(super) fn is_table(&self, name: &str) -> bool {
        self.name.table.eq_ignore_ascii_case(name)
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        if self.alias.is_some() { self.is_alias(name) } else { self.is_table(name) }
    }
}

/// The tables of `a, b AS c JOIN (d LEFT JOIN e ON …) USING (…), (SELECT …) AS f`, but for those of queries; none if it
/// says something else.
pub(super) fn relations(tokens: &[Token<'_>]) -> Option<Vec<Relation>> {
    let mut joined = Joined { tokens, at: 0, found: Vec::new() };
    joined.all()?;
    Some(joined.found)
}

struct Joined<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    found: Vec<Relation>,
}

const JOINS: [&str; 8] =
    ["CROSS", "INNER", "JOIN", "LEFT", "NATURAL", "OUTER", "RIGHT", "STRAIGHT_JOIN"];

impl<'t, 'a> Joined<'t, 'a> {
    fn all(&mut self) -> Option<()> {
        self.factor()?;
        while self.at < self.tokens.len() {
            if !self.skip_join() {
                return None;
            }
            self.factor()?;
            self.skip_condition();
        }
        Some(())
    }

    fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at)
    }

    fn is(&self, words: &[&str]) -> bool {
        self.peek().is_some_and(|token| token.is(words))
    }

    /// A comma, or the words of a join.
    fn skip_join(&mut self) -> bool {
        if self.peek().is_some_and(|token| token.is_symbol(b',')) {
            self.at += 1;
            return true;
        }
        let start = self.at;
        while self.is(&JOINS) {
            self.at += 1;
        }
        self.at > start
    }

    fn factor(&mut self) -> Option<()> {
        if self.peek()?.is_symbol(b'(') {
            self.parenthesis()?;
            self.alias();
            return Some(());
        }
        let (name, next) = name_at(DbBackend::MySql, self.tokens, self.at)?;
        self.at = next;
        if self.is(&["PARTITION"]) {
            self.at += 1;
            self.skip_parenthesis()?;
        }
        let alias = self.alias();
        self.found.push(Relation { name, alias });
        while self.is(&["FORCE", "IGNORE", "USE"]) {
            self.skip_hint()?;
        }
        Some(())
    }

    /// Tables of their own, or a query, of which the tables cannot be written.
    fn parenthesis(&mut self) -> Option<()> {
        let end = closing(self.tokens, self.at);
        let inner = self.tokens.get(self.at + 1..end)?;
        self.at = end + 1;
        if !inner.first()?.is(&["SELECT", "TABLE", "VALUES", "WITH"]) {
            self.found.extend(relations(inner)?);
        }
        Some(())
    }

    fn skip_parenthesis(&mut self) -> Option<()> {
        let open = self.peek().filter(|token| token.is_symbol(b'('));
        open?;
        self.at = closing(self.tokens, self.at) + 1;
        Some(())
    }

    fn alias(&mut self) -> Option<String> {
        const NONE: [&str; 5] = ["FORCE", "IGNORE", "ON", "USE", "USING"];
        if self.is(&["AS"]) {
            self.at += 1;
        } else if self.is(&NONE) || self.is(&JOINS) {
            return None;
        }
        let alias = match self.peek()? {
            Token::Word(word) => (*word).to_owned(),
            Token::Name(name) | Token::Text { text: name, .. } => name.clone().into_owned(),
            _ => return None,
        };
        self.at += 1;
        Some(alias)
    }

    /// `USE INDEX FOR JOIN (a)`.
    fn skip_hint(&mut self) -> Option<()> {
        let open = self.tokens[self.at..].iter().position(|token| token.is_symbol(b'('))?;
        self.at += open;
        self.skip_parenthesis()
    }

    /// Up to the next table.
    fn skip_condition(&mut self) {
        if !self.is(&["ON", "USING"]) {
            return;
        }
        while let Some(token) = self.peek() {
            let calls = self.tokens.get(self.at + 1).is_some_and(|next| next.is_symbol(b'('));
            match token {
                Token::Symbol(b',') => return,
                Token::Symbol(b'(') => self.at = closing(self.tokens, self.at),
                // LEFT(…) is a function.
                token if token.is(&JOINS) && !calls => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}
