use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, QuerySelect, QueryTrait, Select};

use crate::{capture::Executor, entity::Entity};

/// The first rows, so many at most.
///
/// The number stands in the text: `PostgreSQL` takes a limit that it is told later for a tenth of the rows, and plans such
/// a statement anew each time. Every number makes a text of its own, of which a connection keeps a hundred prepared, so
/// this is for the few sizes of our own pages, and not for a caller's.
pub(crate) async fn first_rows<C: ConnectionTrait>(
    db: &C,
    rows: Select<Entity>,
    limit: u64,
) -> Result<Vec<QueryResult>, DbErr> {
    if Executor::of(db).is_typed() {
        return db.query_all(&rows.limit(limit).into_query()).await;
    }
    let mut statement = rows.build(db.get_database_backend());
    write!(statement.sql, " LIMIT {limit}").map_err(|error| DbErr::Custom(error.to_string()))?;
    db.query_all_raw(statement).await
}
