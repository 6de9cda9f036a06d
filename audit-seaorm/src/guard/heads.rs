//! The words that a statement begins with, as far as they are known.
//!
//! What is known to be harmless passes. The list need not be complete: what is on none is refused where it names an
//! audited table.

use sea_orm::DbBackend;

use super::lexer::Token;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// It changes no row, whatever else is in it.
    Harmless,
    /// It changes the rows of what its verbs name.
    ByVerbs,
    /// It moves rows into a table or out of it, or makes another table a part of it.
    MovesRows,
    Opaque(&'static str),
    Unknown,
}

pub(super) fn head(backend: DbBackend, statement: &[Token<'_>]) -> Head {
    let opened = statement.iter().take_while(|token| token.is_symbol(b'(')).count();
    let Some((first, rest)) = statement[opened..].split_first() else { return Head::Harmless };
    let next = |words: &[&str]| rest.first().is_some_and(|token| token.is(words));
    let word = first.word().map(str::to_ascii_uppercase).unwrap_or_default();
    match word.as_str() {
        "CALL" => Head::Opaque("CALL"),
        "DO" => Head::Opaque("DO"),
        "EXEC" | "EXECUTE" => Head::Opaque("EXECUTE"),
        "BINLOG" if backend == DbBackend::MySql => Head::Opaque("BINLOG"),
        "BEGIN" if backend == DbBackend::MySql && !rest.is_empty() && !next(&["WORK"]) => {
            Head::Opaque("BEGIN")
        }
        "ALTER" | "CREATE" if next(&["POLICY"]) => Head::Harmless,
        "ALTER" if moves_rows(rest) => Head::MovesRows,
        // It changes rows behind the statements of others.
        "CREATE" if rest.iter().take(3).any(|token| token.is(&["RULE"])) => {
            Head::Opaque("CREATE RULE")
        }
        "ANALYZE" if backend == DbBackend::MySql && next(&ANALYZED) => Head::Harmless,
        "ANALYZE" if backend == DbBackend::MySql => Head::ByVerbs,
        "DESC" | "DESCRIBE" | "EXPLAIN" if !analyzes(rest) => Head::Harmless,
        "DESC" | "DESCRIBE" | "EXPLAIN" => Head::ByVerbs,
        "DROP" if next(&DROPPED) => Head::Harmless,
        "LOAD" if next(&["INDEX"]) => Head::Harmless,
        "SET" if backend == DbBackend::MySql && next(&["STATEMENT"]) => Head::ByVerbs,
        "START" if next(&["TRANSACTION"]) => Head::Harmless,
        word if is_any(word, &BY_VERBS) => Head::ByVerbs,
        word if is_harmless(backend, word) => Head::Harmless,
        _ => Head::Unknown,
    }
}

/// Whether a statement that begins with this word is of a known kind.
pub(super) fn is_known(backend: DbBackend, word: &str) -> bool {
    is_any(word, &BY_VERBS) || is_harmless(backend, word)
}

fn is_harmless(backend: DbBackend, word: &str) -> bool {
    is_any(word, &HARMLESS) || is_any(word, of(backend))
}

fn is_any(word: &str, all: &[&str]) -> bool {
    all.iter().any(|known| known.eq_ignore_ascii_case(word))
}

const BY_VERBS: [&str; 19] = [
    "ALTER", "COPY", "CREATE", "DECLARE", "DELETE", "DROP", "INSERT", "LOAD", "MERGE", "PREPARE",
    "REFRESH", "RENAME", "REPLACE", "SELECT", "TABLE", "TRUNCATE", "UPDATE", "VALUES", "WITH",
];

const HARMLESS: [&str; 13] = [
    "ABORT",
    "BEGIN",
    "COMMIT",
    "DEALLOCATE",
    "DESC",
    "DESCRIBE",
    "END",
    "EXPLAIN",
    "RELEASE",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHOW",
];

/// Those that not every database has.
const fn of(backend: DbBackend) -> &'static [&'static str] {
    match backend {
        DbBackend::MySql => &[
            "CACHE", "CHECK", "CHECKSUM", "FLUSH", "GRANT", "HANDLER", "HELP", "KILL", "LOCK",
            "OPTIMIZE", "REPAIR", "REVOKE", "UNLOCK", "USE", "XA",
        ],
        DbBackend::Sqlite => &["ANALYZE", "ATTACH", "DETACH", "PRAGMA", "REINDEX", "VACUUM"],
        _ => &[
            "ANALYZE",
            "CHECKPOINT",
            "CLOSE",
            "CLUSTER",
            "COMMENT",
            "DISCARD",
            "FETCH",
            "GRANT",
            "LISTEN",
            "LOCK",
            "MOVE",
            "NOTIFY",
            "REASSIGN",
            "REINDEX",
            "RESET",
            "REVOKE",
            "SECURITY",
            "UNLISTEN",
            "VACUUM",
        ],
    }
}

/// What `DROP` takes away that has no rows of its own.
const DROPPED: [&str; 27] = [
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "DOMAIN",
    "EVENT",
    "EXTENSION",
    "FUNCTION",
    "GROUP",
    "INDEX",
    "LANGUAGE",
    "MATERIALIZED",
    "OPERATOR",
    "PACKAGE",
    "POLICY",
    "PREPARE",
    "PROCEDURE",
    "PUBLICATION",
    "ROLE",
    "ROUTINE",
    "RULE",
    "SEQUENCE",
    "STATISTICS",
    "TRIGGER",
    "TYPE",
    "USER",
    "VIEW",
];

/// What `ANALYZE` of `MariaDB` looks at; any other word begins a statement that it runs.
const ANALYZED: [&str; 3] = ["LOCAL", "NO_WRITE_TO_BINLOG", "TABLE"];

fn moves_rows(tokens: &[Token<'_>]) -> bool {
    const MOVES: [&str; 8] =
        ["ATTACH", "CONVERT", "DETACH", "DISCARD", "DROP", "EXCHANGE", "IMPORT", "TRUNCATE"];
    const MOVED: [&str; 4] = ["PARTITION", "SYSTEM", "TABLE", "TABLESPACE"];
    let is_move = |pair: &[Token<'_>]| pair[0].is(&MOVES) && pair[1].is(&MOVED);
    tokens.windows(2).any(is_move) || tokens.iter().any(|token| token.is(&["INHERIT"]))
}

/// Whether `EXPLAIN` runs what it explains. Any option that is not known here might say so.
fn analyzes(tokens: &[Token<'_>]) -> bool {
    const OPTIONS: [&str; 10] = [
        "BUFFERS",
        "COSTS",
        "FORMAT",
        "GENERIC_PLAN",
        "MEMORY",
        "SERIALIZE",
        "SETTINGS",
        "SUMMARY",
        "VERBOSE",
        "WAL",
    ];
    let Some(first) = tokens.first() else { return false };
    if !first.is_symbol(b'(') {
        let verb = tokens.iter().take_while(|token| !token.is(&EXPLAINED));
        return verb.into_iter().any(|token| token.is(&["ANALYZE", "ANALYSE"]));
    }
    let options = tokens[1..].iter().take_while(|token| !token.is_symbol(b')'));
    let options: Vec<_> = options.collect();
    let mut options = options.split(|token| token.is_symbol(b','));
    !options.all(|option| option.first().is_some_and(|token| token.is(&OPTIONS)))
}

const EXPLAINED: [&str; 8] =
    ["DELETE", "INSERT", "MERGE", "REPLACE", "SELECT", "UPDATE", "VALUES", "WITH"];
