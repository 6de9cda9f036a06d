use audit_core::{AuditConfig, ConfigError, Retention};
use sea_orm::{DatabaseConnection, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::rules::{of_table, storable};
use crate::{
    entity::{Column, Entity},
    error::AuditError,
    trail::first_rows,
};

/// Refuses a rule for a table that neither the program nor the trail has: the table that was meant would not be held.
pub(in crate::upkeep) async fn check(
    db: &DatabaseConnection,
    retention: &Retention,
) -> Result<(), DbErr> {
    let config = AuditConfig::clone(&AuditConfig::current()).retention(retention.clone());
    for error in config.unknown_tables() {
        let in_trail = match &error {
            ConfigError::UnknownTable { table, .. } => has_entries(db, table).await?,
            _ => false,
        };
        if !in_trail {
            return Err(AuditError::from(error).into());
        }
    }
    Ok(())
}

async fn has_entries(db: &DatabaseConnection, table: &str) -> Result<bool, DbErr> {
    if !storable(&table) {
        return Ok(false);
    }
    let entries = Entity::find().select_only().column(Column::Id).filter(of_table(table));
    Ok(!first_rows(db, entries, 1).await?.is_empty())
}
