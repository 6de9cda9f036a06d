use std::{marker::PhantomData, sync::Arc};

use audit_core::{AuditConfig, AuditContext, AuditEntry, Change, FailurePolicy, Policy, Stamp};
use sea_orm::{ConnectionTrait, DbErr, Iterable, prelude::Uuid};

use super::{AuditCounters, Sink, direct};
use crate::{
    Auditable,
    capture::{Executor, Ground},
    entity::TABLE,
    error::AuditError,
    record,
};

/// Records the changes of one entity under the configuration that was in force when the operation
/// began.
pub(crate) struct Recorder<E> {
    table: String,
    config: Arc<AuditConfig>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Auditable> Recorder<E> {
    /// None where nothing is to be recorded: the table is excluded, or the task is inside of
    /// [`AuditContext::without_audit`].
    pub(crate) fn active() -> Option<Self> {
        if audit_core::is_paused() {
            return None;
        }
        let config = AuditConfig::current();
        let table = record::table_name::<E>();
        config.records(&table).then_some(Self { table, config, entity: PhantomData })
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn config(&self) -> &AuditConfig {
        &self.config
    }

    pub(crate) fn created(&self, after: &E::Model) -> Result<Change, AuditError> {
        let id = record::id_of::<E>(after)?;
        Ok(Change::create(&*self.table, id, record::image::<E>(after)?))
    }

    pub(crate) fn updated(
        &self,
        before: &E::Model,
        after: &E::Model,
    ) -> Result<Change, AuditError> {
        let id = record::id_of::<E>(before)?;
        let (before, after) = record::images::<E>(before, after)?;
        Ok(Change::update(&*self.table, id, before, after))
    }

    pub(crate) fn deleted(&self, before: &E::Model) -> Result<Change, AuditError> {
        let id = record::id_of::<E>(before)?;
        Ok(Change::delete(&*self.table, id, record::image::<E>(before)?))
    }

    /// Stores the entry of a change, or does what the configuration says when it cannot be.
    pub(crate) async fn record<D: ConnectionTrait>(
        &self,
        ground: &Ground<'_, D>,
        change: Result<Change, AuditError>,
    ) -> Result<(), DbErr> {
        let entry = change.and_then(|change| entry(&self.policy(), change, ground.sink.group()));
        write(ground, &self.config, &self.table, entry).await
    }

    fn policy(&self) -> Policy {
        let policy = self.config.policy(&self.table);
        let policy = policy
            .keys(record::key_columns::<E>().map(record::name))
            .columns(E::Column::iter().map(record::name));
        E::RULES
            .iter()
            .fold(policy, |policy, (column, rule)| policy.rule(record::name(*column), *rule))
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
    let ground = Ground::of_caller(db);
    let entry = entry(&config.policy(&table), change, ground.sink.group());
    write(&ground, &config, &table, entry).await
}

fn entry(
    policy: &Policy,
    change: Change,
    group: Option<Uuid>,
) -> Result<Option<AuditEntry>, AuditError> {
    if change.table() == TABLE {
        return Err(AuditError::OwnTable);
    }
    let Some(recorded) = policy.apply(change)? else {
        return Ok(None);
    };
    let entry = AuditEntry::new(recorded, AuditContext::current(), group, Stamp::next());
    direct::check_user(&entry)?;
    Ok(Some(entry))
}

async fn write<D: ConnectionTrait>(
    ground: &Ground<'_, D>,
    config: &AuditConfig,
    table: &str,
    entry: Result<Option<AuditEntry>, AuditError>,
) -> Result<(), DbErr> {
    let stored = match (entry, ground.sink) {
        (Ok(None), _) => return Ok(()),
        // Counted when it is written.
        (Ok(Some(entry)), Sink::Buffer(txn)) => return txn.keep(entry).await,
        (Ok(Some(entry)), Sink::Connection(_)) => {
            store(ground.db, config.failure_policy(), entry).await
        }
        (Err(error), _) => Ok(Err(error.into())),
    };
    let (error, go_on) = match stored {
        Ok(Ok(())) => {
            AuditCounters::count_written(1);
            return Ok(());
        }
        Ok(Err(error)) => (error, config.failure_policy() == FailurePolicy::Continue),
        Err(lost) => (lost, false),
    };
    AuditCounters::count_failed(1);
    if go_on {
        tracing::error!(table, %error, "audit entry lost: the write goes on without it");
        return Ok(());
    }
    tracing::error!(table, %error, "audit entry could not be stored: the write fails");
    if let Sink::Buffer(txn) = ground.sink {
        txn.entry_failed();
    }
    Err(error)
}

/// The inner result is the entry's, the outer one the transaction's.
async fn store<C: ConnectionTrait>(
    db: &C,
    policy: FailurePolicy,
    entry: AuditEntry,
) -> Result<Result<(), DbErr>, DbErr> {
    match (Executor::of(db), policy) {
        (Executor::Transaction(txn), FailurePolicy::Continue) => {
            direct::store_apart(txn, entry).await
        }
        _ => Ok(direct::store(db, entry).await),
    }
}
