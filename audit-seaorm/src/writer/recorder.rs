use std::{marker::PhantomData, sync::Arc};

use audit_core::{AuditConfig, AuditContext, AuditEntry, Change, FailurePolicy, Policy};
use sea_orm::{ConnectionTrait, DbErr, prelude::Uuid};

use super::{AuditCounters, Sink, direct, store_all, weight};
use crate::{
    Auditable,
    capture::{Executor, Ground, require_user},
    entity::TABLE,
    error::AuditError,
    found::{Facts, Found, Noticed},
    measure::{Step, added},
    record,
    redaction::Redaction,
    registry::TableName,
    rules,
};

/// Records the changes of one entity under the configuration that was in force when the operation
/// began.
pub(crate) struct Recorder<E> {
    name: TableName,
    table: String,
    recording: bool,
    config: Arc<AuditConfig>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Auditable> Recorder<E> {
    /// None where nothing is to be recorded: the table is excluded, or the task is inside of
    /// [`AuditContext::without_audit`].
    pub(crate) fn active() -> Option<Self> {
        Some(Self::current()).filter(Self::is_recording)
    }

    /// One that takes changes and records nothing where nothing is to be recorded.
    pub(crate) fn current() -> Self {
        let config = AuditConfig::current();
        let name = TableName::of::<E>();
        let table = name.to_string();
        let recording = !audit_core::is_paused() && config.records(&table);
        Self { name, table, recording, config, entity: PhantomData }
    }

    /// An error if the entity names another table by now: its statements have, too. A write that is dropped
    /// half-way is carried on by a task that has nothing of what the first one knew.
    pub(crate) fn check_name(&self) -> Result<(), AuditError> {
        if self.name.is_of::<E>() {
            return Ok(());
        }
        Err(AuditError::Renamed { was: self.table.clone(), now: record::table_name::<E>() })
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn config(&self) -> &AuditConfig {
        &self.config
    }

    /// The configuration, if it says that entries are written in the background.
    pub(crate) fn background(&self) -> Option<Arc<AuditConfig>> {
        let chosen = self.recording && self.config.background_writer().is_some();
        chosen.then(|| Arc::clone(&self.config))
    }

    pub(crate) fn created(&self, after: &Found<E>) -> Result<Noticed, AuditError> {
        let Found { model: after, facts } = after;
        let id = record::id_of::<E>(after)?;
        let change = Change::create(&*self.table, id, record::image::<E>(after)?);
        Ok(Noticed { change, facts: facts.clone() })
    }

    pub(crate) fn updated(
        &self,
        before: &E::Model,
        after: &Found<E>,
    ) -> Result<Noticed, AuditError> {
        let Found { model: after, facts } = after;
        let id = record::id_of::<E>(before)?;
        let (before, after) = record::images::<E>(before, after)?;
        let change = Change::update(&*self.table, id, before, after);
        Ok(Noticed { change, facts: facts.clone() })
    }

    pub(crate) fn deleted(&self, before: &Found<E>) -> Result<Noticed, AuditError> {
        let Found { model: before, facts } = before;
        let id = record::id_of::<E>(before)?;
        let change = Change::delete(&*self.table, id, record::image::<E>(before)?);
        Ok(Noticed { change, facts: facts.clone() })
    }

    /// Stores the entry of a change, or does what the configuration says when it cannot be.
    pub(crate) async fn record(
        &self,
        ground: &Ground<'_>,
        change: Result<Noticed, AuditError>,
    ) -> Result<(), DbErr> {
        if !self.recording {
            return Ok(());
        }
        let change = self.config.check().map_err(AuditError::from).and(change);
        let entry = change.and_then(|change| entry(&self.policy(), change, ground.sink.group()));
        write(ground, &self.config, &self.table, entry).await
    }

    /// Stores the entries of changes in few statements, and tells about how large they were in bytes.
    pub(crate) async fn record_all(
        &self,
        ground: &Ground<'_>,
        changes: Vec<Result<Noticed, AuditError>>,
    ) -> Result<usize, DbErr> {
        if !self.recording {
            return Ok(0);
        }
        let policy = self.policy();
        let mut entries = Vec::with_capacity(changes.len());
        for change in changes {
            let change = self.config.check().map_err(AuditError::from).and(change);
            match change.and_then(|change| entry(&policy, change, ground.sink.group())) {
                Ok(entry) => entries.extend(entry),
                Err(error) => not_stored(ground.sink, &self.config, &self.table, error.into())?,
            }
        }
        let weight = entries.iter().map(weight::of).sum();
        write_all(ground, &self.config, &self.table, entries).await?;
        Ok(weight)
    }

    pub(crate) fn policy(&self) -> Policy {
        rules::of_entity::<E>(&self.config, &self.table)
    }
}

/// Records a change that the user describes.
pub(crate) async fn record_by_hand<C: ConnectionTrait>(
    db: &C,
    change: Change,
) -> Result<(), DbErr> {
    let config = AuditConfig::current();
    let table = change.table().to_owned();
    if audit_core::is_paused() || !config.records(&table) {
        return Ok(());
    }
    require_user(&config, &table)?;
    let ground = Ground::of_caller(Executor::of(db));
    let facts = Facts::ask_of(&ground.unguarded(), &table).await?;
    let policy = Redaction::under(&config, &table).policy_for(&change, facts.stamp().at);
    let allowed = config.check().map_err(AuditError::from);
    let change = Noticed { change, facts };
    let entry = allowed.and_then(|()| entry(&policy, change, ground.sink.group()));
    write(&ground, &config, &table, entry).await
}

fn entry(
    policy: &Policy,
    Noticed { change, facts }: Noticed,
    group: Option<Uuid>,
) -> Result<Option<AuditEntry>, AuditError> {
    if change.table() == TABLE {
        return Err(AuditError::OwnTable);
    }
    let Some(recorded) = policy.apply(change)? else {
        return Ok(None);
    };
    let mut entry = AuditEntry::new(recorded, AuditContext::current(), group, facts.stamp());
    if let Some(schema) = &facts.schema {
        entry.table_name = record::qualified(Some(schema), &entry.table_name);
    }
    direct::check_user(&entry)?;
    Ok(Some(entry))
}

async fn write(
    ground: &Ground<'_>,
    config: &AuditConfig,
    table: &str,
    entry: Result<Option<AuditEntry>, AuditError>,
) -> Result<(), DbErr> {
    let stored = match (entry, ground.sink) {
        (Ok(None), _) => return Ok(()),
        // Counted when it is written.
        (Ok(Some(entry)), Sink::Buffer(txn)) => return txn.keep(entry).await,
        (Ok(Some(entry)), Sink::Held(held)) => {
            return held.keep(ground.db, entry).await;
        }
        (Ok(Some(entry)), Sink::Connection(_)) => {
            added(Step::Entry, store(ground.db, config.failure_policy(), entry)).await
        }
        (Err(error), _) => Ok(Err(error.into())),
    };
    match stored {
        Ok(Ok(())) => {
            AuditCounters::count_written(1);
            Ok(())
        }
        Ok(Err(error)) => not_stored(ground.sink, config, table, error),
        Err(lost) => Err(failed(ground.sink, table, lost)),
    }
}

/// Goes on without the entry if the configuration says so.
fn not_stored(
    sink: Sink<'_>,
    config: &AuditConfig,
    table: &str,
    error: DbErr,
) -> Result<(), DbErr> {
    if config.failure_policy() != FailurePolicy::Continue {
        return Err(failed(sink, table, error));
    }
    AuditCounters::count_failed(1);
    tracing::error!(table, %error, "audit entry lost: the write goes on without it");
    Ok(())
}

fn failed(sink: Sink<'_>, table: &str, error: DbErr) -> DbErr {
    AuditCounters::count_failed(1);
    tracing::error!(table, %error, "audit entry could not be stored: the write fails");
    if let Sink::Buffer(txn) = sink {
        txn.entry_failed();
    }
    error
}

async fn write_all(
    ground: &Ground<'_>,
    config: &AuditConfig,
    table: &str,
    entries: Vec<AuditEntry>,
) -> Result<(), DbErr> {
    if let (Sink::Connection(_), Executor::Transaction(txn)) = (ground.sink, ground.db) {
        let stored = store_all(txn, config.failure_policy(), entries);
        return added(Step::Entry, stored).await;
    }
    for entry in entries {
        write(ground, config, table, Ok(Some(entry))).await?;
    }
    Ok(())
}

/// The inner result is the entry's, the outer one the transaction's.
async fn store(
    db: Executor<'_>,
    policy: FailurePolicy,
    entry: AuditEntry,
) -> Result<Result<(), DbErr>, DbErr> {
    match (db, policy) {
        (Executor::Transaction(txn), FailurePolicy::Continue) => {
            direct::store_apart(txn, entry).await
        }
        #[cfg(feature = "rbac")]
        (Executor::RestrictedTransaction(txn), FailurePolicy::Continue) => {
            direct::store_apart(txn, entry).await
        }
        // Past its guard, if it has one.
        (Executor::Guarded(guarded), _) => Ok(direct::store_in_order(guarded.inner(), entry).await),
        _ => Ok(direct::store_in_order(&db, entry).await),
    }
}
