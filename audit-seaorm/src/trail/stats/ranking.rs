use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, IdenStatic, Order, QueryOrder, QueryResult, QuerySelect,
    QueryTrait, TryGetable,
    prelude::DateTimeUtc,
    sea_query::{Alias, Expr},
};

use super::operations::{self, counted};
use crate::{
    entity::Column,
    trail::{AuditQuery, bring_up_to_date},
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
    bring_up_to_date(db).await?;
    let counts = counted(query.select(db, None)?).expr_as(Column::Timestamp.max(), LAST);
    let groups = keys.iter().fold(counts, |groups, key| groups.column(*key).group_by(*key));
    let groups = beside.into_iter().fold(groups, |all, (name, value)| all.expr_as(value, name));
    let by_name = |name| Expr::col(Alias::new(name));
    let ranked = groups
        .order_by(by_name(operations::ENTRIES), Order::Desc)
        .order_by(by_name(LAST), Order::Desc);
    let ranked = keys.iter().fold(ranked, |ranked, key| ranked.order_by(*key, Order::Asc));
    db.query_all(&query.cut(ranked, most).into_query()).await
}

pub(super) fn key<T: TryGetable>(row: &QueryResult, column: Column) -> Result<T, DbErr> {
    row.try_get("", column.as_str())
}

/// The time of the last entry.
pub(super) fn last(row: &QueryResult) -> Result<DateTimeUtc, DbErr> {
    row.try_get("", LAST)
}
