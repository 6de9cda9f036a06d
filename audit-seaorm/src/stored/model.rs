use audit_core::AuditEntry;

use super::reader::unreadable_of;
use crate::entity::{Column, Model};

/// What cannot be read of it, such as an operation that is none, is told by [`AuditEntry::unreadable`].
impl From<Model> for AuditEntry {
    fn from(row: Model) -> Self {
        let json = [
            (Column::OldValues, row.old_values.as_ref()),
            (Column::NewValues, row.new_values.as_ref()),
            (Column::Metadata, row.metadata.as_ref()),
        ];
        let (operation, unreadable) = unreadable_of(&row.operation, json);
        Self {
            id: row.id,
            table_name: row.table_name,
            record_id: row.record_id,
            operation,
            old_values: row.old_values.filter(|json| !json.is_null()),
            new_values: row.new_values.filter(|json| !json.is_null()),
            user_id: row.user_id,
            user_email: row.user_email,
            request_id: row.request_id,
            transaction_id: row.transaction_id,
            reason: row.reason,
            metadata: row.metadata.filter(|json| !json.is_null()),
            timestamp: row.timestamp,
            unreadable,
        }
    }
}
