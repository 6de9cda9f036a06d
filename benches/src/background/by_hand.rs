use audit_core::AuditEntry;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, Value, Values};

use super::BATCH;
use crate::Result;

const COLUMNS: [&str; 13] = [
    "id",
    "table_name",
    "record_id",
    "operation",
    "old_values",
    "new_values",
    "user_id",
    "user_email",
    "request_id",
    "transaction_id",
    "reason",
    "metadata",
    "timestamp",
];

/// Entries into the trail as one would write it without the library: a statement of many rows, its text made
/// once, each statement committing by itself.
pub(super) async fn insert(db: &DatabaseConnection, entries: Vec<AuditEntry>) -> Result<()> {
    let backend = db.get_database_backend();
    let full = sql(backend, BATCH);
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let values: Vec<_> = entries.by_ref().take(BATCH).flat_map(|it| row(backend, it)).collect();
        let rows = values.len() / COLUMNS.len();
        let sql = if rows == BATCH { full.clone() } else { sql(backend, rows) };
        let values = Some(Values(values));
        db.execute_raw(Statement { sql, values, db_backend: backend }).await?;
    }
    Ok(())
}

fn sql(backend: DbBackend, rows: usize) -> String {
    let place = |number: usize| match backend {
        DbBackend::Postgres => format!("${number}"),
        _ => "?".to_owned(),
    };
    let row = |row: usize| {
        let places = (1..=COLUMNS.len()).map(|column| place(row * COLUMNS.len() + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<_> = (0..rows).map(row).collect();
    format!("INSERT INTO audit_trail ({}) VALUES {}", COLUMNS.join(", "), rows.join(", "))
}

fn row(backend: DbBackend, entry: AuditEntry) -> [Value; 13] {
    [
        entry.id.into(),
        entry.table_name.into(),
        entry.record_id.into(),
        entry.operation.as_str().into(),
        entry.old_values.into(),
        entry.new_values.into(),
        entry.user_id.into(),
        entry.user_email.into(),
        entry.request_id.into(),
        entry.transaction_id.into(),
        entry.reason.into(),
        entry.metadata.into(),
        match backend {
            // A moment with a time zone is a TIMESTAMP there, which the column is not.
            DbBackend::MySql => entry.timestamp.naive_utc().into(),
            _ => entry.timestamp.into(),
        },
    ]
}
