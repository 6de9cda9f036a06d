use std::{collections::HashMap, fmt, marker::PhantomData};

use audit_core::{FieldRule, Image};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait,
    Iterable, QueryFilter, prelude::async_trait::async_trait,
};

use crate::{
    AuditTransaction, Auditable, Gap, GapReason, RestoreRule, State,
    audited::{self, Audited, Filter},
    capture::Intent,
    error::AuditError,
    record,
    registry::TableName,
    trail::{columns::Columns, keys::Keys, renames::Renames, rows},
    writer::Recorder,
};

/// How an entity that is known by its table alone reads and writes its records.
#[async_trait]
pub(crate) trait Table: Send + Sync {
    /// The table's name in the trail.
    fn name(&self) -> String;

    /// The columns that can be compared.
    fn columns(&self) -> Columns;

    /// The names of all columns.
    fn names(&self) -> Vec<String>;

    /// As the database knows it.
    fn name_in_database(&self) -> TableName;

    /// The columns that the entity has restored in a way of their own.
    fn restore_rules(&self) -> Vec<(String, RestoreRule)>;

    /// What the entity is called in the program, to tell two from each other.
    fn entity(&self) -> &'static str;

    fn renames(&self) -> Renames;

    /// The columns that are hidden by the configuration in force.
    fn hidden(&self) -> Hidden;

    /// What of these values, which are all there is, cannot be written.
    fn gaps(&self, values: &Image) -> Vec<Gap>;

    /// Whether [`rows`](Self::rows) finds the record with this id if it is there.
    fn can_find(&self, backend: DbBackend, record_id: &str) -> bool;

    /// The records with these ids as they stand, locked if they are to be written.
    async fn rows(
        &self,
        txn: &AuditTransaction,
        record_ids: &[&str],
        to_write: bool,
    ) -> Result<HashMap<String, Image>, DbErr>;

    /// `overriding` where a column is an identity that the database always fills.
    async fn insert(
        &self,
        txn: &AuditTransaction,
        values: Image,
        overriding: bool,
    ) -> Result<(), DbErr>;

    async fn update(
        &self,
        txn: &AuditTransaction,
        record_id: &str,
        values: Image,
    ) -> Result<(), DbErr>;

    async fn delete(&self, txn: &AuditTransaction, record_id: &str) -> Result<(), DbErr>;
}

/// The columns that are not recorded in the clear.
pub(crate) struct Hidden(Vec<(String, FieldRule)>);

impl Hidden {
    pub(super) fn is_redacted(&self, column: &str) -> bool {
        self.is(column, FieldRule::Redact)
    }

    pub(super) fn is_skipped(&self, column: &str) -> bool {
        self.is(column, FieldRule::Skip)
    }

    pub(in crate::trail) fn is(&self, column: &str, rule: FieldRule) -> bool {
        self.0.iter().any(|(hidden, why)| hidden == column && *why == rule)
    }
}

pub(crate) struct Of<E>(PhantomData<fn() -> E>);

impl<E> Of<E> {
    pub(crate) const NEW: Self = Self(PhantomData);
}

impl fmt::Debug for dyn Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.name())
    }
}

