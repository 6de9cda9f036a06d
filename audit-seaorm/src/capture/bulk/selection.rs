use sea_orm::{
    Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, RelationTrait, Select,
    sea_query::{Expr, Query},
};

use super::keys::{self, Key};
use crate::{
    audited::Filter,
    capture::{before_image::Intent, ground::Ground, returning},
    found::Found,
    record::key_columns,
};

/// The rows that a bulk write is for.
pub(super) struct Selection<E> {
    filter: Filter,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: EntityTrait> Selection<E> {
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, entity: std::marker::PhantomData }
    }

    pub(super) fn condition(&self) -> Condition {
        self.filter.condition()
    }

    /// Whether a row is in it or not whatever becomes of the others. Then a write can go through the
    /// rows page by page and is what one statement would have been.
    pub(super) fn is_by_row(&self) -> bool {
        let select = E::find().filter(self.condition());
        !has_subquery(&select.build(DbBackend::Postgres).sql["SELECT".len()..])
    }

    /// The next rows after `last` in the order of their keys, locked until the transaction ends.
    pub(super) async fn locked(
        &self,
        ground: &Ground<'_>,
        intent: Intent,
        last: Option<&Key>,
        limit: Option<u64>,
    ) -> Result<Vec<Found<E>>, DbErr> {
        let rows = E::find().filter(self.condition());
        let rows = last.into_iter().fold(rows, |rows, key| rows.filter(keys::beyond::<E>(key)));
        let rows = key_columns::<E>().fold(rows, QueryOrder::order_by_asc);
        locked(rows.limit(limit), ground, intent).await
    }
}

/// The rows with these keys, locked until the transaction ends.
pub(super) async fn locked_by_key<E: EntityTrait>(
    ground: &Ground<'_>,
    intent: Intent,
    keys: &[Key],
) -> Result<Vec<Found<E>>, DbErr> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let backend = ground.db.get_database_backend();
    locked(E::find().filter(keys::among::<E>(keys, backend)), ground, intent).await
}

async fn locked<E: EntityTrait>(
    rows: Select<E>,
    ground: &Ground<'_>,
    intent: Intent,
) -> Result<Vec<Found<E>>, DbErr> {
    let lock = intent.lock(ground.db.get_database_backend());
    returning::selected::<E>(ground.db, rows.lock(lock)).await
}

/// Whether an expression looks at other rows than its own.
pub(super) fn looks_around(expr: &Expr) -> bool {
    let select = Query::select().expr(expr.clone()).take();
    has_subquery(&DbBackend::Postgres.build(&select).sql["SELECT".len()..])
}

/// Values are bound, so that the word is no part of one; and in a quoted name it is no word.
fn has_subquery(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    let joined = |char: char| char.is_alphanumeric() || char == '_' || char == '"';
    sql.match_indices("select").any(|(at, word)| {
        !sql[..at].ends_with(joined) && !sql[at + word.len()..].starts_with(joined)
    })
}

/// Whether the table refers to itself: rows that refer to each other can only go together.
pub(super) fn refers_to_itself<E: EntityTrait>() -> bool {
    let own = E::default().table_ref();
    E::Relation::iter().any(|relation| relation.def().to_tbl.sea_orm_table() == own.sea_orm_table())
}

#[cfg(test)]
mod tests {
    use sea_orm::{
        ColumnTrait,
        sea_query::{ExprTrait, Func},
    };

    use super::*;
    use crate::entity::{Column, Entity};

    #[test]
    fn a_subquery_is_told_from_names_and_values() {
        let by_row = [
            Column::Reason.eq("(select 1)"),
            Expr::col("select").eq(1),
            Expr::col("selected").gt(Expr::col("preselect")),
            Func::coalesce([Expr::col("a"), Expr::val("select ")]).into(),
        ];
        for expr in by_row {
            assert!(!looks_around(&expr), "{expr:?}");
            assert!(Selection::<Entity>::new(filter(expr)).is_by_row());
        }
        let subquery = Query::select().expr(Expr::val(1)).take();
        let others = [
            Column::Reason.in_subquery(subquery),
            Expr::cust("(SELECT 1)"),
            Expr::cust("(\nselect\t1)"),
        ];
        for expr in others {
            assert!(looks_around(&expr), "{expr:?}");
            assert!(!Selection::<Entity>::new(filter(expr)).is_by_row());
        }
    }

    fn filter(expr: Expr) -> Filter {
        use sea_orm::sea_query::ConditionalStatement;
        let mut filter = Filter::all();
        filter.cond_where(expr);
        filter
    }
}
