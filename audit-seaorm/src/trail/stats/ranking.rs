use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, IdenStatic, Order, QueryOrder, QueryResult,
    QuerySelect, QueryTrait,
    prelude::DateTimeUtc,
    sea_query::{Alias, Expr, Func},
};

use super::operations::{self, counted};
use crate::{
    entity::Column,
    stored::{Stored, in_calendar},
    trail::AuditQuery,
};

/// How many users, or records, a ranking has unless [`AuditQuery::limit`] says otherwise.
pub const DEFAULT_TOP: u64 = 10;

const LAST: &str = "last";

/// Those with the most entries first, each with a value that depends on the keys beside it. Of equally many, the one that was active last is first, so that the
/// ranking, and where it is cut, is the same on every database.
pub(super) async fn ranking<C: ConnectionTrait>(
    db: &C,
    query: &AuditQuery,
    keys: &[Column],
    most: u64,
    beside: Option<(&'static str, Expr)>,
) -> Result<Vec<QueryResult>, DbErr> {
    let query = query.prepared(db).await?;
    let counts = counted(query.select(db, None)?);
    let counts = counts.expr_as(newest(db.get_database_backend()), LAST);
    let groups = keys.iter().fold(counts, |groups, key| groups.column(*key).group_by(*key));
    let groups = beside.into_iter().fold(groups, |all, (name, value)| all.expr_as(value, name));
    let by_name = |name| Expr::col(Alias::new(name));
    let ranked = groups
        .order_by(by_name(operations::ENTRIES), Order::Desc)
        .order_by(by_name(LAST), Order::Desc);
    let ranked = keys.iter().fold(ranked, |ranked, key| ranked.order_by(*key, Order::Asc));
    db.query_all(&query.cut(ranked, most).into_query()).await
}

/// The newest time, without those that are beyond all years.
fn newest(backend: DbBackend) -> Expr {
    let sound = Expr::case(in_calendar(backend), Column::Timestamp.into_expr());
    Expr::expr(Func::max(sound))
}

/// A key, as much of it as is text; none of NULL.
pub(super) fn key(row: &QueryResult, column: Column) -> Option<String> {
    Stored::read(row, column.as_str()).map(Stored::into_text)
}

/// The time of the last entry.
pub(super) fn last(row: &QueryResult) -> Option<DateTimeUtc> {
    row.try_get("", LAST).ok().flatten()
}
