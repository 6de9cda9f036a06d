use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// The way into a trail that the migration `append_only` closes: a row in `audit_trail_upkeep`, which nobody else sees
/// while the transaction lasts.
#[derive(Clone, Copy)]
pub(super) struct Door {
    closed: bool,
}

impl Door {
    pub(super) async fn find<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        let backend = db.get_database_backend();
        let sql = match backend {
            DbBackend::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'audit_trail_upkeep'",
            DbBackend::MySql => {
                "SELECT 1 FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name = 'audit_trail_upkeep'"
            }
            _ => "SELECT 1 WHERE to_regclass('audit_trail_upkeep') IS NOT NULL",
        };
        let found = db.query_one_raw(Statement::from_string(backend, sql)).await?;
        Ok(Self { closed: found.is_some() })
    }

    pub(super) async fn open<C: ConnectionTrait>(self, txn: &C) -> Result<(), DbErr> {
        let sql = "INSERT INTO audit_trail_upkeep (opened_at) VALUES (CURRENT_TIMESTAMP)";
        self.say(txn, sql).await
    }

    pub(super) async fn close<C: ConnectionTrait>(self, txn: &C) -> Result<(), DbErr> {
        self.say(txn, "DELETE FROM audit_trail_upkeep").await
    }

    async fn say<C: ConnectionTrait>(self, txn: &C, sql: &str) -> Result<(), DbErr> {
        if self.closed {
            txn.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
