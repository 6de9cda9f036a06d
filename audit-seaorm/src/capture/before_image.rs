use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType, Query, SqliteQueryBuilder, UpdateStatement},
};

use super::{Executor, Target, ground::Ground, returning};
use crate::{
    found::Found,
    measure::{Step, added},
    record,
    sql_text::Kind,
};

/// What will happen to the row, which decides how it is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Intent {
    Update,
    Delete,
}

impl Intent {
    /// The lock that the write itself takes anyway. On `PostgreSQL` that of an UPDATE lets others
    /// insert rows that refer to this one; `FOR UPDATE` would make them wait.
    pub(crate) fn lock(self, backend: DbBackend) -> LockType {
        match (self, backend) {
            (Self::Update, DbBackend::Postgres) => LockType::NoKeyUpdate,
            _ => LockType::Update,
        }
    }
}

/// A row as it stands, locked until the transaction ends; none if there is no such row.
pub(super) async fn locked<E: EntityTrait>(
    ground: &Ground<'_>,
    row: &Target<E>,
    intent: Intent,
) -> Result<Option<Found<E>>, DbErr> {
    added(Step::Image, read::<E>(ground, row, intent)).await
}

async fn read<E: EntityTrait>(
    ground: &Ground<'_>,
    row: &Target<E>,
    intent: Intent,
) -> Result<Option<Found<E>>, DbErr> {
    let backend = ground.db.get_database_backend();
    if ground.db.is_typed() {
        if ground.deferred {
            take_write_lock::<E>(ground.db).await?;
        }
        let row = E::find().filter(row.condition()).lock(intent.lock(backend));
        return Ok(returning::selected::<E>(ground.db, row).await?.pop());
    }
    let kind = if ground.deferred { Kind::LockedForWriting } else { Kind::Locked(intent) };
    let select = row.statement(backend, kind, Vec::new(), Vec::new(), |row| {
        let row = E::find().filter(row).lock(intent.lock(backend));
        let mut select = backend.build(&returning::select::<E>(row, backend));
        if ground.deferred {
            // `SQLx` hands both to `SQLite` in one go.
            let lock = to_write_lock::<E>().to_string(SqliteQueryBuilder);
            select.sql = format!("{lock}; {}", select.sql);
        }
        select
    });
    match ground.db {
        // The lock changes nothing, which the guard cannot know.
        Executor::Audit(txn) if ground.deferred => {
            returning::row::<E>(Executor::Transaction(txn.core().unguarded()), select).await
        }
        _ => returning::row::<E>(ground.db, select).await,
    }
}

/// Makes a `SQLite` transaction a writing one by a statement that changes nothing.
///
/// Reading first and writing then is what a deferred transaction must not do: if another connection
/// writes in between, the write fails at once, busy timeout or not, where without auditing it
/// would have waited its turn.
pub(super) async fn take_write_lock<E: EntityTrait>(db: Executor<'_>) -> Result<(), DbErr> {
    let lock = to_write_lock::<E>();
    match db {
        Executor::Audit(txn) => txn.core().unguarded().execute(&lock).await?,
        _ => db.execute(&lock).await?,
    };
    Ok(())
}

fn to_write_lock<E: EntityTrait>() -> UpdateStatement {
    let mut update = Query::update();
    update.table(E::default().table_ref()).cond_where(Expr::val(1).eq(0));
    if let Some(column) = record::key_columns::<E>().next() {
        update.value(column, Expr::col(column));
    }
    update
}
