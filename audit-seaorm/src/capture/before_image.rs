use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, PrimaryKeyTrait, QuerySelect,
    Select,
    sea_query::{Expr, ExprTrait, FromValueTuple, LockType, Query, ValueTuple},
};

use super::{ModelOf, ground::Ground};
use crate::record;

/// What will happen to the row, which decides how it is locked.
#[derive(Clone, Copy)]
pub(super) enum Intent {
    Update,
    Delete,
}

impl Intent {
    /// The lock that the write itself takes anyway. On `PostgreSQL` that of an UPDATE lets others
    /// insert rows that refer to this one; `FOR UPDATE` would make them wait.
    fn lock(self, backend: DbBackend) -> LockType {
        match (self, backend) {
            (Self::Update, DbBackend::Postgres) => LockType::NoKeyUpdate,
            _ => LockType::Update,
        }
    }
}

/// The row as it stands, locked until the transaction ends; none if there is no such row.
pub(super) async fn locked<A: ActiveModelTrait, D: ConnectionTrait>(
    ground: &Ground<'_, D>,
    key: ValueTuple,
    intent: Intent,
) -> Result<Option<ModelOf<A>>, DbErr> {
    if ground.deferred {
        take_write_lock::<A::Entity, D>(ground.db).await?;
    }
    let lock = intent.lock(ground.db.get_database_backend());
    find::<A>(key).lock(lock).one(ground.db).await
}

pub(super) fn find<A: ActiveModelTrait>(key: ValueTuple) -> Select<A::Entity> {
    type Key<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::PrimaryKey;
    A::Entity::find_by_id(<Key<A> as PrimaryKeyTrait>::ValueType::from_value_tuple(key))
}

/// Makes a `SQLite` transaction a writing one by a statement that changes nothing.
///
/// Reading first and writing then is what a deferred transaction must not do: if another connection
/// writes in between, the write fails at once, busy timeout or not, where without auditing it
/// would have waited its turn.
async fn take_write_lock<E: EntityTrait, D: ConnectionTrait>(db: &D) -> Result<(), DbErr> {
    let Some(column) = record::key_columns::<E>().next() else {
        return Ok(());
    };
    let update = Query::update()
        .table(E::default().table_ref())
        .value(column, Expr::col(column))
        .and_where(Expr::val(1).eq(0))
        .take();
    db.execute(&update).await?;
    Ok(())
}
