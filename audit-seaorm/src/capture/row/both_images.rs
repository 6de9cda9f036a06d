//! One statement that changes a row and gives back both images, on `PostgreSQL`:
//!
//! ```sql
//! UPDATE t SET … FROM (SELECT … FROM t WHERE …) AS b
//!  WHERE t.id = b.id AND record_image_eq(ROW(t.…), ROW(b.…)) AND (t is a table) RETURNING t.*, b.*
//! ```
//!
//! It takes no lock ahead of that of the UPDATE. If somebody else changes the row meanwhile, the UPDATE waits, asks
//! its conditions again of the newest version of `t` and of `b` as it was (`EvalPlanQual`, in the source's
//! `src/backend/executor/README`), and finds no row, as the two differ. So `b` is what the UPDATE overwrites, or
//! nothing is written, and the row has to be locked first after all.
//!
//! A subquery with `FOR NO KEY UPDATE` in the place of the comparison deadlocks while others insert rows that refer to
//! this one: it locks the newest version, and the UPDATE of the same statement comes to that by way of the former one.
//! The images are compared, and not `ctid`: for that `PostgreSQL` may plan a scan which does not ask again.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, Iterable,
    QueryFilter, QuerySelect, QueryTrait,
    sea_query::{
        Alias, Expr, ExprTrait, Func, IntoIden, Query, ReturningClause, SelectStatement, TableRef,
    },
};

use super::Update;
use crate::{
    capture::{
        Executor,
        former::{BEFORE, has_names, named},
    },
    found::{self, Found},
    read_row,
    record::key_columns,
    sql_text::Kind,
};

fn can_be_returned<E: EntityTrait>(db: Executor<'_>) -> bool {
    db.get_database_backend() == DbBackend::Postgres && !db.is_typed() && has_names::<E>()
}

/// The row before and after. None if nothing was written: there is no such row, somebody else was quicker, or this is
/// no way to write it.
pub(super) async fn update<E: EntityTrait>(
    db: Executor<'_>,
    update: &Update<E>,
) -> Result<Option<(E::Model, Found<E>)>, DbErr> {
    if !can_be_returned::<E>(db) {
        return Ok(None);
    }
    let further = update.further();
    let statement = update.statement(db, Kind::UpdateBothImages, |update, row| {
        let before = TableRef::SubQuery(before::<E>(row).into(), Alias::new(BEFORE).into_iden());
        let same = same_row::<E>().add(same_version::<E>()).add(is_table::<E>());
        update.from(before).cond_where(same).returning(both::<E>());
        // Of the newest version, too: it may ask for a column that is not in the images.
        update.cond_where(further);
    });
    // To the end of the answer, see `returning::row`.
    let Some(row) = db.query_all_raw(statement).await?.pop() else {
        return Ok(None);
    };
    let before = read_row::read::<E>(&row, BEFORE)?;
    Ok(Some((before, Found::read(&row, DbBackend::Postgres)?)))
}

fn both<E: EntityTrait>() -> ReturningClause {
    let after = E::Column::iter()
        .map(|column| column.select_as(column.into_returning_expr(DbBackend::Postgres)));
    let before = E::Column::iter().map(former);
    Query::returning().exprs(after.chain(before).chain(found::extras::<E>(DbBackend::Postgres)))
}

fn before<E: EntityTrait>(row: Condition) -> SelectStatement {
    let columns = E::Column::iter().map(|column| (own(column), named(column)));
    columns
        .fold(E::find().select_only(), |select, (expr, name)| select.expr_as(expr, name))
        .filter(row)
        .into_query()
}

fn same_row<E: EntityTrait>() -> Condition {
    key_columns::<E>()
        .fold(Condition::all(), |same, column| same.add(own(column).eq(former(column))))
}

/// Byte by byte, so that it needs no type to have an operator for it, and `1.0` is not `1.00`.
fn same_version<E: EntityTrait>() -> Expr {
    let row = |values: Vec<Expr>| Func::cust("ROW").args(values);
    let own = row(E::Column::iter().map(own).collect());
    let former = row(E::Column::iter().map(former).collect());
    Func::cust("record_image_eq").args([own.into(), former.into()]).into()
}

/// Of a view, whose triggers may write in its place, `PostgreSQL` asks nothing again.
fn is_table<E: EntityTrait>() -> Expr {
    let constant = |text: &str| Expr::Constant(text.into());
    let kinds = ["r", "p"].map(constant);
    let table = constant(&quoted::<E>()).cast_as("regclass");
    let kind = Query::select()
        .expr(Expr::col("relkind").is_in(kinds))
        .from("pg_class")
        .and_where(Expr::col("oid").eq(table))
        .take();
    Expr::SubQuery(None, Box::new(kind.into()))
}

fn quoted<E: EntityTrait>() -> String {
    let entity = E::default();
    let names = entity.schema_name().into_iter().chain([entity.table_name()]);
    let quoted = names.map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(".")
}

fn own<C: ColumnTrait>(column: C) -> Expr {
    column.select_as(Expr::col(column.as_column_ref()))
}

fn former<C: IdenStatic>(column: C) -> Expr {
    Expr::col((BEFORE, named(column)))
}
