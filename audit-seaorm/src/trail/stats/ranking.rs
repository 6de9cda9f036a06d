use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, IdenStatic, Order, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait, Select,
    prelude::DateTimeUtc,
    sea_query::{Alias, Expr, ExprTrait},
};

use super::operations::{self, counted};
use crate::{
    entity::{Column, Entity},
    stored::{Stored, ends},
    trail::{AuditQuery, newest_time},
};

/// How many users, or records, a ranking has unless [`AuditQuery::limit`] says otherwise.
pub const DEFAULT_TOP: u64 = 10;

const LAST: &str = "last";

/// A line of a ranking.
pub(super) struct Ranked {
    pub(super) row: QueryResult,
    /// The time of the last entry; none if no time can be read.
    pub(super) last: Option<DateTimeUtc>,
}

/// Those with the most entries first, each with a value that depends on the keys beside it. Of equally many, the one that was active last is first, so that the
/// ranking, and where it is cut, is the same on every database.
pub(super) async fn ranking<C: ConnectionTrait>(
    db: &C,
    query: &AuditQuery,
    keys: &[Column],
    most: u64,
    beside: Option<(&'static str, Expr)>,
) -> Result<Vec<Ranked>, DbErr> {
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
    let mut lines = Vec::new();
    for row in db.query_all(&query.cut(ranked, most).into_query()).await? {
        let last = match row.try_get("", LAST).ok().flatten() {
            None => newest_time(db, group(query.select(db, None)?, keys, &row)).await?,
            last => last,
        };
        lines.push(Ranked { row, last });
    }
    Ok(lines)
}

/// The newest time, if that is one of the years 1 to 9999. To look at each time would take longer.
fn newest(backend: DbBackend) -> Expr {
    let newest = Column::Timestamp.max();
    let [first, last] = ends(backend);
    Expr::case(newest.clone().between(first, last), newest).into()
}

/// The entries of a line.
fn group(entries: Select<Entity>, keys: &[Column], row: &QueryResult) -> Select<Entity> {
    keys.iter().fold(entries, |entries, key| {
        entries.filter(match Stored::read(row, key.as_str()) {
            Some(value) => key.into_expr().eq(value.expr()),
            None => key.is_null(),
        })
    })
}

/// A key, as much of it as is text; none of NULL.
pub(super) fn key(row: &QueryResult, column: Column) -> Option<String> {
    Stored::read(row, column.as_str()).map(Stored::into_text)
}
