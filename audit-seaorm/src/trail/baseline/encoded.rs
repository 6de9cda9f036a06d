use std::collections::{HashMap, HashSet};

use audit_core::{AuditEntry, FailurePolicy, Operation, Stamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, FromQueryResult,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, sea_query::SelectStatement,
};

use super::{
    chunk::Lot,
    place::{self, Range},
    plan::Plan,
};
use crate::{
    Auditable,
    entity::{Column, Entity},
    error::AuditError,
    found::Facts,
    record,
    stored::Reader,
    writer::store_all,
};

/// How many ids one statement names.
const MAX_IDS: usize = 512;

/// Writes the locked rows of a range as the encoder encodes them, and tells how many were.
pub(super) async fn insert<E: Auditable>(
    txn: &DatabaseTransaction,
    plan: &Plan,
    lot: &Lot,
    mut wanted: HashSet<String>,
    facts: &Facts,
) -> Result<u64, DbErr> {
    if !lot.all {
        wanted = unknown(txn, &plan.table, wanted).await?;
    }
    let group = Stamp::next().id;
    let mut entries: Vec<AuditEntry> = Vec::with_capacity(wanted.len());
    for row in txn.query_all(&rows::<E>(plan, &lot.range)).await? {
        let record_id = place::record_id::<E>(&row)?;
        if !wanted.contains(&record_id) {
            continue;
        }
        let Ok(model) = E::Model::from_query_result(&row, "") else {
            let table = plan.table.clone();
            return Err(AuditError::RowUnreadable { table, record_id }.into());
        };
        entries.push(plan.entry(record_id, record::image::<E>(&model)?, group, facts.stamp())?);
    }
    let written = entries.len() as u64;
    store_all(txn, FailurePolicy::FailWrite, entries).await?;
    Ok(written)
}

/// All columns of the rows, with what their places are read from.
fn rows<E: Auditable>(plan: &Plan, range: &Range) -> SelectStatement {
    let mut rows = place::keys::<E>(plan.backend);
    place::add_columns::<E>(&mut rows);
    rows.cond_where(range.condition::<E>(plan.backend));
    rows
}

/// Those of the records whose last entry that begins or ends a life does not begin one.
pub(super) async fn unknown<C: ConnectionTrait>(
    db: &C,
    table: &str,
    record_ids: HashSet<String>,
) -> Result<HashSet<String>, DbErr> {
    let ids: Vec<_> = record_ids.iter().collect();
    let mut last: HashMap<String, Operation> = HashMap::new();
    for ids in ids.chunks(MAX_IDS) {
        let entries = Entity::find()
            .select_only()
            .columns([Column::RecordId, Column::Operation])
            .filter(Column::TableName.eq(table))
            .filter(Column::RecordId.is_in(ids.iter().map(|id| id.as_str())))
            .filter(Column::Operation.ne(Operation::Update.as_str()))
            .order_by_asc(Column::RecordId)
            .order_by_asc(Column::Timestamp)
            .order_by_asc(Column::Id);
        for row in db.query_all(&entries.into_query()).await? {
            let mut row = Reader::new(&row, db.get_database_backend());
            match row.operation() {
                Operation::Unknown => {}
                operation => drop(last.insert(row.name(Column::RecordId), operation)),
            }
        }
    }
    let begun = |id: &String| last.get(id).is_some_and(|last| *last != Operation::Delete);
    Ok(record_ids.into_iter().filter(|id| !begun(id)).collect())
}
