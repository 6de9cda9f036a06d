use audit_core::Limits;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, IdenStatic, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, sea_query::ExprTrait,
};

use super::Rules;
use crate::{
    entity::{Column, Entity},
    stored::Stored,
};

/// The tables that have entries and such a limit, each found by one step in the index.
pub(super) async fn with<T>(
    db: &DatabaseConnection,
    rules: &Rules,
    limit: impl Fn(Limits) -> Option<T>,
) -> Result<Vec<(String, T)>, DbErr> {
    let mut tables = Vec::new();
    let own = rules.retention.tables().any(|(_, limits)| limit(limits).is_some());
    if !own && limit(rules.retention.limits_of_all()).is_none() {
        return Ok(tables);
    }
    let mut last = Stored::Text(String::new());
    loop {
        let next = Entity::find()
            .select_only()
            .column(Column::TableName)
            .filter(Column::TableName.into_expr().gt(last.expr()))
            .order_by_asc(Column::TableName)
            .limit(1);
        let Some(row) = db.query_one(&next.into_query()).await? else { return Ok(tables) };
        let Some(next) = Stored::read(&row, Column::TableName.as_str()) else { return Ok(tables) };
        // No rule names what is no text.
        if let Stored::Text(table) = &next
            && let Some(limit) = limit(rules.retention.limits(table))
        {
            tables.push((table.clone(), limit));
        }
        last = next;
    }
}
