//! What a database answered instead of doing as it was told, by its code.
//!
//! Servers speak the language that they are set to, so the words of an error say nothing to a program. Its code does, and
//! `SQLx` has it without a driver: `sqlx::error::DatabaseError::code` is the SQLSTATE of `PostgreSQL` and `MariaDB` and the
//! extended result code of `SQLite`. `sea-orm/sqlx-dep` switches that much of `SQLx` on, and no driver.
//!
//! `MariaDB`'s SQLSTATE is often the `HY000` of everything that has none, and its own number tells more. `SQLx` hands the
//! number out by the type of the driver alone, which is there only with the feature `sqlx-mysql`, and a crate cannot see whether
//! an application has switched on a feature of another crate: behind one of ours the number would be missing, without a
//! word, wherever somebody forgot it. The driver does write the number in front of each message, with the SQLSTATE behind it:
//! `1205 (HY000): …`. It is read from there, in this place alone and only where that SQLSTATE is the error's own; a test of the
//! suite holds it against the driver's type. Without a number nothing is taken for granted: see [`Transaction::MayBeGone`].

use sea_orm::{DbErr, RuntimeErr};

/// An error that the database itself has answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseError {
    pub(crate) kind: Kind,
    pub(crate) transaction: Transaction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    UniqueViolation,
    /// Two transactions waited for each other, and this one had to give way.
    Deadlock,
    /// The transaction saw a state that is no longer true.
    SerializationFailure,
    /// Somebody else held a lock for too long.
    LockTimeout,
    /// `SQLite` has no code for it: there it is [`Kind::Other`].
    NoSuchTable,
    /// `SQLite` has no code for it: there it is [`Kind::Other`].
    SyntaxError,
    /// The role lacks a privilege.
    NotAllowed,
    /// `PostgreSQL`: one `INSERT … ON CONFLICT DO UPDATE` would change a row twice.
    CardinalityViolation,
    /// Somebody cancelled the statement, or it ran for too long.
    Interrupted,
    /// The server's last words on this connection.
    ConnectionEnded,
    Other,
}

/// What became of the transaction that the statement was part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// It is as it was ahead of the statement; on `PostgreSQL` it can only be rolled back, whole or to a savepoint.
    Stands,
    /// Ask the database. What follows a transaction that is gone commits by itself.
    MayBeGone,
    /// The database has rolled it back, with all its savepoints.
    Gone,
}

impl DatabaseError {
    /// None if the database has not answered: the connection broke, the pool had none, or the error is somebody else's.
    pub(crate) fn of(error: &DbErr) -> Option<Self> {
        let (DbErr::Exec(error) | DbErr::Query(error) | DbErr::Conn(error)) = error else {
            return None;
        };
        let RuntimeErr::SqlxError(error) = error else { return None };
        let error = error.as_database_error()?;
        Some(Self::of_code(&error.code().unwrap_or_default(), || error.to_string()))
    }

    fn of_code(code: &str, text: impl Fn() -> String) -> Self {
        if code.len() != SQLSTATE {
            return code.parse().map_or(Self::UNKNOWN, Self::of_sqlite);
        }
        match number(code, &text()) {
            Some(number) => Self::of_mariadb(number, code),
            None => Self::of_state(code),
        }
    }

    /// Whether the same transaction, run again from its start, may well succeed.
    pub(crate) fn is_retryable(self) -> bool {
        matches!(self.kind, Kind::Deadlock | Kind::SerializationFailure)
    }

    /// Whether another transaction was in the way, so that nothing is wrong with this one but the moment.
    pub(crate) fn is_conflict(error: &DbErr) -> bool {
        Self::of(error).is_some_and(|it| it.is_retryable() || it.kind == Kind::LockTimeout)
    }

