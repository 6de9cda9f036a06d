use sea_orm_migration::{
    SchemaManagerConnection,
    prelude::*,
    sea_orm::{
        ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, TransactionTrait,
    },
};

/// Partitions the table `audit_trail` by month, on `PostgreSQL`. It is not one of [`migrations`](crate::migrations): see
/// [`partition_by_month`](crate::partition_by_month).
///
/// A table that has entries already is converted while others write: it becomes, as it is, the partition of all months
/// up to the present one, and no entry is moved. Writers wait for one short transaction.
#[derive(Clone, Copy, Debug)]
pub struct PartitionByMonth;

impl MigrationName for PartitionByMonth {
    fn name(&self) -> &'static str {
        "m20261126_000001_partition_by_month"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for PartitionByMonth {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        check_backend(manager.get_database_backend())?;
        let db = manager.get_connection();
        if is_partitioned(db).await? {
            return Ok(());
        }
        db.execute_unprepared(CHECK).await?;
        db.execute_unprepared(&fill(FUNCTIONS)).await?;
        build_key(db).await?;
        let until = announce_end(db).await?;
        let part = fill(PART).replace("{until}", &until.moment).replace("{month}", &until.month);
        with_lock(db, &[CHECK, &part]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        check_backend(manager.get_database_backend())?;
        with_lock(manager.get_connection(), &[&fill(JOIN)]).await
    }

    /// An index that writers do not wait for cannot be built in a transaction.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}

const CHECK: &str = include_str!("check.sql");
const FUNCTIONS: &str = include_str!("functions.sql");
const PART: &str = include_str!("part.sql");
const JOIN: &str = include_str!("join.sql");

fn fill(template: &str) -> String {
    template
        .replace("{gather}", include_str!("gather.sql"))
        .replace("{furnish}", include_str!("furnish.sql"))
        .replace("{guard}", include_str!("guard.sql"))
}

fn check_backend(backend: DbBackend) -> Result<(), DbErr> {
    if backend == DbBackend::Postgres {
        return Ok(());
    }
    Err(DbErr::Migration(format!(
        "audit_trail is partitioned by month on PostgreSQL alone, and this is {backend:?}: leave \
         audit_migration::partition_by_month() out here, and let AuditTrail::prune delete what is too old"
    )))
}

async fn is_partitioned(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let sql = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'audit_trail'::regclass::oid";
    value(db, sql).await
}

/// The unique index that the partitioned table asks for: its key has to have the column by which it is partitioned.
/// One that an attempt has left behind unfinished is built anew.
async fn build_key(db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let concurrently = match db {
        SchemaManagerConnection::Connection(_) => "CONCURRENTLY",
        SchemaManagerConnection::Transaction(_) | SchemaManagerConnection::OwnedTransaction(_) => {
            ""
        }
    };
    let finished = "SELECT coalesce((SELECT indisvalid FROM pg_index \
                    WHERE indexrelid = to_regclass('audit_trail_id_time')::oid), false)";
    if value(db, finished).await? {
        return Ok(());
    }
    for sql in [
        format!("DROP INDEX {concurrently} IF EXISTS audit_trail_id_time"),
        format!(
            "CREATE UNIQUE INDEX {concurrently} audit_trail_id_time ON audit_trail (id, timestamp)"
        ),
    ] {
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// The first month that the table as it is will not have.
struct End {
    moment: String,
    month: String,
}

/// Lets the table take no later entries, and has it checked that it has none: the conversion need not look then. It is
/// a day away at least, so that the clocks of writers may differ.
async fn announce_end(db: &SchemaManagerConnection<'_>) -> Result<End, DbErr> {
    let next =
        |of: &str| format!("date_trunc('month', {of} AT TIME ZONE 'UTC') + interval '1 month'");
    let sql = format!(
        "SELECT to_char(until, 'YYYY-MM-DD HH24:MI:SS') || '+00', to_char(until, 'YYYY_MM') FROM (SELECT greatest({}, \
         (SELECT {} FROM audit_trail)) AS until) AS ends",
        next("(now() + interval '1 day')"),
        next("max(timestamp)"),
    );
    let row = row(db, &sql).await?;
    let end = End { moment: row.try_get_by_index(0)?, month: row.try_get_by_index(1)? };
    let promise = format!(
        "ALTER TABLE audit_trail DROP CONSTRAINT IF EXISTS audit_trail_converted, \
         ADD CONSTRAINT audit_trail_converted CHECK (timestamp < '{}') NOT VALID",
        end.moment
    );
    with_lock(db, &[&promise]).await?;
    let check = "ALTER TABLE audit_trail VALIDATE CONSTRAINT audit_trail_converted";
    db.execute_unprepared(check).await?;
    Ok(end)
}

/// How long others may have to wait behind us for the table, and how often that is tried.
const PATIENCE: &str = "SET LOCAL lock_timeout = '500ms'";
const ATTEMPTS: u32 = 120;
const PAUSE: &str = "SELECT pg_sleep(0.5)";

const LOCK: &str = "LOCK TABLE audit_trail IN ACCESS EXCLUSIVE MODE";

/// Runs what needs the table for itself, in one transaction. Who waits for that lock lets everybody wait behind it, so it is
/// given up soon and asked for again.
async fn with_lock(db: &SchemaManagerConnection<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for _ in 1..ATTEMPTS {
        let txn = db.begin().await?;
        txn.execute_unprepared(PATIENCE).await?;
        if may_lock(&txn).await? {
            return lock_and_run(txn, statements).await;
        }
        txn.rollback().await?;
        db.execute_unprepared(PAUSE).await?;
    }
    let txn = db.begin().await?;
    txn.execute_unprepared(PATIENCE).await?;
    lock_and_run(txn, statements).await
}

/// Takes the lock and keeps it, if nobody has held it for too long. The server itself knows its refusal by the code.
async fn may_lock(txn: &DatabaseTransaction) -> Result<bool, DbErr> {
    let lock = format!("DO $$ BEGIN {LOCK}; EXCEPTION WHEN lock_not_available THEN NULL; END $$");
    txn.execute_unprepared(&lock).await?;
    let is_held = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND granted \
                   AND relation = 'audit_trail'::regclass::oid AND mode = 'AccessExclusiveLock')";
    value(txn, is_held).await
}

async fn lock_and_run(txn: DatabaseTransaction, statements: &[&str]) -> Result<(), DbErr> {
    for statement in [LOCK].iter().chain(statements) {
        txn.execute_unprepared(statement).await?;
    }
    txn.commit().await
}

async fn value(db: &impl ConnectionTrait, sql: &str) -> Result<bool, DbErr> {
    row(db, sql).await?.try_get_by_index(0)
}

async fn row(db: &impl ConnectionTrait, sql: &str) -> Result<QueryResult, DbErr> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await?;
    row.ok_or_else(|| {
        DbErr::RecordNotFound("the catalogue does not tell of audit_trail".to_owned())
    })
}
