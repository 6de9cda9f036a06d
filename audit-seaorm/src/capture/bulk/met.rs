//! An upsert of `MariaDB` that tells whether it has met a row that was there, by a variable of its session.

use sea_orm::{
    DbBackend, DbErr, EntityTrait, QueryResult, Statement,
    sea_query::{Expr, Func, OnConflict},
};

use super::Rows;
use crate::{capture::returning, found::Found, record};

pub(super) const RESET: &str = "SET @audit_met = NULL";
/// A constant instead of LENGTH would be folded, and nothing assigned.
const SET: &str = "LENGTH(@audit_met := 1)";
/// RETURNING is evaluated row by row: the last one tells of all.
const TOLD: &str = ", CAST(@audit_met IS NOT NULL AS SIGNED) AS audit_met";

/// The statement, with an assignment more for the rows that it meets, which leaves the key as it is.
pub(super) fn attempt<E: EntityTrait>(
    rows: &Rows<E>,
    on_conflict: &OnConflict,
    does_nothing: bool,
) -> Statement {
    let mut marked = if does_nothing { OnConflict::new() } else { on_conflict.clone() };
    if let Some(key) = record::key_columns::<E>().next() {
        let key_itself = [Expr::cust(SET), Expr::col(key), Expr::col(key)];
        marked.value(key, Func::cust("IF").args(key_itself));
    }
    let mut statement = returning::insert::<E>(DbBackend::MySql, rows.insert(Some(&marked)));
    statement.sql.push_str(TOLD);
    statement
}

/// The rows as they are now, and whether one of them was there.
pub(super) fn answer<E: EntityTrait>(rows: &[QueryResult]) -> Result<(Vec<Found<E>>, bool), DbErr> {
    let met = rows.last().map(|row| row.try_get::<i64>("", "audit_met")).transpose()?;
    Ok((returning::found::<E>(rows, DbBackend::MySql)?, met.is_some_and(|met| met != 0)))
}
