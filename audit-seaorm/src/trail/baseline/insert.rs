use std::collections::HashSet;

use audit_core::{AuditEntry, Image, MAX_RECORD_ID_CHARS, Stamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, IdenStatic,
    Iterable, QueryFilter, QuerySelect, QueryTrait, Value,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Alias, Expr, InsertStatement, Query, SelectStatement},
};

use super::{chunk::Lot, place::ROW, plan::Plan, sql::Forms};
use crate::{
    Auditable,
    entity::{self, Column, Entity, TABLE},
    found::Facts,
    stored::sqlite_is_followed,
    writer::AuditCounters,
};

/// Writes the locked rows of a range by one statement, and tells how many of them were.
///
/// What it has written is held against the locks: a row that came into the range meanwhile has none, and an id that the
/// database writes in another way than `record::id_of` is no id. None if there is such a row: what was written has to be
/// taken back.
pub(super) async fn insert<E: Auditable>(
    txn: &DatabaseTransaction,
    plan: &Plan,
    forms: &Forms,
    lot: &Lot,
    locked: &HashSet<String>,
    facts: &Facts,
) -> Result<Option<u64>, DbErr> {
    if plan.backend == DbBackend::Postgres {
        // Fewer digits would not be the number.
        txn.execute_unprepared("SET LOCAL extra_float_digits = 1").await?;
    }
    // SQLite has no limit of its own.
    for record_id in locked.iter().filter(|record_id| record_id.len() > MAX_RECORD_ID_CHARS) {
        plan.entry(record_id.clone(), Image::new(), Uuid::nil(), Stamp::next())?;
    }
    let rows = rows::<E>(plan, forms, lot, locked);
    let stamp = match last_moment(txn, plan, forms, rows.clone()).await? {
        Some(last) => facts.stamp().after(last),
        None => facts.stamp(),
    };
    let like = plan.entry(String::new(), Image::new(), Stamp::next().id, stamp)?;
    let insert = statement(plan, forms, rows, &like)?;
    let written = txn.execute(&insert).await?.rows_affected();
    for record_id in written_ids(txn, &like).await? {
        if !locked.contains(&record_id) {
            return Ok(None);
        }
    }
    AuditCounters::count_written(usize::try_from(written).unwrap_or(usize::MAX));
    Ok(Some(written))
}

/// The rows to write entries of, with no columns yet.
fn rows<E: Auditable>(
    plan: &Plan,
    forms: &Forms,
    lot: &Lot,
    locked: &HashSet<String>,
) -> SelectStatement {
    let mut rows = Query::select();
    rows.from_as(E::default().table_ref(), Alias::new(ROW));
    rows.cond_where(lot.range.condition::<E>(plan.backend));
    for busy in lot.busy(locked) {
        rows.cond_where(busy.condition::<E>().not());
    }
    if !lot.all {
        rows.and_where(forms.is_unknown(&plan.table));
    }
    rows
}

/// The last moment that the trail has of these records, where the database has no clock of its own.
async fn last_moment(
    txn: &DatabaseTransaction,
    plan: &Plan,
    forms: &Forms,
    mut rows: SelectStatement,
) -> Result<Option<DateTimeUtc>, DbErr> {
    if plan.backend != DbBackend::Sqlite {
        return Ok(None);
    }
    let last = format!(
        "MAX((SELECT a.timestamp FROM {TABLE} a WHERE a.table_name = ? AND a.record_id = ? AND {} \
         ORDER BY a.timestamp DESC LIMIT 1))",
        sqlite_is_followed("a")
    );
    let record = [Expr::val(plan.table.clone()), Expr::cust(forms.record_id.clone())];
    rows.expr_as(Expr::cust_with_exprs(last, record), "at");
    let row = txn.query_one(&rows).await?;
    Ok(row.and_then(|row| row.try_get("", "at").ok()).flatten())
}

fn statement(
    plan: &Plan,
    forms: &Forms,
    mut rows: SelectStatement,
    like: &AuditEntry,
) -> Result<InsertStatement, DbErr> {
    rows.exprs(Column::iter().map(|column| value(plan, forms, like, column)));
    let mut insert = Query::insert();
    insert.into_table(Entity).columns(Column::iter());
    insert.select_from(rows).map_err(|error| DbErr::Type(error.to_string()))?;
    Ok(insert)
}

/// A column of the entries.
fn value(plan: &Plan, forms: &Forms, like: &AuditEntry, column: Column) -> Expr {
    let text = |text: &Option<String>| Expr::val(text.clone());
    match column {
        Column::Id => Expr::cust(forms.id(like.id)),
        Column::TableName => Expr::val(like.table_name.clone()),
        Column::RecordId => Expr::cust(forms.record_id.clone()),
        Column::Operation => Expr::val(like.operation.as_str()),
        Column::OldValues => Expr::val(Value::Json(None)),
        Column::NewValues => Expr::cust(forms.image.clone()),
        Column::UserId => text(&like.user_id),
        Column::UserEmail => text(&like.user_email),
        Column::RequestId => text(&like.request_id),
        Column::TransactionId => Expr::val(like.transaction_id),
        Column::Reason => text(&like.reason),
        Column::Metadata => Expr::val(like.metadata.clone()),
        Column::Timestamp => Expr::val(entity::moment(plan.backend, like.timestamp)),
    }
}

/// By their time, which is an index, and their group.
async fn written_ids(txn: &DatabaseTransaction, like: &AuditEntry) -> Result<Vec<String>, DbErr> {
    let group: Option<Uuid> = like.transaction_id;
    let at = entity::moment(txn.get_database_backend(), like.timestamp);
    let written = Entity::find()
        .select_only()
        .column(Column::RecordId)
        .filter(Column::Timestamp.eq(at))
        .filter(Column::TransactionId.eq(group));
    let rows = txn.query_all(&written.into_query()).await?;
    rows.iter().map(|row| row.try_get("", Column::RecordId.as_str())).collect()
}
