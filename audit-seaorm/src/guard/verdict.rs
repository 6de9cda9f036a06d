use std::sync::Arc;

use sea_orm::DbBackend;

use super::{
    live::live,
    parse::{Parsed, parse},
    stack,
    statement::Kind,
    tokens::tokens,
    words::{without_digits, words},
};
use crate::{
    entity,
    registry::{self, Audited, TableName},
};

/// What a text of SQL does to audited tables, whatever the configuration.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It writes none of them.
    Clear,
    Writes(Vec<Write>),
    /// It runs something that cannot be seen, by the word named here.
    Opaque(&'static str),
    /// It names these tables, can write, and cannot be read.
    Unreadable(Vec<Target>),
}

#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) kind: Kind,
    pub(super) target: Target,
}

#[derive(Clone, Debug)]
pub(super) enum Target {
    Trail,
    /// The tables that the name may mean; more than one if they are in different schemas.
    Audited(Vec<Arc<Audited>>),
}

pub(super) const BOM: char = '\u{feff}';

impl Verdict {
    pub(super) fn of(backend: DbBackend, sql: &str) -> Self {
        // A mark of byte order is a blank to SQLite, and a letter to the parser.
        if sql.contains(BOM) {
            return Self::of(backend, &sql.replace(BOM, " "));
        }
        let mentioned = mentioned(backend, sql);
        if backend == DbBackend::MySql && has_executable_comment(sql) {
            // The parser takes it for a comment, or not, by rules of its own.
            return Self::Opaque("an executable comment");
        }

        if mentioned.is_empty() && !may_hide(sql) {
            return Self::Clear;
        }
        let Some(tokens) = tokens(backend, sql) else {
            return Self::of_unparsed(opaque_word(sql), mentioned);
        };
        let live = live(&tokens, backend);
        let concerned = live.opaque.is_some() || !(live.verbs.is_empty() || mentioned.is_empty());
        if !concerned {
            return Self::Clear;
        }
        match stack::deep_enough(tokens.len(), || parse(backend, tokens, &live)) {
            Some(Ok(parsed)) => Self::of_parsed(&parsed, mentioned),
            _ => Self::of_unparsed(live.opaque, mentioned),
        }
    }

    fn of_parsed(parsed: &Parsed, mentioned: Vec<Target>) -> Self {
        if let Some(word) = parsed.opaque {
            return Self::Opaque(word);
        }
        if parsed.unknown {
            return Self::unreadable(mentioned);
        }
        let doubtful: Vec<_> = parsed.doubtful.iter().filter_map(target).collect();
        if !doubtful.is_empty() {
            return Self::Unreadable(doubtful);
        }
        let writes = parsed.writes.iter();
        let writes: Vec<_> = writes
            .filter_map(|(kind, name)| Some(Write { kind: *kind, target: target(name)? }))
            .collect();
        if writes.is_empty() { Self::Clear } else { Self::Writes(writes) }
    }

    fn of_unparsed(opaque: Option<&'static str>, mentioned: Vec<Target>) -> Self {
        match opaque {
            Some(word) => Self::Opaque(word),
            None => Self::unreadable(mentioned),
        }
    }

    fn unreadable(mentioned: Vec<Target>) -> Self {
        if mentioned.is_empty() { Self::Clear } else { Self::Unreadable(mentioned) }
    }
}

pub(super) fn has_executable_comment(sql: &str) -> bool {
    sql.contains("/*!") || sql.contains("/*M!")
}

/// The words of what cannot be seen through.
const OPAQUE: [&str; 4] = ["CALL", "DO", "EXEC", "EXECUTE"];
/// The words of what reaches tables without their names.
const WIDE: [&str; 4] = ["CASCADE", "DATABASE", "OWNED", "SCHEMA"];

fn opaque_word(sql: &str) -> Option<&'static str> {
    words(sql).find_map(|word| OPAQUE.into_iter().find(|known| known.eq_ignore_ascii_case(word)))
}

/// Whether a text that names no guarded table may write one all the same.
fn may_hide(sql: &str) -> bool {
    let known =
        |word: &str| OPAQUE.iter().chain(&WIDE).any(|known| known.eq_ignore_ascii_case(word));
    words(sql).any(|word| known(without_digits(word)))
}

/// The table that a parsed name means, if it is guarded.
fn target(name: &TableName) -> Option<Target> {
    if name.table.eq_ignore_ascii_case(entity::TABLE) {
        return Some(Target::Trail);
    }
    let audited = registry::named(name);
    (!audited.is_empty()).then_some(Target::Audited(audited))
}

/// The guarded tables whose names are somewhere in the text.
fn mentioned(backend: DbBackend, sql: &str) -> Vec<Target> {
    // In `U&"\0070ost"` a name is not to be recognised.
    let hidden = backend == DbBackend::Postgres && (sql.contains("U&") || sql.contains("u&"));
    let trail = hidden || words(sql).any(|word| word.eq_ignore_ascii_case(entity::TABLE));
    let audited = if hidden { registry::all() } else { registry::mentioned(sql, names(sql)) };
    let audited = audited.into_iter().map(Target::Audited);
    trail.then_some(Target::Trail).into_iter().chain(audited).collect()
}

/// The words that can be a table's name: those of `ORDER BY` and `GROUP BY` are not, which are in many a
/// text and well may be the names of tables too.
fn names(sql: &str) -> impl Iterator<Item = &str> {
    let mut words = words(sql).peekable();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            let clause = ["ORDER", "GROUP"].iter().any(|clause| clause.eq_ignore_ascii_case(word))
                && words.peek().is_some_and(|next| only_blanks_before(sql, word, next));
            if !clause {
                return Some(word);
            }
        }
    })
}

/// Whether `BY` is the next word, and no quote, comment or the like is in between.
fn only_blanks_before(sql: &str, word: &str, next: &str) -> bool {
    let end = word.as_ptr().addr() - sql.as_ptr().addr() + word.len();
    let start = next.as_ptr().addr() - sql.as_ptr().addr();
    next.eq_ignore_ascii_case("BY") && sql[end..start].chars().all(char::is_whitespace)
}
