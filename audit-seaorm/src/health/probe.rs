use audit_core::{AuditEntry, Operation, Stamp};
use sea_orm::{
    DatabaseConnection, DbErr, EntityTrait, SqliteTransactionMode, TransactionOptions,
    prelude::DateTimeUtc,
};

use crate::{
    engine::{PoolId, require_transactions},
    entity::{Entity, TABLE},
    own_transaction::OwnTransaction,
    registry::TableName,
    trail::newest_time,
    writer,
};

/// Stores an entry that nobody sees, as every write does, and takes it back.
pub(super) async fn store_and_take_back(db: &DatabaseConnection) -> Result<(), DbErr> {
    let trail = TableName { schema: None, table: TABLE.to_owned() };
    // It would not be taken back.
    require_transactions(db, &PoolId::of(db), trail).await?;
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let txn = OwnTransaction::on(db, options).await?;
    let stored = writer::store(&*txn, entry()).await;
    txn.roll_back().await?;
    stored
}

fn entry() -> AuditEntry {
    let Stamp { id, at } = Stamp::next();
    AuditEntry {
        id,
        table_name: TABLE.to_owned(),
        record_id: "health".to_owned(),
        operation: Operation::Create,
        old_values: None,
        new_values: None,
        user_id: None,
        user_email: None,
        request_id: None,
        transaction_id: None,
        reason: None,
        metadata: None,
        timestamp: at,
        unreadable: None,
    }
}

pub(super) async fn newest_entry(db: &DatabaseConnection) -> Result<Option<DateTimeUtc>, DbErr> {
    newest_time(db, Entity::find()).await
}
