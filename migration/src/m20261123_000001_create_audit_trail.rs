use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, TransactionTrait},
    sea_query::{Check, ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement},
};

use crate::checks::{self, NamedCheck};

/// Creates the table `audit_trail` with its indexes.
#[derive(Clone, Copy, Debug)]
pub struct CreateAuditTrail;

impl MigrationName for CreateAuditTrail {
    fn name(&self) -> &'static str {
        "m20261123_000001_create_audit_trail"
    }
}

#[derive(DeriveIden)]
enum AuditTrail {
    Table,
    Id,
    TableName,
    RecordId,
    Operation,
    OldValues,
    NewValues,
    UserId,
    UserEmail,
    RequestId,
    TransactionId,
    Reason,
    Metadata,
    Timestamp,
}

#[async_trait::async_trait]
impl MigrationTrait for CreateAuditTrail {
    /// Table and indexes come together or not at all: in the transaction that `PostgreSQL`'s
    /// migrations run in anyway, in one of our own on `SQLite`, and as one statement on MySQL, where
    /// every DDL statement commits by itself.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::MySql => {
                let mut table = mysql_table(manager).await?;
                for mut index in indexes() {
                    table.index(&mut index);
                }
                manager.create_table(table).await
            }
            DbBackend::Sqlite => {
                let txn = manager.get_connection().begin().await?;
                create_step_by_step(&SchemaManager::new(&txn)).await?;
                txn.commit().await
            }
            _ => create_step_by_step(manager).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(AuditTrail::Table).take()).await
    }
}

async fn create_step_by_step(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let checks = match manager.get_database_backend() {
        DbBackend::Sqlite => &checks::SQLITE[..],
        _ => &checks::POSTGRES,
    };
    manager.create_table(table(&Types::COMMON, checks)).await?;
    for mut index in indexes() {
        manager.create_index(index.table(AuditTrail::Table).take()).await?;
    }
    Ok(())
}

/// Where the backends' types differ.
struct Types {
    uuid: fn(&mut ColumnDef) -> &mut ColumnDef,
    timestamp: fn(&mut ColumnDef) -> &mut ColumnDef,
    text: fn(&mut ColumnDef) -> &mut ColumnDef,
}

impl Types {
    const COMMON: Self = Self {
        uuid: |column| column.uuid(),
        timestamp: |column| column.timestamp_with_time_zone(),
        text: |column| column.text(),
    };

    /// `DATETIME(6)`: `TIMESTAMP` ends in 2038, and both drop fractions unless told the digits.
    /// `LONGTEXT`: `TEXT` ends at 64 KB.
    const MYSQL: Self = Self {
        uuid: |column| column.binary_len(16),
        timestamp: |column| column.custom("datetime(6)"),
        text: |column| column.custom("longtext"),
    };
}

/// The lengths matter to MariaDB alone, where the index of a record's history must stay below 3072
/// bytes at four bytes a character: a schema, a dot and a table of 64 characters each, 512 for the
/// key, 8 for the time and 16 for the id.
fn table(types: &Types, checks: &[NamedCheck]) -> TableCreateStatement {
    let column = ColumnDef::new;
    let mut table = Table::create()
        .table(AuditTrail::Table)
        .col((types.uuid)(&mut column(AuditTrail::Id)).not_null().primary_key())
        .col(column(AuditTrail::TableName).string_len(129).not_null())
        .col(column(AuditTrail::RecordId).string_len(512).not_null())
        .col(column(AuditTrail::Operation).string_len(16).not_null())
        .col(column(AuditTrail::OldValues).json_binary())
        .col(column(AuditTrail::NewValues).json_binary())
        .col(column(AuditTrail::UserId).string_len(512))
        .col((types.text)(&mut column(AuditTrail::UserEmail)))
        .col((types.text)(&mut column(AuditTrail::RequestId)))
        .col((types.uuid)(&mut column(AuditTrail::TransactionId)))
        .col((types.text)(&mut column(AuditTrail::Reason)))
        .col(column(AuditTrail::Metadata).json_binary())
        .col((types.timestamp)(&mut column(AuditTrail::Timestamp)).not_null())
        .take();
    for (name, condition) in checks {
        table.check(Check::named(*name, Expr::cust(*condition)));
    }
    table
}

const MARIADB_COLLATION: &str = "utf8mb4_nopad_bin";

/// Texts compare byte by byte and to the last blank: two keys that the audited table tells apart are
/// two records of the trail. MariaDB and MySQL have that under different names.
async fn mysql_table(manager: &SchemaManager<'_>) -> Result<TableCreateStatement, DbErr> {
    let mut of_mariadb = Query::select();
    of_mariadb
        .expr(Expr::val(1))
        .from(("information_schema", "COLLATIONS"))
        .and_where(Expr::col("COLLATION_NAME").eq(MARIADB_COLLATION));
    let is_mariadb = manager.get_connection().query_one(&of_mariadb).await?.is_some();
    let collation = if is_mariadb { MARIADB_COLLATION } else { "utf8mb4_0900_bin" };
    // Whatever the server's default is: an engine without transactions cannot keep a change and its entry together.
    Ok(table(&Types::MYSQL, &checks::MYSQL)
        .engine("InnoDB")
        .character_set("utf8mb4")
        .collate(collation)
        .take())
}

/// One for each way of reading that must not slow down as the trail grows. All end with time and
/// id, the order of reading, so that a page needs no sort; none is led by time for a single record.
fn indexes() -> [IndexCreateStatement; 4] {
    let index = |name: &str, columns: &[AuditTrail]| {
        let mut index = Index::create();
        index.name(name);
        for column in columns {
            index.col(column.to_string());
        }
        index.col(AuditTrail::Timestamp).col(AuditTrail::Id).take()
    };
    [
        // The history of one record.
        index("idx_audit_trail_record", &[AuditTrail::TableName, AuditTrail::RecordId]),
        // What one user did.
        index("idx_audit_trail_user", &[AuditTrail::UserId]),
        // The latest activity; a range of time; retention.
        index("idx_audit_trail_time", &[]),
        // The latest deletions among many updates.
        index("idx_audit_trail_operation", &[AuditTrail::Operation]),
    ]
}
