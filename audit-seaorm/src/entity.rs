//! The table of the trail as a `SeaORM` entity, for queries of your own.
//!
//! Write to it through [`AuditTrail::record`](crate::AuditTrail::record) alone. It cannot be audited
//! itself: it does not implement [`Auditable`](crate::Auditable), and nobody else can implement that.

use audit_core::AuditEntry;
use sea_orm::{DbBackend, IntoActiveModel, Value, entity::prelude::*};

/// The name of the table.
pub const TABLE: &str = "audit_trail";

/// A row of the trail; [`AuditEntry`] is the same with its operation read. It is what is stored: columns that were recorded
/// before they were redacted are in the clear, see [`AuditQuery::as_stored`](crate::AuditQuery::as_stored).
///
/// `SeaORM` gives up a whole query for one row that does not fit these types, as somebody may have stored it past the
/// migration's constraints, and on `PostgreSQL` a time that is infinite or after the year 262142 makes `SQLx` panic.
/// [`AuditQuery`](crate::AuditQuery) reads such a row as an entry with [`AuditEntry::unreadable`].
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_trail")]
pub struct Model {
    /// See [`AuditEntry::id`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// See [`AuditEntry::table_name`].
    pub table_name: String,
    /// See [`AuditEntry::record_id`].
    pub record_id: String,
    /// See [`AuditEntry::operation`].
    pub operation: String,
    /// See [`AuditEntry::old_values`].
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub old_values: Option<Json>,
    /// See [`AuditEntry::new_values`].
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub new_values: Option<Json>,
    /// See [`AuditEntry::user_id`].
    pub user_id: Option<String>,
    /// See [`AuditEntry::user_email`].
    pub user_email: Option<String>,
    /// See [`AuditEntry::request_id`].
    pub request_id: Option<String>,
    /// See [`AuditEntry::transaction_id`].
    pub transaction_id: Option<Uuid>,
    /// See [`AuditEntry::reason`].
    pub reason: Option<String>,
    /// See [`AuditEntry::metadata`].
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub metadata: Option<Json>,
    /// See [`AuditEntry::timestamp`]. On `SQLite` it is a text of one form, `2026-03-01T09:30:00.000000+00:00`, and conditions
    /// compare texts: [`AuditQuery`](crate::AuditQuery) asks in that form, where `SQLx` would leave out digits that are zero.
    pub timestamp: DateTimeUtc,
}

/// The trail stands alone: records may be gone, and their tables too.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<AuditEntry> for Model {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            table_name: entry.table_name,
            record_id: entry.record_id,
            operation: entry.operation.as_str().to_owned(),
            old_values: entry.old_values,
            new_values: entry.new_values,
            user_id: entry.user_id,
            user_email: entry.user_email,
            request_id: entry.request_id,
            transaction_id: entry.transaction_id,
            reason: entry.reason,
            metadata: entry.metadata,
            timestamp: entry.timestamp,
        }
    }
}

impl From<AuditEntry> for ActiveModel {
    fn from(entry: AuditEntry) -> Self {
        Model::from(entry).into_active_model().reset_all()
    }
}

/// A moment as the table has it. `MariaDB` takes one that has a time zone for a `TIMESTAMP`, which ends in 2038,
/// though the column does not. `SQLite` compares texts, so they have one form.
pub(crate) fn moment(backend: DbBackend, at: DateTimeUtc) -> Value {
    match backend {
        DbBackend::MySql => at.naive_utc().into(),
        DbBackend::Sqlite => sqlite_text(at).into(),
        _ => at.into(),
    }
}

/// The one form that a time has on `SQLite`: `2026-03-01T09:30:00.000000+00:00`. `SQLx` itself would write as many digits
/// as the moment has.
pub(crate) fn sqlite_text(at: DateTimeUtc) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}
