//! Which tables a statement writes.

use sea_orm::DbBackend;

use super::{
    heads::Head,
    lexer::Token,
    names::{candidates, name_at},
    relations::{Relation, relations},
    statement::Kind,
    verbs::verbs,
    zone::{Ends, Zone},
};
use crate::registry::TableName;

/// What a text does to tables.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) writes: Vec<(Kind, TableName)>,
    /// Names at the place of a written table of which it is not clear what becomes of them.
    pub(super) doubtful: Vec<TableName>,
    pub(super) opaque: Option<&'static str>,
    /// A statement begins with a word that is not known.
    pub(super) unknown: bool,
}

impl Account {
    pub(super) fn add(&mut self, backend: DbBackend, head: Head, statement: &[Token<'_>]) {
        match head {
            Head::Harmless => {}
            Head::Opaque(word) => self.opaque = Some(word),
            Head::MovesRows => {
                let all = candidates(backend, statement, 0..statement.len());
                self.writes.extend(all.into_iter().map(|name| (Kind::Alter, name)));
            }
            Head::ByVerbs | Head::Unknown => {
                self.unknown |= head == Head::Unknown;
                let verbs = verbs(backend, statement);
                self.opaque = self.opaque.or(verbs.opaque);
                for at in verbs.at {
                    Writer { backend, statement, account: self }.verb(at);
                }
            }
        }
    }
}

/// Reads what follows a verb.
struct Writer<'w, 'a> {
    backend: DbBackend,
    statement: &'w [Token<'a>],
    account: &'w mut Account,
}

impl Writer<'_, '_> {
    fn verb(&mut self, at: usize) {
        let statement = self.statement;
        let word = statement.get(at).and_then(Token::word).unwrap_or_default();
        let verb = word.to_ascii_uppercase();
        let ends = Ends::of(self.backend, &verb);
        let is_joined = self.backend == DbBackend::MySql;
        match verb.as_str() {
            "INSERT" => {
                let replaces = self.is(at + 1, &["OR"]) && self.is(at + 2, &["REPLACE"]);
                let kind = if replaces { Kind::Replace } else { Kind::Insert };
                self.one(kind, at, ends);
            }
            "REPLACE" if self.is(at + 1, &["TABLE", "TEMPORARY"]) => self.replaced(at),
            "REPLACE" => self.one(Kind::Replace, at, ends),
            "UPDATE" if is_joined => self.update(at, ends),
            "UPDATE" => self.one(Kind::Update, at, ends),
            "DELETE" if is_joined => self.delete(at, ends),
            "DELETE" if !self.is(at + 1, &["FROM"]) => self.all(None, at, ends),
            "DELETE" => self.one(Kind::Delete, at + 1, ends),
            "MERGE" => self.one(Kind::Merge, at, ends),
            "TRUNCATE" => self.all(Some(Kind::Truncate), at, ends),
            "DROP" => self.all(Some(Kind::Drop), at, ends),
            "COPY" => self.copy(at, ends),
            _ => self.load(at),
        }
    }

    fn is(&self, at: usize, words: &[&str]) -> bool {
        self.statement.get(at).is_some_and(|token| token.is(words))
    }

    /// The first name behind the words that may stand ahead of it; any other in the zone is in doubt.
    fn one(&mut self, kind: Kind, verb: usize, ends: Ends) {
        let start = self.behind_modifiers(verb);
        let next = self.written(kind, start);
        self.doubt(verb, ends, next.unwrap_or(verb));
    }

    fn written(&mut self, kind: Kind, start: usize) -> Option<usize> {
        let (name, next) = name_at(self.backend, self.statement, start)?;
        self.account.writes.push((kind, name));
        Some(next)
    }

    /// Doubts the names in a zone from this token on.
    fn doubt(&mut self, verb: usize, ends: Ends, from: usize) {
        let places = Zone::new(self.statement, verb + 1, ends).filter(|at| *at >= from);
        let names = candidates(self.backend, self.statement, places);
        self.account.doubtful.extend(names);
    }

