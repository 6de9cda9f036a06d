use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// The way into a trail that the migration `append_only` closes: a row in `audit_trail_upkeep`, which nobody else sees
/// while the transaction lasts.
#[derive(Clone)]
pub(super) struct Door {
    /// As a statement names it; none if the trail is not closed.
    table: Option<String>,
}

impl Door {
    pub(super) async fn find<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        let backend = db.get_database_backend();
        let found = db.query_one_raw(Statement::from_string(backend, search(backend))).await?;
        let table = found.map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(Self { table })
    }

    pub(super) async fn open<C: ConnectionTrait>(&self, txn: &C) -> Result<(), DbErr> {
        self.say(txn, "INSERT INTO", "(opened_at) VALUES (CURRENT_TIMESTAMP)").await
    }

    pub(super) async fn close<C: ConnectionTrait>(&self, txn: &C) -> Result<(), DbErr> {
        self.say(txn, "DELETE FROM", "").await
    }

    async fn say<C: ConnectionTrait>(&self, txn: &C, what: &str, how: &str) -> Result<(), DbErr> {
        if let Some(table) = &self.table {
            txn.execute_unprepared(&format!("{what} {table} {how}")).await?;
        }
        Ok(())
    }
}

/// On `PostgreSQL` the trigger of the trail tells of it, and the schema is the trail's: another table of that name may be
/// anybody's, and have triggers that upkeep would run.
const fn search(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => {
            "SELECT 'main.' || name FROM sqlite_master WHERE name = 'audit_trail_upkeep'"
        }
        DbBackend::MySql => {
            "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = 'audit_trail_upkeep'"
        }
        _ => {
            "SELECT pg_catalog.quote_ident(nspname) || '.audit_trail_upkeep' \
             FROM pg_catalog.pg_class trail JOIN pg_catalog.pg_namespace home ON home.oid = relnamespace \
             JOIN pg_catalog.pg_trigger ON tgrelid = trail.oid \
             WHERE trail.oid = to_regclass('audit_trail')::oid AND tgname = 'audit_trail_no_change'"
        }
    }
}
