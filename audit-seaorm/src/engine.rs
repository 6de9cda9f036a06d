//! Tables of `MariaDB` that cannot be recorded truly: those whose storage engine has no transactions, such as `MyISAM` and Aria, and
//! those without a schema where the trail is a view, which several databases may share.
//!
//! A change of theirs stays where its transaction is rolled back, and cannot be one with its entry. The server says nothing when it
//! happens, so it is asked ahead of it: once a minute for each table and pool, because tables are altered. Where `SeaORM` does not show
//! the pool, as on a transaction of the caller's, it is asked each time: the same name may be that of another table.

use std::{
    any::Any,
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Value,
    sea_query::{Expr, Query},
    sqlx,
};

use crate::{entity::TABLE, error::AuditError, registry::TableName};

/// How long an answer holds.
const HOLDS: Duration = Duration::from_mins(1);
/// All are forgotten where there are more, which a program with a schema for each of its customers may have.
const MAX_KNOWN: usize = 10_000;

/// Tables that have transactions, and since when that is known.
static KNOWN: LazyLock<Mutex<HashMap<(PoolId, TableName), Instant>>> =
    LazyLock::new(Mutex::default);

/// Which pool a connection is from, where that can be seen.
///
/// A pool has the options that it connects with for itself. Their address is given to nobody else for as long as this is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolId(Option<Weak<dyn Any + Send + Sync>>);

impl PoolId {
    pub(crate) fn of(pool: &DatabaseConnection) -> Self {
        let is_mariadb = pool.get_database_backend() == DbBackend::MySql;
        // Of the driver's where there is the driver: a method of the type itself comes ahead of one of a trait.
        if is_mariadb && !pool.is_mock_connection() {
            pool.get_mysql_connection_pool().id()
        } else {
            Self::default()
        }
    }

    fn address(&self) -> Option<*const ()> {
        self.0.as_ref().map(|options| options.as_ptr().cast())
    }
}

impl PartialEq for PoolId {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for PoolId {}

impl Hash for PoolId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// `SeaORM`'s method, where it has been built without the driver.
#[allow(dead_code, reason = "only without the driver")]
trait WithoutDriver {
    fn get_mysql_connection_pool(&self) -> NoPool;
}

#[allow(dead_code, reason = "only without the driver")]
struct NoPool;

impl WithoutDriver for DatabaseConnection {
    fn get_mysql_connection_pool(&self) -> NoPool {
        NoPool
    }
}

trait Identified {
    fn id(&self) -> PoolId;
}

impl Identified for NoPool {
    fn id(&self) -> PoolId {
        PoolId::default()
    }
}

impl<DB: sqlx::Database> Identified for sqlx::Pool<DB> {
    fn id(&self) -> PoolId {
        let options = self.connect_options();
        let options: Arc<dyn Any + Send + Sync> = options;
        PoolId(Some(Arc::downgrade(&options)))
    }
}

/// Refuses a table that has no transactions, and any where the trail itself is such a table.
pub(crate) async fn require_transactions<C: ConnectionTrait>(
    db: &C,
    pool: &PoolId,
    table: TableName,
) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::MySql || db.is_mock_connection() {
        return Ok(());
    }
    let place = (pool.clone(), table);
    if is_known(&place) {
        return Ok(());
    }
    refuse_without_transactions(db, &place.1).await?;
    if place.0.0.is_some() {
        let trail = TableName { schema: None, table: TABLE.to_owned() };
        refuse_without_transactions(db, &trail).await?;
        refuse_shared_trail(db, &place.1).await?;
        remember(place);
    }
    Ok(())
}

fn is_known(place: &(PoolId, TableName)) -> bool {
    known().get(place).is_some_and(|since| since.elapsed() < HOLDS)
}

fn remember(place: (PoolId, TableName)) {
    let mut known = known();
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(place, Instant::now());
}

fn known() -> MutexGuard<'static, HashMap<(PoolId, TableName), Instant>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn refuse_without_transactions<C: ConnectionTrait>(
    db: &C,
    table: &TableName,
) -> Result<(), DbErr> {
    let engine = "(SELECT ENGINE FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?)";
    let names = [table.schema.clone().into(), table.table.clone().into()];
    match answer(db, engine, names).await? {
        // A view has none.
        None => Ok(()),
        Some(engine) if engine == USUAL || has_transactions(db, &engine).await? => Ok(()),
        Some(engine) => Err(AuditError::NoTransactions { table: table.to_string(), engine }.into()),
    }
}

/// A view of a trail in another database has entries of that one, too, under the same unqualified names.
async fn refuse_shared_trail<C: ConnectionTrait>(db: &C, table: &TableName) -> Result<(), DbErr> {
    let view = "(SELECT TABLE_NAME FROM information_schema.VIEWS \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?)";
    if table.schema.is_some() || answer(db, view, [TABLE.into()]).await?.is_none() {
        return Ok(());
    }
    Err(AuditError::SharedTrail { table: table.to_string() }.into())
}

/// Of what the server has nobody has to ask about this one.
const USUAL: &str = "InnoDB";

async fn has_transactions<C: ConnectionTrait>(db: &C, engine: &str) -> Result<bool, DbErr> {
    let has = "(SELECT TRANSACTIONS FROM information_schema.ENGINES WHERE ENGINE = ?)";
    Ok(answer(db, has, [engine.into()]).await?.as_deref() == Some("YES"))
}

/// By a statement of `SeaORM`'s own: a connection with access control takes no other.
async fn answer<C: ConnectionTrait, const N: usize>(
    db: &C,
    question: &'static str,
    values: [Value; N],
) -> Result<Option<String>, DbErr> {
    let ask = Query::select().expr(Expr::cust_with_values(question, values)).take();
    let row = db.query_one(&ask).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.flatten())
}