    /// All names in a zone, with what is done to them if that is known.
    fn all(&mut self, kind: Option<Kind>, verb: usize, ends: Ends) {
        let Some(kind) = kind else { return self.doubt(verb, ends, verb) };
        let zone = Zone::new(self.statement, verb + 1, ends);
        let names = candidates(self.backend, self.statement, zone);
        self.account.writes.extend(names.into_iter().map(|name| (kind, name)));
    }

    fn behind_modifiers(&self, verb: usize) -> usize {
        let word = self.statement.get(verb).and_then(Token::word).unwrap_or_default();
        let modifiers = modifiers(self.backend, &word.to_ascii_uppercase());
        let mut at = verb + 1;
        loop {
            if self.backend == DbBackend::Sqlite && self.is(at, &["OR"]) {
                at += 2;
            } else if self.is(at, modifiers) || self.opens_only(at) {
                at += 1;
            } else {
                return at;
            }
        }
    }

    /// `ONLY (a)`.
    fn opens_only(&self, at: usize) -> bool {
        self.statement.get(at).is_some_and(|token| token.is_symbol(b'('))
            && at > 0
            && self.is(at - 1, &["ONLY"])
    }

    /// `CREATE OR REPLACE TABLE`.
    fn replaced(&mut self, verb: usize) {
        let words = ["EXISTS", "IF", "NOT", "TABLE", "TEMPORARY"];
        let mut at = verb + 1;
        while self.is(at, &words) {
            at += 1;
        }
        if self.written(Kind::Drop, at).is_none() {
            self.account.unknown = true;
        }
    }

    fn copy(&mut self, verb: usize, ends: Ends) {
        let start = verb + 1;
        let Some((_, next)) = name_at(self.backend, self.statement, start) else {
            // A query in parentheses has verbs of its own.
            return self.doubt(verb, ends, verb);
        };
        let rest = self.statement.get(next..).unwrap_or_default();
        let direction = rest.iter().find(|token| token.is(&["FROM", "TO"]));
        if direction.is_none_or(|token| token.is(&["FROM"])) {
            self.one(Kind::Copy, verb, ends);
        }
    }

    fn load(&mut self, verb: usize) {
        let rest = self.statement.get(verb..).unwrap_or_default();
        let into = rest.windows(2).position(|pair| pair[0].is(&["INTO"]) && pair[1].is(&["TABLE"]));
        let written = into.and_then(|into| self.written(Kind::Load, verb + into + 2));
        if written.is_none() {
            self.all(None, verb, Ends::NONE);
        }
    }

    /// `MariaDB` updates those of the joined tables whose columns are set.
    fn update(&mut self, verb: usize, ends: Ends) {
        let start = self.behind_modifiers(verb);
        let set = self.outer(start, |token| token.is(&["SET"]));
        let zone = &self.statement[start.min(set)..set];
        let joins =
            |token: &Token<'_>| token.is_symbol(b',') || token.is(&["JOIN", "STRAIGHT_JOIN"]);
        if !zone.iter().any(joins) {
            return self.one(Kind::Update, verb, ends);
        }
        let written = relations(zone).and_then(|all| set_relations(all, self.qualifiers(set + 1)));
        match written {
            Some(relations) => self.write(Kind::Update, relations),
            None => self.doubt(verb, ends, verb),
        }
    }

    fn write(&mut self, kind: Kind, relations: impl IntoIterator<Item = Relation>) {
        let writes = relations.into_iter().map(|relation| (kind, relation.name));
        self.account.writes.extend(writes);
    }

    /// The tables of which columns are set; none for a column without one.
    fn qualifiers(&self, set: usize) -> Vec<Option<String>> {
        let end = self.outer(set, |it| it.is(&["LIMIT", "ORDER", "RETURNING", "WHERE"]));
        let (mut found, mut at) = (Vec::new(), set);
        while at < end {
            let column = name_at(self.backend, self.statement, at);
            found.push(column.and_then(|(name, _)| name.schema));
            at = self.outer(at, |token| token.is_symbol(b',')).min(end) + 1;
        }
        found
    }

