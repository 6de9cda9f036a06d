//! Statements that give back the rows they wrote.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, Iterable,
    Statement,
    sea_query::{Expr, InsertStatement, IntoIden, Query, ReturningClause, UpdateStatement},
};

pub(in crate::capture) async fn updated<E: EntityTrait, D: ConnectionTrait>(
    db: &D,
    mut update: UpdateStatement,
) -> Result<Vec<E::Model>, DbErr> {
    let backend = db.get_database_backend();
    update.returning(columns::<E>(backend));
    rows::<E, D>(db, backend.build(&update)).await
}

pub(in crate::capture) async fn inserted<E: EntityTrait, D: ConnectionTrait>(
    db: &D,
    mut insert: InsertStatement,
) -> Result<Vec<E::Model>, DbErr> {
    let backend = db.get_database_backend();
    insert.returning(columns::<E>(backend));
    let mut statement = backend.build(&insert);
    if backend == DbBackend::MySql {
        add_returning::<E>(&mut statement);
    }
    rows::<E, D>(db, statement).await
}

pub(in crate::capture) fn columns<E: EntityTrait>(backend: DbBackend) -> ReturningClause {
    let columns = E::Column::iter();
    Query::returning()
        .exprs(columns.map(|column| column.select_as(column.into_returning_expr(backend))))
}

/// `MariaDB` has it since 10.5; `SeaQuery` leaves it out, for `MySQL` has it not.
fn add_returning<E: EntityTrait>(statement: &mut Statement) {
    let mut select = Query::select();
    for column in E::Column::iter() {
        select.expr_as(column.select_as(Expr::col(column)), column.into_iden());
    }
    let columns = DbBackend::MySql.build(&select);
    let columns = columns.sql.strip_prefix("SELECT").unwrap_or_default().to_owned();
    statement.sql.push_str(" RETURNING");
    statement.sql.push_str(&columns);
}

/// The one row that a statement gives back.
pub(in crate::capture) async fn row<E: EntityTrait, D: ConnectionTrait>(
    db: &D,
    statement: Statement,
) -> Result<Option<E::Model>, DbErr> {
    let row = db.query_one_raw(statement).await?;
    row.map(|row| E::Model::from_query_result(&row, "")).transpose()
}

async fn rows<E: EntityTrait, D: ConnectionTrait>(
    db: &D,
    statement: Statement,
) -> Result<Vec<E::Model>, DbErr> {
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| E::Model::from_query_result(row, "")).collect()
}
