//! Damaging a trail, as nobody should be able to without being found.

use audit_seaorm::{AuditEntry, entity};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, EntityTrait, IntoActiveModel,
};
use serde_json::Value as Json;

use crate::support::entries;

/// The entries of one record, oldest first.
pub(crate) async fn history(
    db: &impl ConnectionTrait,
    table: &str,
    record_id: &str,
) -> Vec<AuditEntry> {
    let mut history = entries(db).await;
    history.retain(|entry| entry.table_name == table && entry.record_id == record_id);
    history
}

pub(crate) async fn rewrite(
    db: &impl ConnectionTrait,
    entry: AuditEntry,
    change: impl FnOnce(&mut entity::Model),
) {
    let mut row = entity::Model::from(entry);
    change(&mut row);
    row.into_active_model().reset_all().update(db).await.unwrap();
}

pub(crate) async fn remove(db: &impl ConnectionTrait, entry: AuditEntry) {
    entity::Entity::delete_by_id(entry.id).exec(db).await.unwrap();
}

pub(crate) async fn exchange_times(db: &impl ConnectionTrait, [one, other]: [AuditEntry; 2]) {
    for (id, time) in [(one.id, other.timestamp), (other.id, one.timestamp)] {
        let row = entity::ActiveModel { id: Set(id), timestamp: Set(time), ..Default::default() };
        row.update(db).await.unwrap();
    }
}

pub(crate) fn set(side: &mut Option<Json>, column: &str, value: impl Into<Json>) {
    side.as_mut().unwrap()[column] = value.into();
}
