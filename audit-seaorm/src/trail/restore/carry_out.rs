use audit_core::{Image, Operation};
use sea_orm::DbErr;

use super::{
    examine::Examined,
    gather::{Undo, Undoing},
    span::value,
};
use crate::AuditTransaction;

/// Writes what was planned, step by step.
pub(super) async fn carry_out(
    txn: &AuditTransaction,
    undoing: &Undoing,
    examined: &[Examined],
) -> Result<(), DbErr> {
    let mut rows: Vec<_> = examined.iter().map(|record| record.now.clone()).collect();
    for step in &undoing.steps {
        let (undo, examined) = (&undoing.records[step.record], &examined[step.record]);
        let row = &mut rows[step.record];
        *row = undone(txn, undo, examined, row.take(), step.then.as_ref()).await?;
    }
    Ok(())
}

/// Makes of a row what it was ahead of a step, and gives it back as it is then.
async fn undone(
    txn: &AuditTransaction,
    undo: &Undo,
    examined: &Examined,
    row: Option<Image>,
    then: Option<&Image>,
) -> Result<Option<Image>, DbErr> {
    let Some(plan) = &examined.plan else { return Ok(row) };
    match (row, then, plan.operation) {
        (Some(mut row), Some(then), _) => {
            let columns = undo.table.columns();
            let planned = plan.fields.iter().map(|field| &field.column);
            let planned = planned.filter(|column| !examined.exceptions.is_left_out(column));
            let changed: Image = planned
                .filter_map(|column| Some((column, then.get(column)?)))
                .filter(|(column, then)| {
                    !columns.same(column, value(Some(&row), column), Some(then))
                })
                .map(|(column, then)| (column.clone(), then.clone()))
                .collect();
            if !changed.is_empty() {
                undo.table.update(txn, &undo.record_id, changed.clone()).await?;
            }
            row.extend(changed);
            Ok(Some(row))
        }
        (Some(_), None, Operation::Delete) => {
            undo.table.delete(txn, &undo.record_id).await?;
            Ok(None)
        }
        (None, Some(then), Operation::Create) => {
            let mut whole = examined.rest.clone();
            whole.extend(then.clone());
            let ends = [&undo.ends.since, &undo.ends.then].into_iter().flatten();
            let known: Vec<_> = ends.chain([&examined.rest]).collect();
            let whole = examined.exceptions.of_new(whole, &known);
            let overriding = examined.exceptions.override_an_identity(&whole);
            undo.table.insert(txn, whole.clone(), overriding).await?;
            Ok(Some(whole))
        }
        // A record that is to be there in the end is not deleted on the way, and the other way round.
        (row, ..) => Ok(row),
    }
}
