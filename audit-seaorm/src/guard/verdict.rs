use std::sync::Arc;

use sea_orm::DbBackend;

use super::{
    account::Account,
    lexer::Unsure,
    statement::Kind,
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
    /// It names these tables, can write, and cannot be read, for a reason if there is one to tell.
    Unreadable(Vec<Target>, Option<&'static str>),
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

impl Verdict {
    /// By what the statements of the text do, if it can be divided into some.
    pub(super) fn of(backend: DbBackend, sql: &str, account: &Result<Account, Unsure>) -> Self {
        let mentioned = mentioned(backend, sql);
        let may_hide = may_hide(sql);
        match account {
            _ if mentioned.is_empty() && !may_hide => Self::Clear,
            Ok(account) => Self::of_account(backend, account, mentioned),
            Err(Unsure::ExecutableComment) => Self::Opaque("an executable comment"),
            Err(Unsure::Because(why)) => match opaque_word(sql) {
                Some(word) => Self::Opaque(word),
                None => Self::unreadable(mentioned, Some(why)),
            },
        }
    }

    fn of_account(backend: DbBackend, account: &Account, mentioned: Vec<Target>) -> Self {
        let writes_catalog = account.writes.iter().any(|(_, name)| is_catalog(backend, name));
        if let Some(word) = account.opaque {
            return Self::Opaque(word);
        }
        if writes_catalog {
            return Self::Opaque("a write of the database's own tables");
        }
        if account.unknown {
            return Self::unreadable(mentioned, None);
        }
        let doubtful: Vec<_> = account.doubtful.iter().filter_map(target).collect();
        if !doubtful.is_empty() {
            return Self::Unreadable(doubtful, None);
        }
        let writes = account.writes.iter();
        let writes: Vec<_> = writes
            .filter_map(|(kind, name)| Some(Write { kind: *kind, target: target(name)? }))
            .collect();
        if writes.is_empty() { Self::Clear } else { Self::Writes(writes) }
    }

    fn unreadable(mentioned: Vec<Target>, why: Option<&'static str>) -> Self {
        if mentioned.is_empty() { Self::Clear } else { Self::Unreadable(mentioned, why) }
    }
}

/// Whether the database keeps its own books in a table: a write there may make an audited table another one.
fn is_catalog(backend: DbBackend, name: &TableName) -> bool {
    let table = name.table.to_ascii_lowercase();
    let schema = name.schema.as_deref().map(str::to_ascii_lowercase);
    match backend {
        DbBackend::Sqlite => CATALOGS.contains(&table.as_str()),
        DbBackend::MySql => schema.as_deref() == Some("mysql"),
        _ => schema.is_none_or(|schema| schema == "pg_catalog") && table.starts_with("pg_"),
    }
}

/// Those of `SQLite`.
const CATALOGS: [&str; 4] =
    ["sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema"];

/// The words of what cannot be seen through.
const OPAQUE: [&str; 5] = ["BINLOG", "CALL", "DO", "EXEC", "EXECUTE"];
/// The words of what reaches tables without their names.
const WIDE: [&str; 6] = ["BEGIN", "CASCADE", "DATABASE", "MYSQL", "OWNED", "SCHEMA"];

fn opaque_word(sql: &str) -> Option<&'static str> {
    words(sql).find_map(|word| OPAQUE.into_iter().find(|known| known.eq_ignore_ascii_case(word)))
}

/// Whether a text that names no guarded table may write one all the same.
fn may_hide(sql: &str) -> bool {
    let known = |word: &str| {
        let is = |known: &&str| known.eq_ignore_ascii_case(word);
        let begins = |prefix: &str| {
            word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        OPAQUE.iter().chain(&WIDE).any(is) || begins("pg_") || begins("sqlite_")
    };
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
