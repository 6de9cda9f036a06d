//! One statement that locks a row, changes it and gives back both images, on `PostgreSQL`:
//!
//! ```sql
//! UPDATE t SET … FROM (SELECT … FROM t WHERE … FOR NO KEY UPDATE) AS b WHERE t.id = b.id RETURNING t.*, b.*
//! ```
//!
//! The lock waits for whoever writes the row, and then holds its newest version; the UPDATE, which
//! finds that its own version is outdated, goes on with that one, too (`EvalPlanQual`, in the source's
//! `src/backend/executor/README`). What the subquery gave is not read again.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult,
    IdenStatic, Iterable, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{
        Alias, Expr, ExprTrait, IntoIden, LockType, Query, ReturningClause, SelectStatement,
        TableRef,
    },
};

use super::Update;
use crate::{
    capture::Executor,
    found::{self, Found},
    record::key_columns,
    sql_text::Kind,
};

/// The name of the before-image, and what its columns begin with, so that no name is there twice.
const BEFORE: &str = "b$";
/// `PostgreSQL` cuts names off that are longer, in bytes.
const MAX_NAME: usize = 63;

pub(super) fn can_be_returned<E: EntityTrait>(db: Executor<'_>) -> bool {
    db.get_database_backend() == DbBackend::Postgres
        && E::Column::iter().all(|column| column.as_str().len() + BEFORE.len() <= MAX_NAME)
}

/// The row before and after; none if there is no such row.
pub(super) async fn update<E: EntityTrait>(
    db: Executor<'_>,
    update: Update<E>,
) -> Result<Option<(E::Model, Found<E>)>, DbErr> {
    let statement = update.statement(db, Kind::UpdateBothImages, |update, row| {
        let locked = TableRef::SubQuery(before::<E>(row).into(), Alias::new(BEFORE).into_iden());
        update.from(locked).cond_where(same_row::<E>()).returning(both::<E>());
    });
    // To the end of the answer, see `returning::row`.
    let Some(row) = db.query_all_raw(statement).await?.pop() else {
        return Ok(None);
    };
    let before = E::Model::from_query_result(&row, BEFORE)?;
    Ok(Some((before, Found::read(&row, DbBackend::Postgres)?)))
}

fn both<E: EntityTrait>() -> ReturningClause {
    let after = E::Column::iter()
        .map(|column| column.select_as(column.into_returning_expr(DbBackend::Postgres)));
    let before = E::Column::iter().map(|column| Expr::col((BEFORE, named(column))));
    Query::returning().exprs(after.chain(before).chain(found::extras::<E>(DbBackend::Postgres)))
}

fn before<E: EntityTrait>(row: Condition) -> SelectStatement {
    let columns = E::Column::iter()
        .map(|column| (column.select_as(Expr::col(column.as_column_ref())), named(column)));
    columns
        .fold(E::find().select_only(), |select, (expr, name)| select.expr_as(expr, name))
        .filter(row)
        .lock(LockType::NoKeyUpdate)
        .into_query()
}

fn same_row<E: EntityTrait>() -> Condition {
    key_columns::<E>().fold(Condition::all(), |same, column| {
        let own = column.select_as(Expr::col(column.as_column_ref()));
        same.add(own.eq(Expr::col((BEFORE, named(column)))))
    })
}

fn named<C: IdenStatic>(column: C) -> String {
    format!("{BEFORE}{}", column.as_str())
}
