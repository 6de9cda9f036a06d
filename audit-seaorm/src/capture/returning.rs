//! Statements that give back the rows they wrote.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, QueryResult, QueryTrait,
    Select, Statement,
    sea_query::{
        DeleteStatement, Expr, InsertStatement, IntoIden, Query, ReturningClause, SelectStatement,
        UpdateStatement,
    },
};

use super::Executor;
use crate::{
    database_error::{DatabaseError, Kind},
    error::AuditError,
    found::{self, Found},
    record,
};

pub(in crate::capture) async fn updated<E: EntityTrait>(
    db: Executor<'_>,
    mut update: UpdateStatement,
) -> Result<Vec<Found<E>>, DbErr> {
    let backend = db.get_database_backend();
    update.returning(columns::<E>(backend));
    found::<E>(&db.query_all(&update).await?, backend)
}

pub(in crate::capture) async fn inserted<E: EntityTrait>(
    db: Executor<'_>,
    mut statement: InsertStatement,
) -> Result<Vec<Found<E>>, DbErr> {
    let backend = db.get_database_backend();
    if !db.is_typed() {
        return rows::<E>(db, insert::<E>(backend, statement)).await;
    }
    if backend == DbBackend::MySql {
        return Err(AuditError::InsertOutside { table: record::table_name::<E>() }.into());
    }
    statement.returning(columns::<E>(backend));
    found::<E>(&db.query_all(&statement).await?, backend)
}

/// As `inserted`, with values for columns that `PostgreSQL` generates always, as an identity. `SeaQuery` has no words for it:
/// they stand behind the `head` of the statement, which names the columns.
pub(in crate::capture) async fn inserted_overriding<E: EntityTrait>(
    db: Executor<'_>,
    head: &InsertStatement,
    mut statement: InsertStatement,
) -> Result<Vec<Found<E>>, DbErr> {
    let backend = db.get_database_backend();
    statement.returning(columns::<E>(backend));
    let (head, mut statement) = (backend.build(head).sql, backend.build(&statement));
    if let Some(rest) = statement.sql.strip_prefix(&*head) {
        statement.sql = format!("{head} OVERRIDING SYSTEM VALUE{rest}");
    }
    rows::<E>(db, statement).await
}

pub(in crate::capture) fn insert<E: EntityTrait>(
    backend: DbBackend,
    mut insert: InsertStatement,
) -> Statement {
    insert.returning(columns::<E>(backend));
    with_returning::<E>(backend, backend.build(&insert))
}

pub(in crate::capture) fn delete<E: EntityTrait>(
    backend: DbBackend,
    mut delete: DeleteStatement,
) -> Statement {
    delete.returning(columns::<E>(backend));
    with_returning::<E>(backend, backend.build(&delete))
}

pub(in crate::capture) fn columns<E: EntityTrait>(backend: DbBackend) -> ReturningClause {
    let columns = E::Column::iter();
    let columns = columns.map(|column| column.select_as(column.into_returning_expr(backend)));
    Query::returning().exprs(columns.chain(found::extras::<E>(backend)))
}

/// `MariaDB` has it for INSERT and DELETE; `SeaQuery` leaves it out, for `MySQL` has it not.
fn with_returning<E: EntityTrait>(backend: DbBackend, mut statement: Statement) -> Statement {
    if backend == DbBackend::MySql {
        let mut select = Query::select();
        for column in E::Column::iter() {
            select.expr_as(column.select_as(Expr::col(column)), column.into_iden());
        }
        select.exprs(found::extras::<E>(backend));
        let columns = DbBackend::MySql.build(&select);
        statement.sql.push_str(" RETURNING");
        statement.sql.push_str(columns.sql.strip_prefix("SELECT").unwrap_or_default());
    }
    statement
}

/// Whether an INSERT or a DELETE of our own text may give its rows back.
pub(in crate::capture) fn is_supported(db: Executor<'_>) -> bool {
    let may_be = db.support_returning() || db.get_database_backend() == DbBackend::MySql;
    may_be && !db.is_typed()
}

/// Whether the server refused RETURNING, as `MySQL` does: with a syntax error, which has changed
/// nothing and leaves the transaction as it was. It is asked each time, because nothing tells one server of that
/// family from another ahead of a statement, and a process may have pools of both.
pub(in crate::capture) fn is_refused(db: Executor<'_>, error: &DbErr) -> bool {
    db.get_database_backend() == DbBackend::MySql
        && DatabaseError::of(error).is_some_and(|error| error.kind == Kind::SyntaxError)
}

/// The one row that a statement gives back. Its answer is read to the end: `MariaDB` may send an error
/// after the row, and `SQLx` reads no further than a first row that is asked for alone.
pub(in crate::capture) async fn row<E: EntityTrait>(
    db: Executor<'_>,
    statement: Statement,
) -> Result<Option<Found<E>>, DbErr> {
    Ok(rows::<E>(db, statement).await?.pop())
}

async fn rows<E: EntityTrait>(
    db: Executor<'_>,
    statement: Statement,
) -> Result<Vec<Found<E>>, DbErr> {
    found::<E>(&db.query_all_raw(statement).await?, db.get_database_backend())
}

pub(in crate::capture) fn found<E: EntityTrait>(
    rows: &[QueryResult],
    backend: DbBackend,
) -> Result<Vec<Found<E>>, DbErr> {
    rows.iter().map(|row| Found::read(row, backend)).collect()
}

/// The rows of a SELECT, with what they carry besides their columns.
pub(in crate::capture) async fn selected<E: EntityTrait>(
    db: Executor<'_>,
    rows: Select<E>,
) -> Result<Vec<Found<E>>, DbErr> {
    let backend = db.get_database_backend();
    found::<E>(&db.query_all(&select(rows, backend)).await?, backend)
}

/// Asks also for what the rows carry besides their columns.
pub(in crate::capture) fn select<E: EntityTrait>(
    rows: Select<E>,
    backend: DbBackend,
) -> SelectStatement {
    rows.into_query().exprs(found::extras::<E>(backend)).take()
}
