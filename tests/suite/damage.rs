//! Damaging a trail, as nobody should be able to without being found.

use audit_seaorm::{AuditEntry, entity};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel,
    QueryFilter,
    prelude::{DateTimeUtc, Uuid},
    sea_query::Expr,
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
    let (id, at) = (row.id, row.timestamp);
    let mut row = row.into_active_model().reset_all();
    row.timestamp.take();
    row.update(db).await.unwrap();
    set_time(db, id, at).await;
}

/// In the form of the trail, which `SeaORM` does not write on `SQLite`.
async fn set_time(db: &impl ConnectionTrait, id: Uuid, at: DateTimeUtc) {
    let at = match db.get_database_backend() {
        DbBackend::Sqlite => Expr::val(at.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()),
        _ => Expr::val(at),
    };
    let update = entity::Entity::update_many().filter(entity::Column::Id.eq(id));
    update.col_expr(entity::Column::Timestamp, at).exec(db).await.unwrap();
}

pub(crate) async fn remove(db: &impl ConnectionTrait, entry: AuditEntry) {
    entity::Entity::delete_by_id(entry.id).exec(db).await.unwrap();
}

pub(crate) async fn exchange_times(db: &impl ConnectionTrait, [one, other]: [AuditEntry; 2]) {
    for (id, time) in [(one.id, other.timestamp), (other.id, one.timestamp)] {
        set_time(db, id, time).await;
    }
}

pub(crate) fn set(side: &mut Option<Json>, column: &str, value: impl Into<Json>) {
    side.as_mut().unwrap()[column] = value.into();
}
