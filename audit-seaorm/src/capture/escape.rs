use audit_core::{Escape, Operation};

use crate::{
    AuditCounters, Auditable,
    error::{AuditError, Place},
    writer::Recorder,
};

/// A write that cannot be recorded truly: refuses it, or lets it through and says so.
pub(super) fn escaped<E: Auditable>(
    recorder: &Recorder<E>,
    operation: Operation,
    place: Place,
) -> Result<(), AuditError> {
    AuditCounters::count_escaped();
    let table = recorder.table();
    match recorder.config().escape() {
        Escape::Allow => Ok(()),
        Escape::Warn => {
            tracing::warn!(table, %operation, %place, "audited write outside of a transaction");
            Ok(())
        }
        _ => Err(AuditError::Escaped { operation, table: table.to_owned(), place }),
    }
}
