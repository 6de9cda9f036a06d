use audit_core::{AuditContext, Printable};
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait, prelude::DateTimeUtc,
};
use serde_json::{Value as Json, json};

use super::{
    Restore, What, carry_out,
    error::RestoreError,
    examine::{self, Examined},
    gather::{self, Undoing},
    plan::RestorePlan,
};
use crate::{AuditTransaction, capture::Executor, error::AuditError, trail::AuditTrail};

impl Restore {
    /// What [`exec`](Self::exec) would write, with the conflicts and gaps that would keep it from doing so. It writes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`RestoreError::NoEntry`], [`RestoreError::NoEntity`], and those of the database. `db` must be a
    /// `DatabaseConnection`, an `AuditConnection` or an `AuditTransaction`.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn plan<C: ConnectionTrait>(&self, db: &C) -> Result<RestorePlan, RestoreError> {
        let txn = begin(db, to_read(db.get_database_backend())).await?;
        let plan = self.look(&txn).await;
        txn.rollback().await?;
        plan
    }

    async fn look(&self, txn: &AuditTransaction) -> Result<RestorePlan, RestoreError> {
        let undoing = self.gather(txn).await?;
        let examined = examine::examine(txn, &undoing, &self.ignored, false).await?;
        Ok(planned(&undoing, &examined))
    }

    /// Restores, and tells what was written. All of it in one transaction, nested in `db` if that is an
    /// `AuditTransaction`: an error leaves everything as it was.
    ///
    /// The rows are locked before they are looked at, so that nobody changes them in between.
    ///
    /// # Errors
    ///
    /// Those of [`plan`](Self::plan); [`RestoreError::Conflict`] and [`RestoreError::Gap`], unless they are allowed; those
    /// of the database and of auditing.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, either all of it is committed or nothing.
    pub async fn exec<C: ConnectionTrait>(&self, db: &C) -> Result<RestorePlan, RestoreError> {
        let txn = begin(db, TransactionOptions::default()).await?;
        match self.context().scope(self.write(&txn)).await {
            Ok(plan) => {
                txn.commit().await?;
                Ok(plan)
            }
            Err(error) => {
                // The reason matters more than a rollback that failed too: the connection is lost then, and the
                // database has taken everything back already.
                let _ = txn.rollback().await;
                Err(error)
            }
        }
    }

    async fn write(&self, txn: &AuditTransaction) -> Result<RestorePlan, RestoreError> {
        let undoing = self.gather(txn).await?;
        let examined = examine::examine(txn, &undoing, &self.ignored, true).await?;
        let plan = planned(&undoing, &examined);
        if !self.overwrite && plan.conflicts().next().is_some() {
            return Err(RestoreError::Conflict(Box::new(plan)));
        }
        if !self.accept_gaps && plan.gaps().next().is_some() {
            return Err(RestoreError::Gap(Box::new(plan)));
        }
        carry_out::carry_out(txn, &undoing, &examined).await?;
        Ok(plan)
    }

    async fn gather(&self, txn: &AuditTransaction) -> Result<Undoing, RestoreError> {
        let query = match self.until {
            Some(until) => AuditTrail::query().as_stored().to(just_after(until)),
            None => AuditTrail::query().as_stored(),
        };
        let found = match &self.what {
            What::Record { table, record_id, when } => {
                let record_id = record_id.as_ref();
                let record_id = record_id.map_err(|fault| AuditError::Query(fault.clone()));
                let (record_id, table) = (record_id.map_err(DbErr::from)?, *table);
                let table = table.ok_or_else(|| self.no_entity())?;
                self.check_ignored(table)?;
                gather::record(txn, table, record_id, query, *when).await?
            }
            What::Request(id) => gather::changes(txn, query.request_id(id)).await?,
            What::Transaction(id) => gather::changes(txn, query.transaction(*id)).await?,
        };
        found.ok_or_else(|| RestoreError::NoEntry(self.what.to_string()))
    }

    /// A column that is misspelt would not be left out.
    fn check_ignored(&self, table: &dyn super::Table) -> Result<(), DbErr> {
        let names = table.names();
        match self.ignored.iter().find(|column| !names.contains(column)) {
            Some(column) => {
                let (table, column) = (table.name(), column.clone());
                Err(AuditError::NoSuchColumn { table, column }.into())
            }
            None => Ok(()),
        }
    }

    fn no_entity(&self) -> RestoreError {
        RestoreError::NoEntity { table: self.what.to_string() }
    }

    /// That of the caller, with a reason and a note of what is restored.
    fn context(&self) -> AuditContext {
        let context = AuditContext::current().unwrap_or_default();
        let given = self.reason.as_deref().or(context.get_reason());
        let reason = given.map_or_else(|| format!("restore of {}", self.what), str::to_owned);
        context.reason(reason).metadata("restored", self.what.note())
    }
}

async fn begin<C: ConnectionTrait>(
    db: &C,
    options: TransactionOptions,
) -> Result<AuditTransaction, DbErr> {
    match Executor::of(db) {
        Executor::Pool(pool) => AuditTransaction::begin_with_options(pool, options).await,
        Executor::Guarded(pool) => AuditTransaction::begin_with_options(pool, options).await,
        Executor::Audit(txn) => txn.begin().await,
        _ => Err(AuditError::RestoreOutside.into()),
    }
}

/// One that sees one state of the database, and keeps nobody from writing.
fn to_read(backend: DbBackend) -> TransactionOptions {
    match backend {
        DbBackend::Sqlite => TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
            ..TransactionOptions::default()
        },
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
    }
}

fn planned(undoing: &Undoing, examined: &[Examined]) -> RestorePlan {
    let mut plans: Vec<_> = examined.iter().map(|record| record.plan.as_ref()).collect();
    let in_order = undoing.steps.iter().filter_map(|step| plans.get_mut(step.record)?.take());
    RestorePlan { records: in_order.cloned().collect(), until: undoing.until }
}

/// Times of entries are whole microseconds.
fn just_after(until: DateTimeUtc) -> DateTimeUtc {
    DateTimeUtc::from_timestamp_micros(until.timestamp_micros().saturating_add(1)).unwrap_or(until)
}

impl What {
    fn note(&self) -> Json {
        match self {
            Self::Record { table, record_id, when } => json!({
                "table": table.map(super::Table::name),
                "record": record_id.as_deref().unwrap_or_default(),
                "when": when,
            }),
            Self::Request(id) => json!({"request_id": id}),
            Self::Transaction(id) => json!({"transaction_id": id}),
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record { table, record_id, .. } => {
                let table = table.map(super::Table::name).unwrap_or_default();
                let record_id = record_id.as_deref().unwrap_or_default();
                write!(f, "{} {}", Printable(&table), Printable(record_id))
            }
            Self::Request(id) => write!(f, "request {}", Printable(id)),
            Self::Transaction(id) => write!(f, "transaction {id}"),
        }
    }
}
