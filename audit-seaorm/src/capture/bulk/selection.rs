use sea_orm::{
    Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Select,
};

use super::keys::{self, Key};
use crate::{
    audited::Filter,
    capture::{before_image::Intent, ground::Ground, returning},
    found::Found,
    measure::{Step, added},
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

    /// Whether a row is in it or not whatever becomes of the others.
    pub(super) fn is_by_row(&self) -> bool {
        let select = E::find().filter(self.condition());
        !has_subquery(&select.build(DbBackend::Postgres).sql["SELECT".len()..])
    }

    /// The first rows in the order of their keys, locked until the transaction ends; all of them without a limit.
    pub(super) async fn locked(
        &self,
        ground: &Ground<'_>,
        intent: Intent,
        limit: Option<u64>,
    ) -> Result<Vec<Found<E>>, DbErr> {
        let rows = E::find().filter(self.condition());
        let rows = key_columns::<E>().fold(rows, QueryOrder::order_by_asc);
        added(Step::Image, locked(rows.limit(limit), ground, intent)).await
    }
}

/// The rows with these keys, locked until the transaction ends.
pub(super) async fn locked_by_key<E: EntityTrait>(
    ground: &Ground<'_>,
    intent: Intent,
    keys: &[Key],
) -> Result<Vec<Found<E>>, DbErr> {
    let backend = ground.db.get_database_backend();
    let mut rows = Vec::with_capacity(keys.len());
    for keys in keys.chunks(keys::MAX_NAMED) {
        rows.extend(
            locked(E::find().filter(keys::among::<E>(keys, backend)), ground, intent).await?,
        );
    }
    Ok(rows)
}

async fn locked<E: EntityTrait>(
    rows: Select<E>,
    ground: &Ground<'_>,
    intent: Intent,
) -> Result<Vec<Found<E>>, DbErr> {
    let lock = intent.lock(ground.db.get_database_backend());
    returning::selected::<E>(ground.db, rows.lock(lock)).await
}

/// Values are bound, so that the word is no part of one; and in a quoted name it is no word.
fn has_subquery(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    let joined = |char: char| char.is_alphanumeric() || char == '_' || char == '"';
    sql.match_indices("select").any(|(at, word)| {
        !sql[..at].ends_with(joined) && !sql[at + word.len()..].starts_with(joined)
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::{
        ColumnTrait,
        sea_query::{Expr, ExprTrait, Func, Query},
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
            assert!(Selection::<Entity>::new(filter(expr.clone())).is_by_row(), "{expr:?}");
        }
        let subquery = Query::select().expr(Expr::val(1)).take();
        let others = [
            Column::Reason.in_subquery(subquery),
            Expr::cust("(SELECT 1)"),
            Expr::cust("(\nselect\t1)"),
        ];
        for expr in others {
            assert!(!Selection::<Entity>::new(filter(expr.clone())).is_by_row(), "{expr:?}");
        }
    }

    fn filter(expr: Expr) -> Filter {
        use sea_orm::sea_query::ConditionalStatement;
        let mut filter = Filter::all();
        filter.cond_where(expr);
        filter
    }
}
