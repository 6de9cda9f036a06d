//! Texts that end a transaction, or a part of it, past the one who holds its entries.

use std::fmt;

use sea_orm::{DbBackend, DbErr};

use super::{
    cache,
    lexer::{Token, Unsure},
    words::{without_digits, words},
};
use crate::error::AuditError;

/// What a text would do to the transaction that it is sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    word: String,
    effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Commits,
    RollsBack,
    Nests,
    /// It belongs to a transaction manager outside.
    Distributed,
    /// `MariaDB` commits before it runs it.
    CommitsUnasked,
    /// Left as it is when the connection goes back to the pool.
    Autocommit,
    Hidden,
}

impl Control {
    /// That of a statement, if it has any.
    pub(super) fn of(backend: DbBackend, statement: &[Token<'_>]) -> Option<Self> {
        of_statement(backend, statement)
    }

    /// That of a text which cannot be divided into statements. Of such a text `SQLite` runs those ahead of what it
    /// cannot read.
    pub(super) fn unsure(unsure: Unsure) -> Self {
        let word = match unsure {
            Unsure::ExecutableComment => "an executable comment",
            Unsure::Because(_) => "what cannot be read",
        };
        Self { word: word.to_owned(), effect: Effect::Hidden }
    }

    /// What to do instead.
    pub(crate) fn advice(&self) -> &'static str {
        match self.effect {
            Effect::Commits => "Call `commit()`",
            Effect::RollsBack => {
                "Call `rollback()`; what may be rolled back by itself goes into a transaction of its own, \
                 which `begin()` of this one gives"
            }
            Effect::Nests => {
                "Call `begin()` of this one, and `commit()` or `rollback()` of what it gives"
            }
            Effect::Distributed => "Take a plain DatabaseConnection for it, and no audited writes",
            Effect::CommitsUnasked => {
                "MariaDB commits before it runs this: run it on the connection, ahead of the transaction \
                 or after it"
            }
            Effect::Autocommit => "Transactions begin with `begin()` and end with `commit()`",
            Effect::Hidden => "Write its statements out",
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

/// Refuses what would part the changes of a transaction from their entries. No policy lets it pass: it is
/// the entries of others that would be lost.
pub(crate) fn refuse_control(backend: DbBackend, sql: &str) -> Result<(), DbErr> {
    if !may_control(backend, sql) {
        return Ok(());
    }
    match &cache::reading(backend, sql).control {
        Some(control) => Err(AuditError::Control { control: control.clone() }.into()),
        None => Ok(()),
    }
}

const WORDS: [&str; 11] = [
    "ABORT",
    "AUTOCOMMIT",
    "BEGIN",
    "COMMIT",
    "END",
    "PREPARE",
    "RELEASE",
    "ROLLBACK",
    "SAVEPOINT",
    "START",
    "XA",
];
/// What `MariaDB` commits before, and what can be the first word of a block.
const MARIADB_WORDS: [&str; 31] = [
    "ALTER",
    "ANALYZE",
    "BACKUP",
    "CACHE",
    "CASE",
    "CHANGE",
    "CHECK",
    "CREATE",
    "DROP",
    "FLUSH",
    "FOR",
    "GRANT",
    "IF",
    "INSTALL",
    "LOAD",
    "LOCK",
    "LOOP",
    "OPTIMIZE",
    "PASSWORD",
    "RENAME",
    "REPAIR",
    "REPEAT",
    "RESET",
    "REVOKE",
    "SHUTDOWN",
    "STOP",
    "TRUNCATE",
    "UNINSTALL",
    "UNLOCK",
    "UNTIL",
    "WHILE",
];

/// Whether a text has a word that may end a transaction at a place where it may do so.
fn may_control(backend: DbBackend, sql: &str) -> bool {
    let known = |word: &str| {
        let word = without_digits(word);
        let is = |known: &&str| known.eq_ignore_ascii_case(word);
        WORDS.iter().any(&is) || (backend == DbBackend::MySql && MARIADB_WORDS.iter().any(&is))
    };
    words(sql).any(known) && !is_one_other_statement(backend, sql, known)
}

/// Most texts are: they need not be taken apart.
fn is_one_other_statement(backend: DbBackend, sql: &str, known: impl Fn(&str) -> bool) -> bool {
    let text = sql.trim_start();
    let end = text.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(text.len());
    let first = &text[..end];
    let only_first_matters = !first.is_empty()
        && !sql.contains(';')
        && !first.eq_ignore_ascii_case("SET")
        && (backend != DbBackend::Sqlite || first.eq_ignore_ascii_case("SELECT"));
    only_first_matters && !known(first)
}

fn of_statement(backend: DbBackend, statement: &[Token<'_>]) -> Option<Control> {
    let word = statement.first()?.word()?.to_ascii_uppercase();
    let second = |words: &[&str]| statement.get(1).is_some_and(|token| token.is(words));
    let has = |word: &str| statement.iter().any(|token| is_name(token, word));
    let found = |effect| Some(Control { word: word.clone(), effect });
    match word.as_str() {
        "COMMIT" | "END" => found(Effect::Commits),
        "ABORT" | "ROLLBACK" => found(Effect::RollsBack),
        "BEGIN" | "SAVEPOINT" | "RELEASE" => found(Effect::Nests),
        "START" if second(&["TRANSACTION"]) => found(Effect::Nests),
        "PREPARE" if second(&["TRANSACTION"]) => found(Effect::Distributed),
        "XA" => found(Effect::Distributed),
        // It rolls the whole transaction back if the row conflicts.
        "INSERT" | "REPLACE" | "UPDATE" | "WITH" if backend == DbBackend::Sqlite => {
            let or_rollback = |pair: &[Token<'_>]| pair[0].is(&["OR"]) && pair[1].is(&["ROLLBACK"]);
            let found = statement.windows(2).any(or_rollback);
            found.then(|| Control { word: "OR ROLLBACK".to_owned(), effect: Effect::RollsBack })
        }
        "SET" if has("AUTOCOMMIT") => {
            Some(Control { word: "SET autocommit".to_owned(), effect: Effect::Autocommit })
        }
        _ if backend == DbBackend::MySql => of_mariadb(&word, statement),
        _ => None,
    }
}

fn of_mariadb(word: &str, statement: &[Token<'_>]) -> Option<Control> {
    let second = |words: &[&str]| statement.get(1).is_some_and(|token| token.is(words));
    let unasked = Control { word: word.to_owned(), effect: Effect::CommitsUnasked };
    let hidden = Control { word: word.to_owned(), effect: Effect::Hidden };
    match word {
        "CREATE" | "DROP" if second(&["TEMPORARY"]) => None,
        // CREATE OR REPLACE TEMPORARY TABLE commits as well, says the manual.
        "ALTER" | "BACKUP" | "CACHE" | "CHANGE" | "CHECK" | "CREATE" | "DROP" | "FLUSH"
        | "GRANT" | "INSTALL" | "LOCK" | "OPTIMIZE" | "RENAME" | "REPAIR" | "RESET" | "REVOKE"
        | "SHUTDOWN" | "START" | "STOP" | "TRUNCATE" | "UNINSTALL" | "UNLOCK" => Some(unasked),
        "ANALYZE" if second(&["TABLE", "LOCAL", "NO_WRITE_TO_BINLOG"]) => Some(unasked),
        "LOAD" if second(&["INDEX"]) => Some(unasked),
        "SET" if second(&["PASSWORD"]) => Some(unasked),
        "SET" if second(&["STATEMENT"]) => {
            let at = statement.iter().position(|token| token.is(&["FOR"]))?;
            of_statement(DbBackend::MySql, &statement[at + 1..])
        }
        "CASE" | "FOR" | "IF" | "LOOP" | "REPEAT" | "UNTIL" | "WHILE" => Some(hidden),
        _ => None,
    }
}

/// Also as the name of a variable: `SET @@session.autocommit = 0`.
fn is_name(token: &Token<'_>, name: &str) -> bool {
    let is = |found: &str| found.eq_ignore_ascii_case(name);
    match token {
        Token::Word(word) => is(word),
        Token::Name(word) => is(word),
        Token::Variable(path) => path.rsplit('.').next().is_some_and(is),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::DatabaseBackend::{MySql, Postgres, Sqlite};

    use super::*;

    const ALL: [DbBackend; 3] = [Sqlite, Postgres, MySql];

    #[track_caller]
    fn check(backends: &[DbBackend], expected: Option<Effect>, texts: &[&str]) {
        for (backend, text) in
            backends.iter().flat_map(|it| texts.iter().map(move |text| (it, text)))
        {
            let reading = cache::reading(*backend, text);
            let control = reading.control.as_ref().filter(|_| may_control(*backend, text));
            let found = control.map(|control| control.effect);
            assert_eq!(found, expected, "{text} on {backend:?}");
        }
    }

    #[test]
    fn what_ends_a_transaction_is_seen_wherever_it_stands() {
        let commits = [
            "COMMIT",
            "commit;",
            " \n Commit WORK",
            "SELECT 1; COMMIT",
            "/* x */ COMMIT",
            "-- x\nCOMMIT",
            "END",
            "; ; END TRANSACTION",
            "COMMIT AND CHAIN",
            "SELECT ';'; COMMIT",
        ];
        check(&ALL, Some(Effect::Commits), &commits);
        let rolls_back =
            ["ROLLBACK", "ROLLBACK TO x", "ROLLBACK TO SAVEPOINT x", "SELECT 1;ROLLBACK", "ABORT"];
        check(&ALL, Some(Effect::RollsBack), &rolls_back);
        let nests = [
            "BEGIN",
            "BEGIN IMMEDIATE",
            "START TRANSACTION READ ONLY",
            "SAVEPOINT x",
            "RELEASE x",
            "RELEASE SAVEPOINT x",
        ];
        check(&ALL, Some(Effect::Nests), &nests);
        check(&[Postgres], Some(Effect::Distributed), &["PREPARE TRANSACTION 'x'"]);
        check(&[MySql], Some(Effect::Distributed), &["XA START 'x'"]);
        check(&[MySql], Some(Effect::Commits), &["# x\nCOMMIT"]);
        check(&[Sqlite], Some(Effect::Commits), &["\u{feff}COMMIT"]);
        check(&[Sqlite], Some(Effect::Hidden), &["COMMIT; SELECT 'x"]);
        let or_rollback = [
            "INSERT OR ROLLBACK INTO t VALUES (1)",
            "UPDATE OR ROLLBACK t SET a = 1",
            "WITH x AS (SELECT 1) INSERT OR ROLLBACK INTO t SELECT * FROM x",
        ];
        check(&[Sqlite], Some(Effect::RollsBack), &or_rollback);
    }

    #[test]
    fn what_mariadb_commits_before_is_seen() {
        let unasked = [
            "CREATE TABLE t (a int)",
            "DROP TABLE IF EXISTS t",
            "ALTER TABLE t ADD b int",
            "TRUNCATE t",
            "RENAME TABLE t TO u",
            "CREATE INDEX i ON t (a)",
            "LOCK TABLES t WRITE",
            "UNLOCK TABLES",
            "ANALYZE TABLE t",
            "FLUSH TABLES",
            "GRANT SELECT ON t TO u",
            "SET PASSWORD = 'x'",
            "SELECT 1; CREATE TABLE t (a int)",
            "SET STATEMENT max_statement_time = 1 FOR DROP TABLE t",
        ];
        check(&[MySql], Some(Effect::CommitsUnasked), &unasked);
        let autocommit = [
            "SET autocommit = 0",
            "SET SESSION autocommit=1",
            "SET @@autocommit = 0",
            "SET @@session.autocommit = 1",
            "SET @a = 1, autocommit = 1",
        ];
        check(&[MySql], Some(Effect::Autocommit), &autocommit);
        let hidden = ["SELECT 1 /*! ; COMMIT */", "/*M! COMMIT */", "IF 1 THEN COMMIT; END IF"];
        check(&[MySql], Some(Effect::Hidden), &hidden);
        check(&[Sqlite, Postgres], None, &unasked);
    }

    #[test]
    fn all_else_passes() {
        check(
            &ALL,
            None,
            &[
                "",
                ";",
                "SELECT 1",
                "SELECT commit, begin FROM t; SELECT 2",
                "SELECT 'COMMIT'; SELECT 1",
                "UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END",
                "INSERT INTO t VALUES ('; COMMIT')",
                "UPDATE t SET a = 1 -- ; COMMIT",
                "SELECT * FROM t WHERE a = 1 /* COMMIT */",
            ],
        );
        let trigger = "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE u SET a = CASE WHEN 1 THEN 2 END; \
                       DELETE FROM v; END";
        check(&[Sqlite], None, &[trigger, "PRAGMA foreign_keys; SELECT 'end'"]);
        check(&[Sqlite], Some(Effect::Commits), &[&format!("{trigger}; COMMIT")]);
        check(
            &[Postgres],
            None,
            &[
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
                "DO $$ BEGIN PERFORM 1; END $$",
                "PREPARE x AS SELECT 1",
                "SET LOCAL lock_timeout = 1",
                "SET TRANSACTION READ ONLY",
            ],
        );
        check(
            &[MySql],
            None,
            &[
                "CREATE TEMPORARY TABLE x (a int)",
                "DROP TEMPORARY TABLE x",
                "SET @a = 1",
                "SELECT * FROM t LOCK IN SHARE MODE",
                "ANALYZE SELECT 1",
                "SELECT IF(a, 1, 2) FROM t",
                "SET STATEMENT max_statement_time = 1 FOR SELECT 1",
            ],
        );
    }
}