    const UNKNOWN: Self = Self { kind: Kind::Other, transaction: Transaction::MayBeGone };

    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn of_state(state: &str) -> Self {
        let kind = match state {
            "23505" => Kind::UniqueViolation,
            "40P01" => Kind::Deadlock,
            "40001" => Kind::SerializationFailure,
            "55P03" => Kind::LockTimeout,
            "42P01" => Kind::NoSuchTable,
            "42601" => Kind::SyntaxError,
            "42501" => Kind::NotAllowed,
            "21000" => Kind::CardinalityViolation,
            "57014" => Kind::Interrupted,
            // An administrator, a crash or a time limit ended the session.
            "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "25P04" => {
                Kind::ConnectionEnded
            }
            state if state.get(..2) == Some("08") => Kind::ConnectionEnded,
            _ => Kind::Other,
        };
        let transaction = match kind {
            Kind::ConnectionEnded => Transaction::Gone,
            // PostgreSQL has no such state: it is MariaDB's, and the driver has not written the number.
            _ if state == "HY000" => Transaction::MayBeGone,
            _ => Transaction::Stands,
        };
        Self { kind, transaction }
    }

    /// <https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference>. What undoes all is what
    /// `InnoDB` marks for rollback (`convert_error_code_to_mysql`).
    fn of_mariadb(number: u16, state: &str) -> Self {
        let kind = match number {
            1022 | 1062 | 1169 | 1586 | 1859 => Kind::UniqueViolation,
            1213 => Kind::Deadlock,
            // Changed since it was read, under innodb_snapshot_isolation.
            1020 => Kind::SerializationFailure,
            1205 => Kind::LockTimeout,
            1146 => Kind::NoSuchTable,
            1064 | 1149 => Kind::SyntaxError,
            1044 | 1142 | 1143 | 1227 => Kind::NotAllowed,
            // KILL QUERY, and max_statement_time.
            1317 | 1969 => Kind::Interrupted,
            // Shutdown, KILL, and time limits.
            1053 | 1077..=1080 | 1152 | 1158..=1161 | 1184 | 1927 => Kind::ConnectionEnded,
            _ => Kind::Other,
        };
        let transaction = match (number, kind) {
            // A full table of locks.
            (1206, _)
            | (_, Kind::Deadlock | Kind::SerializationFailure | Kind::ConnectionEnded) => {
                Transaction::Gone
            }
            // innodb_rollback_on_timeout is a setting of the server.
            (_, Kind::LockTimeout) => Transaction::MayBeGone,
            _ if state.get(..2) == Some("40") => Transaction::Gone,
            _ => Transaction::Stands,
        };
        Self { kind, transaction }
    }

    /// <https://sqlite.org/rescode.html>; <https://sqlite.org/lang_transaction.html> on automatic rollback. A
    /// constraint may be declared, and a trigger may be written, to roll all back.
    fn of_sqlite(code: u32) -> Self {
        const ABORT: u32 = 4;
        const BUSY: u32 = 5;
        const LOCKED: u32 = 6;
        const NOMEM: u32 = 7;
        const INTERRUPT: u32 = 9;
        const IOERR: u32 = 10;
        const FULL: u32 = 13;
        const CONSTRAINT: u32 = 19;
        const BUSY_SNAPSHOT: u32 = BUSY | 2 << 8;
        const PRIMARY_KEY: u32 = CONSTRAINT | 6 << 8;
        const UNIQUE: u32 = CONSTRAINT | 8 << 8;
        const ROW_ID: u32 = CONSTRAINT | 10 << 8;

        let primary = code & 0xff;
        let kind = match (code, primary) {
            (UNIQUE | PRIMARY_KEY | ROW_ID, _) => Kind::UniqueViolation,
            (BUSY_SNAPSHOT, _) => Kind::SerializationFailure,
            (_, BUSY | LOCKED) => Kind::LockTimeout,
            (_, INTERRUPT) => Kind::Interrupted,
            _ => Kind::Other,
        };
        let transaction = match primary {
            ABORT | BUSY | NOMEM | INTERRUPT | IOERR | FULL | CONSTRAINT => Transaction::MayBeGone,
            _ => Transaction::Stands,
        };
        Self { kind, transaction }
    }
}

