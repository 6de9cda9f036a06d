use sea_orm_migration::{
    IntoSchemaManagerConnection, MigrationTrait, MigratorTrait, async_trait,
    sea_orm::{ConnectionTrait, DatabaseExecutor, DbErr, DynIden, sea_query::IntoIden},
};

const BOOK: &str = "audit_migrations";

/// Runs the migrations of the audit trail alone.
///
/// What has been applied is noted in the table `audit_migrations`, not in `seaql_migrations`: two
/// migrators that share one book each take the other's migrations for lost ones and refuse to run.
/// When the last migration is taken back the book goes too.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        crate::migrations()
    }

    fn migration_table_name() -> DynIden {
        BOOK.into_iden()
    }

    async fn down<'c, C>(db: C, steps: Option<u32>) -> Result<(), DbErr>
    where
        C: IntoSchemaManagerConnection<'c>,
    {
        match db.into_database_executor() {
            DatabaseExecutor::Connection(db) => take_back(db, steps).await,
            DatabaseExecutor::Transaction(db) => take_back(db, steps).await,
            owned @ DatabaseExecutor::OwnedTransaction(_) => Steps::down(owned, steps).await,
        }
    }
}

async fn take_back<'c, D>(db: &'c D, steps: Option<u32>) -> Result<(), DbErr>
where
    D: ConnectionTrait,
    &'c D: IntoSchemaManagerConnection<'c>,
{
    Steps::down(db, steps).await?;
    if Steps::get_applied_migrations(db).await?.is_empty() {
        Steps::uninstall(db).await?;
    }
    Ok(())
}

/// The trait's own `down`, which [`Migrator`] replaces and yet needs.
struct Steps;

impl MigratorTrait for Steps {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        crate::migrations()
    }

    fn migration_table_name() -> DynIden {
        BOOK.into_iden()
    }
}
