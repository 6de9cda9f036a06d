//! Statements that give back the rows they wrote.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, QueryResult, Statement,
    sea_query::{
        DeleteStatement, Expr, InsertStatement, IntoIden, Query, ReturningClause, UpdateStatement,
    },
};

use super::Executor;
use crate::{error::AuditError, read_row, record};

pub(in crate::capture) async fn updated<E: EntityTrait>(
    db: Executor<'_>,
    mut update: UpdateStatement,
) -> Result<Vec<E::Model>, DbErr> {
    let backend = db.get_database_backend();
    update.returning(columns::<E>(backend));
    models::<E>(&db.query_all(&update).await?)
}

pub(in crate::capture) async fn deleted<E: EntityTrait>(
    db: Executor<'_>,
    mut delete: DeleteStatement,
) -> Result<Vec<E::Model>, DbErr> {
    delete.returning(columns::<E>(db.get_database_backend()));
    models::<E>(&db.query_all(&delete).await?)
}

pub(in crate::capture) async fn inserted<E: EntityTrait>(
    db: Executor<'_>,
    mut statement: InsertStatement,
) -> Result<Vec<E::Model>, DbErr> {
    let backend = db.get_database_backend();
    if !db.is_typed() {
        return rows::<E>(db, insert::<E>(backend, statement)).await;
    }
    if backend == DbBackend::MySql {
        return Err(AuditError::InsertOutside { table: record::table_name::<E>() }.into());
    }
    statement.returning(columns::<E>(backend));
    models::<E>(&db.query_all(&statement).await?)
}

/// As `inserted`, with values for columns that `PostgreSQL` generates always, as an identity. `SeaQuery` has no words for it:
/// they stand behind the `head` of the statement, which names the columns.
pub(in crate::capture) async fn inserted_overriding<E: EntityTrait>(
    db: Executor<'_>,
    head: &InsertStatement,
    mut statement: InsertStatement,
) -> Result<Vec<E::Model>, DbErr> {
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
    Query::returning()
        .exprs(columns.map(|column| column.select_as(column.into_returning_expr(backend))))
}

/// `MariaDB` has it for INSERT and DELETE; `SeaQuery` leaves it out, for `MySQL` has it not.
fn with_returning<E: EntityTrait>(backend: DbBackend, mut statement: Statement) -> Statement {
    if backend == DbBackend::MySql {
        let mut select = Query::select();
        for column in E::Column::iter() {
            select.expr_as(column.select_as(Expr::col(column)), column.into_iden());
        }
        let columns = DbBackend::MySql.build(&select);
        statement.sql.push_str(" RETURNING");
        statement.sql.push_str(columns.sql.strip_prefix("SELECT").unwrap_or_default());
    }
    statement
}

/// Unset once a server of that family turns out not to know it.
static MARIADB: AtomicBool = AtomicBool::new(true);

/// Whether an INSERT or a DELETE of our own text can give its rows back.
pub(in crate::capture) fn is_supported(db: Executor<'_>) -> bool {
    let known = db.support_returning()
        || db.get_database_backend() == DbBackend::MySql && MARIADB.load(Ordering::Relaxed);
    known && !db.is_typed()
}

/// Whether the server refused RETURNING, as `MySQL` does: with a syntax error, which has changed
/// nothing and leaves the transaction as it was. From then on it is asked no more.
pub(in crate::capture) fn is_refused(db: Executor<'_>, error: &DbErr) -> bool {
    let refused = db.get_database_backend() == DbBackend::MySql
        && error.to_string().contains("You have an error in your SQL syntax");
    if refused {
        MARIADB.store(false, Ordering::Relaxed);
    }
    refused
}

/// The one row that a statement gives back. Its answer is read to the end: `MariaDB` may send an error
/// after the row, and `SQLx` reads no further than a first row that is asked for alone.
pub(in crate::capture) async fn row<E: EntityTrait>(
    db: Executor<'_>,
    statement: Statement,
) -> Result<Option<E::Model>, DbErr> {
    Ok(rows::<E>(db, statement).await?.pop())
}

async fn rows<E: EntityTrait>(
    db: Executor<'_>,
    statement: Statement,
) -> Result<Vec<E::Model>, DbErr> {
    models::<E>(&db.query_all_raw(statement).await?)
}

fn models<E: EntityTrait>(rows: &[QueryResult]) -> Result<Vec<E::Model>, DbErr> {
    rows.iter().map(|row| read_row::read::<E>(row, "")).collect()
}