/// The length of a SQLSTATE. No code of `SQLite` is as long.
const SQLSTATE: usize = 5;

/// The number that the driver of `MySQL`'s family writes ahead of the SQLSTATE, in every language.
fn number(state: &str, text: &str) -> Option<u16> {
    let (number, rest) = text.split_once(" (")?;
    let (written, _) = rest.split_once("): ")?;
    if written == state { number.parse().ok() } else { None }
}

/// What a database would answer, for tests.
#[cfg(test)]
pub(crate) fn answered(code: &'static str, text: &'static str) -> DbErr {
    let error = sea_orm::sqlx::Error::Database(Box::new(answer::Answer { code, text }));
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

#[cfg(test)]
mod answer {
    use std::{borrow::Cow, error::Error, fmt};

    use sea_orm::sqlx::error::{DatabaseError, ErrorKind};

    #[derive(Debug)]
    pub(super) struct Answer {
        pub(super) code: &'static str,
        pub(super) text: &'static str,
    }

    impl fmt::Display for Answer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.text)
        }
    }

    impl Error for Answer {}

    impl DatabaseError for Answer {
        fn message(&self) -> &str {
            self.text
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.code.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sqlx;

    use super::*;

    fn of(code: &'static str, text: &'static str) -> (Kind, Transaction) {
        let error = DatabaseError::of(&answered(code, text)).expect("the database's answer");
        (error.kind, error.transaction)
    }

    #[test]
    fn mariadb_is_understood_in_any_language() {
        let texts = ["1213 (40001): Deadlock found", "1213 (40001): デッドロック (40001): x"];
        for text in texts {
            assert_eq!(of("40001", text), (Kind::Deadlock, Transaction::Gone));
        }
        let timeout = of("HY000", "1205 (HY000): Beim Warten auf eine Sperre …");
        assert_eq!(timeout, (Kind::LockTimeout, Transaction::MayBeGone));
        assert_eq!(of("23000", "1062 (23000): x"), (Kind::UniqueViolation, Transaction::Stands));
        assert_eq!(of("70100", "1927 (70100): x"), (Kind::ConnectionEnded, Transaction::Gone));
    }

    #[test]
    fn without_the_number_a_state_that_may_be_anything_is_to_be_asked_about() {
        for text in ["", "1205: x", "1205 (42000): x", "x (HY000): y"] {
            assert_eq!(of("HY000", text), (Kind::Other, Transaction::MayBeGone), "{text}");
        }
    }

    #[test]
    fn postgresql_is_understood_by_its_state() {
        assert_eq!(of("40P01", "Verklemmung"), (Kind::Deadlock, Transaction::Stands));
        assert_eq!(of("55P03", ""), (Kind::LockTimeout, Transaction::Stands));
        assert_eq!(of("57P01", ""), (Kind::ConnectionEnded, Transaction::Gone));
        assert_eq!(of("08006", ""), (Kind::ConnectionEnded, Transaction::Gone));
        assert_eq!(of("P0001", "1205 (HY000): x"), (Kind::Other, Transaction::Stands));
    }

    #[test]
    fn sqlite_is_understood_by_its_extended_code() {
        assert_eq!(of("2067", ""), (Kind::UniqueViolation, Transaction::MayBeGone));
        assert_eq!(of("13", ""), (Kind::Other, Transaction::MayBeGone));
        assert_eq!(of("517", ""), (Kind::SerializationFailure, Transaction::MayBeGone));
        assert_eq!(of("1", ""), (Kind::Other, Transaction::Stands));
    }

    #[test]
    fn an_error_that_no_database_gave_is_none() {
        let errors = [
            DbErr::Exec(RuntimeErr::Internal("1213 (40001): Deadlock found".to_owned())),
            DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::PoolTimedOut.into())),
            DbErr::Custom("40001".to_owned()),
        ];
        assert_eq!(errors.map(|error| DatabaseError::of(&error)), [None; 3]);
    }
}
