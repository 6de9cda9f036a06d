use sea_orm::{
    ConnectionTrait, DbBackend, DbErr,
    sea_query::{Expr, Query},
};

use crate::{
    database_error::{DatabaseError, Kind},
    error::AuditError,
};

/// Has the first error that a newcomer meets say what to do. All others stay as the database gave them,
/// so that code which retries a deadlock or a serialization failure still knows one.
pub(crate) async fn explained<T>(
    db: &impl ConnectionTrait,
    outcome: Result<T, DbErr>,
) -> Result<T, DbErr> {
    match outcome {
        Ok(value) => Ok(value),
        Err(error) => Err(explanation(db, error).await),
    }
}

/// See [`explained`].
pub(crate) async fn explanation(db: &impl ConnectionTrait, error: DbErr) -> DbErr {
    if is_missing(db, &error).await { AuditError::TableMissing(error).into() } else { error }
}

/// The table that a statement misses may be another one, which a trigger writes. And `SQLite` has no code of its own for
/// a missing table. So the database is asked; `PostgreSQL` does not answer in a transaction that has failed.
async fn is_missing(db: &impl ConnectionTrait, error: &DbErr) -> bool {
    let backend = db.get_database_backend();
    match DatabaseError::of(error).map(|error| error.kind) {
        Some(Kind::NoSuchTable) => !is_there(db).await.unwrap_or(false),
        Some(Kind::Other) if backend == DbBackend::Sqlite => !is_there(db).await.unwrap_or(true),
        _ => false,
    }
}

async fn is_there(db: &impl ConnectionTrait) -> Option<bool> {
    let tables = match db.get_database_backend() {
        DbBackend::Postgres => "(SELECT count(to_regclass('audit_trail')))",
        DbBackend::Sqlite => "(SELECT count(*) FROM pragma_table_info('audit_trail'))",
        _ => {
            "(SELECT count(*) FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = 'audit_trail')"
        }
    };
    let row = db.query_one(&Query::select().expr(Expr::cust(tables)).take()).await.ok()??;
    row.try_get_by_index(0).ok().map(|tables: i64| tables > 0)
}
