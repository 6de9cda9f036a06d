use sea_orm_migration::{
    prelude::*,
    sea_query::{ColumnDef, Table},
};

/// Creates the table `audit_trail_schedule`, by which the instances of an application agree on who does upkeep, and when
/// it was done. Moments are milliseconds since 1970, UTC, by the clock of the database.
#[derive(Clone, Copy, Debug)]
pub struct CreateSchedule;

impl MigrationName for CreateSchedule {
    fn name(&self) -> &'static str {
        "m20261126_000002_create_schedule"
    }
}

#[derive(DeriveIden)]
enum AuditTrailSchedule {
    Table,
    Task,
    Holder,
    LeasedUntil,
    RanAt,
}

#[async_trait::async_trait]
impl MigrationTrait for CreateSchedule {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new;
        let table = Table::create()
            .table(AuditTrailSchedule::Table)
            .if_not_exists()
            .col(column(AuditTrailSchedule::Task).string_len(64).not_null().primary_key())
            .col(column(AuditTrailSchedule::Holder).string_len(36))
            .col(column(AuditTrailSchedule::LeasedUntil).big_integer())
            .col(column(AuditTrailSchedule::RanAt).big_integer())
            .take();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(AuditTrailSchedule::Table).take()).await
    }
}
