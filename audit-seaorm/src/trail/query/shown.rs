//! What is shown to nobody is told by no search either.

use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, ExprTrait, LikeExpr, SimpleExpr},
};

use super::{AuditQuery, filter::Filter};
use crate::{entity::Column, redaction};

impl AuditQuery {
    /// Where a value is searched for: that the entry is of no table that hides the column.
    pub(super) fn only_what_is_shown(&self) -> impl Iterator<Item = SimpleExpr> {
        let searched = self.filters.iter().filter_map(Filter::value_column);
        searched.filter(|_| !self.as_stored).map(|column| match self.demanded_table() {
            Some(table) => Expr::val(1).eq(i32::from(!redaction::hides(table, column))),
            None => of_no_table(redaction::tables_that_hide(column)),
        })
    }
}

/// In whichever schema the connection found it, too.
fn of_no_table(tables: Vec<String>) -> SimpleExpr {
    tables.into_iter().fold(Expr::val(1).eq(1), |shown, table| {
        let elsewhere = LikeExpr::new(format!("%.{}", escaped(&table))).escape('!');
        shown.and(Column::TableName.ne(table)).and(Column::TableName.not_like(elsewhere))
    })
}

/// For a pattern with `!` before what is none.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