    /// The first such token that is in no parentheses, or the end.
    fn outer(&self, from: usize, is_meant: impl Fn(&Token<'_>) -> bool) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.statement.iter().enumerate().skip(from) {
            match token {
                Token::Symbol(b'(') => depth += 1,
                Token::Symbol(b')') => depth = depth.saturating_sub(1),
                token if depth == 0 && is_meant(token) => return at,
                _ => {}
            }
        }
        self.statement.len()
    }

    /// On `MariaDB` what is deleted from may be named by the alias of a table that follows.
    fn delete(&mut self, verb: usize, ends: Ends) {
        let start = self.behind_modifiers(verb);
        let from = usize::from(self.is(start, &["FROM"]));
        let Some((targets, next)) = self.targets(start + from) else {
            return self.doubt(verb, ends, verb);
        };
        let joins = if from == 1 { "USING" } else { "FROM" };
        if !self.is(next, &[joins]) {
            return match (from, targets.as_slice()) {
                (1, [_]) => self.one(Kind::Delete, start, ends),
                _ => self.doubt(verb, ends, verb),
            };
        }
        let end = self.outer(next, |it| it.is(&["LIMIT", "ORDER", "RETURNING", "WHERE"]));
        let all = relations(&self.statement[next + 1..end]);
        match all.and_then(|all| deleted(targets, &all)) {
            Some(names) => {
                let writes = names.into_iter().map(|name| (Kind::Delete, name));
                self.account.writes.extend(writes);
            }
            None => self.doubt(verb, ends, verb),
        }
    }

    /// `a, b.*`, and the number of the token behind it.
    fn targets(&self, start: usize) -> Option<(Vec<TableName>, usize)> {
        let (mut found, mut at) = (Vec::new(), start);
        loop {
            let (name, mut next) = name_at(self.backend, self.statement, at)?;
            found.push(name);
            let symbol =
                |at: usize, it| self.statement.get(at).is_some_and(|token| token.is_symbol(it));
            if symbol(next, b'.') && symbol(next + 1, b'*') {
                next += 2;
            }
            if !symbol(next, b',') {
                return Some((found, next));
            }
            at = next + 1;
        }
    }
}

/// The words between a verb and the name of its table.
fn modifiers(backend: DbBackend, verb: &str) -> &'static [&'static str] {
    match (backend, verb) {
        (DbBackend::MySql, "DELETE") => &["IGNORE", "LOW_PRIORITY", "QUICK"],
        (DbBackend::MySql, "UPDATE") => &["IGNORE", "LOW_PRIORITY"],
        (DbBackend::MySql, "INSERT" | "REPLACE") => {
            &["DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO", "LOW_PRIORITY"]
        }
        (DbBackend::Postgres, _) => &["INTO", "ONLY"],
        _ => &["INTO"],
    }
}

/// The tables that are set; none if a qualifier means none of them.
fn set_relations(all: Vec<Relation>, qualifiers: Vec<Option<String>>) -> Option<Vec<Relation>> {
    let Some(qualifiers) = qualifiers.into_iter().collect::<Option<Vec<_>>>() else {
        return Some(all);
    };
    let is_meant = |name: &String| all.iter().any(|relation| relation.is_called(name));
    if !qualifiers.iter().all(is_meant) {
        return None;
    }
    let is_set = |relation: &Relation| qualifiers.iter().any(|name| relation.is_called(name));
    Some(all.into_iter().filter(is_set).collect())
}

/// The tables that are deleted from; none if a name means none of them.
fn deleted(targets: Vec<TableName>, all: &[Relation]) -> Option<Vec<TableName>> {
    let mut found = Vec::new();
    for target in targets {
        let mut meant = all
            .iter()
            .filter(|it| it.is_alias(&target.table) || it.is_table(&target.table))
            .peekable();
        meant.peek()?;
        let aliased = meant.filter(|it| it.is_alias(&target.table)).map(|it| it.name.clone());
        found.extend(aliased);
        found.push(target);
    }
    Some(found)
}
