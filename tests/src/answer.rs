//! What databases answer, by their codes: they may speak any language.

use sea_orm::{DbErr, RuntimeErr, SqlxMySqlError, sqlx::error::DatabaseError};

/// The error that the database itself has answered with.
#[must_use]
pub fn answer(error: &DbErr) -> Option<&dyn DatabaseError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => error.as_database_error(),
        _ => None,
    }
}

/// Its code: `PostgreSQL`'s SQLSTATE, `MariaDB`'s number, `SQLite`'s extended result code. Empty if the error is not
/// the database's.
#[must_use]
pub fn code(error: &DbErr) -> String {
    let Some(error) = answer(error) else { return String::new() };
    match error.try_downcast_ref::<SqlxMySqlError>() {
        Some(error) => error.number().to_string(),
        None => error.code().unwrap_or_default().into_owned(),
    }
}

/// Whether two transactions waited for each other.
#[must_use]
pub fn is_deadlock(error: &DbErr) -> bool {
    ["40P01", "1213"].contains(&code(error).as_str())
}