#[async_trait]
impl<E: Auditable> Table for Of<E>
where
    E::ActiveModel: Send + 'static,
{
    fn name(&self) -> String {
        record::table_name::<E>()
    }

    fn columns(&self) -> Columns {
        Columns::of::<E>()
    }

    fn names(&self) -> Vec<String> {
        E::Column::iter().map(record::name).collect()
    }

    fn name_in_database(&self) -> TableName {
        TableName::of::<E>()
    }

    fn restore_rules(&self) -> Vec<(String, RestoreRule)> {
        E::RESTORE.iter().map(|(column, rule)| (record::name(*column), *rule)).collect()
    }

    fn entity(&self) -> &'static str {
        std::any::type_name::<E>()
    }

    fn renames(&self) -> Renames {
        Renames::of::<E>()
    }

    fn hidden(&self) -> Hidden {
        let policy = Recorder::<E>::current().policy();
        let hidden = |column| {
            let name = record::name(column);
            policy.rule_of(&name).map(|rule| (name, rule))
        };
        Hidden(E::Column::iter().filter_map(hidden).collect())
    }

    fn gaps(&self, values: &Image) -> Vec<Gap> {
        let state = State::<E::Model>::of(values.clone());
        let unknown = state
            .unknown_columns()
            .map(|(column, _)| Gap { column: column.to_owned(), reason: GapReason::NoColumn });
        state.gaps().iter().cloned().chain(unknown).collect()
    }

    fn can_find(&self, backend: DbBackend, record_id: &str) -> bool {
        Keys::of::<E>(backend).can_find(record_id)
    }

    async fn rows(
        &self,
        txn: &AuditTransaction,
        record_ids: &[&str],
        to_write: bool,
    ) -> Result<HashMap<String, Image>, DbErr> {
        let keys = Keys::of::<E>(txn.get_database_backend());
        // Not known yet is whether it will be deleted.
        let lock = to_write.then_some(Intent::Delete);
        let rows = rows::located::<E, _>(txn, &keys, record_ids, lock).await?;
        let read = |(id, row): (String, rows::Row)| match row {
            Some(image) => Ok((id, image)),
            None => Err(AuditError::RowUnreadable { table: self.name(), record_id: id }.into()),
        };
        rows.into_iter().map(read).collect()
    }

    async fn insert(
        &self,
        txn: &AuditTransaction,
        values: Image,
        overriding: bool,
    ) -> Result<(), DbErr> {
        let row = State::<E::Model>::of(values).active_model();
        let insert = audited::<E>().insert(row).overriding_identity(overriding);
        insert.exec_without_returning(txn).await?;
        Ok(())
    }

    async fn update(
        &self,
        txn: &AuditTransaction,
        record_id: &str,
        values: Image,
    ) -> Result<(), DbErr> {
        let mut row = State::<E::Model>::of(values).active_model();
        if E::RESTORE.iter().any(|(_, rule)| *rule == RestoreRule::Version) {
            return raised::<E>(row, txn, record_id).await;
        }
        set_key::<E>(&mut row, txn, record_id)?;
        audited::<E>().update(row).exec_without_returning(txn).await?;
        Ok(())
    }

    async fn delete(&self, txn: &AuditTransaction, record_id: &str) -> Result<(), DbErr> {
        let mut row = <E::ActiveModel as ActiveModelTrait>::default();
        set_key::<E>(&mut row, txn, record_id)?;
        audited::<E>().delete(row).exec(txn).await?;
        Ok(())
    }
}

/// Updates a record and raises its version, whatever it is by now.
async fn raised<E: Auditable>(
    row: E::ActiveModel,
    txn: &AuditTransaction,
    record_id: &str,
) -> Result<(), DbErr> {
    let mut named = <E::ActiveModel as ActiveModelTrait>::default();
    set_key::<E>(&mut named, txn, record_id)?;
    let key = record::key_columns::<E>().filter_map(|column| named.get(column).into_value());
    let versions = E::RESTORE.iter().filter(|(_, rule)| *rule == RestoreRule::Version);
    let update = versions.fold(audited::<E>().update_many().set(row), |update, (version, _)| {
        update.col_expr(*version, version.into_expr().add(1))
    });
    update.filter(Filter::key::<E>(key).condition()).exec(txn).await?;
    Ok(())
}

fn audited<E: Auditable>() -> Audited<E> {
    audited::of::<E>()
}

/// The key of a record that was found by its id.
fn set_key<E: EntityTrait>(
    row: &mut E::ActiveModel,
    txn: &AuditTransaction,
    record_id: &str,
) -> Result<(), AuditError> {
    let keys = Keys::of::<E>(txn.get_database_backend());
    let unknown = || AuditError::RowUnreadable {
        table: record::table_name::<E>(),
        record_id: record_id.to_owned(),
    };
    let key = keys.parse(record_id).ok_or_else(unknown)?;
    for (column, value) in record::key_columns::<E>().zip(key) {
        row.try_set(column, value).map_err(|_| unknown())?;
    }
    Ok(())
}
