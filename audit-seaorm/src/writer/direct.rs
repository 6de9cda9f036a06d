use audit_core::{AuditEntry, MAX_RECORD_ID_CHARS};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait};

use crate::{
    entity::{ActiveModel, Entity, TABLE},
    error::AuditError,
};

/// Stores one entry on the connection that made the change.
pub(super) async fn store<C: ConnectionTrait>(db: &C, entry: AuditEntry) -> Result<(), DbErr> {
    check_user(&entry)?;
    let insert = Entity::insert(ActiveModel::from(entry));
    insert.exec_without_returning(db).await.map_err(explained)?;
    Ok(())
}

fn check_user(entry: &AuditEntry) -> Result<(), AuditError> {
    let chars = entry.user_id.as_ref().map_or(0, |id| id.chars().count());
    if chars > MAX_RECORD_ID_CHARS {
        return Err(AuditError::UserIdTooLong { chars, max: MAX_RECORD_ID_CHARS });
    }
    Ok(())
}

/// The first error that a newcomer meets says what to do. All others stay as the database gave them,
/// so that code which retries a deadlock or a serialization failure still knows one.
fn explained(error: DbErr) -> DbErr {
    let text = error.to_string();
    let missing = ["no such table", "does not exist", "doesn't exist"];
    if text.contains(TABLE) && missing.iter().any(|sign| text.contains(sign)) {
        return AuditError::TableMissing(error).into();
    }
    error
}
