use audit_core::Operation;
use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Alias, Condition, Expr, ExprTrait, Query},
};

use crate::{
    entity::{Column, Entity},
    search_path,
    trail::{first_rows::first_rows, verify::last_baseline},
};

/// Whether there is a record that was older than the trail and was deleted later than the last baseline of its table,
/// as when a writer is faster than the baseline at the very end.
pub(super) async fn is_needed(db: &DatabaseConnection, table: &str) -> Result<bool, DbErr> {
    let last = last_baseline(db, table).await?;
    let later =
        last.map(|at| Column::Timestamp.gt(crate::entity::moment(db.get_database_backend(), at)));
    let begin = Alias::new("begin");
    let of_begin = |column: Column| Expr::col((begin.clone(), column));
    let of_entry = |column: Column| Expr::col((Entity, column));
    let lives = Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, begin.clone())
        .and_where(of_begin(Column::TableName).eq(of_entry(Column::TableName)))
        .and_where(of_begin(Column::RecordId).eq(of_entry(Column::RecordId)))
        .and_where(of_begin(Column::Timestamp).lte(of_entry(Column::Timestamp)))
        .and_where(
            of_begin(Column::Operation)
                .is_in([Operation::Create.as_str(), Operation::Baseline.as_str()]),
        )
        .take();
    let groundless = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Operation.eq(Operation::Delete.as_str()))
        .filter(search_path::is_table(db.get_database_backend(), table))
        .filter(Condition::all().add_option(later))
        .filter(Expr::exists(lives).not());
    Ok(!first_rows(db, groundless, 1).await?.is_empty())
}
