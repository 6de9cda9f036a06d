//! Which tables of the program are audited. The derive enters each entity at link time, so that whoever
//! knows a table by name alone finds out.

mod names;
mod table_name;

use std::{any::TypeId, collections::HashMap, sync::LazyLock};

use audit_core::{FieldRule, KnownTables};
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DbErr, EntityTrait, IntoActiveModel};

pub(crate) use self::{
    names::{Audited, all, learn, mentioned, named, of_table},
    table_name::TableName,
};
use crate::{
    AuditTrail, Auditable, BaselineReport, Verification,
    capture::links::Junction,
    rules,
    trail::restore::{Of, Table},
};

/// What the program knows of an audited entity without naming its type.
#[derive(Debug)]
pub struct AuditedTable {
    entity: fn() -> TypeId,
    name: fn() -> TableName,
    is_named: fn(&TableName) -> bool,
    junction: Junction,
    table: &'static dyn Table,
    pub(crate) rules: fn() -> Vec<(&'static str, FieldRule)>,
    pub(crate) columns: fn() -> Vec<&'static str>,
    pub(crate) verify: fn(&DatabaseConnection) -> Work<'_, Verification>,
    pub(crate) baseline: fn(&DatabaseConnection) -> Work<'_, BaselineReport>,
}

type Work<'a, R> = BoxFuture<'a, Result<R, DbErr>>;

inventory::collect!(AuditedTable);

impl AuditedTable {
    /// What the derive enters into the registry.
    #[must_use]
    pub const fn of<E>() -> Self
    where
        E: Auditable,
        E::Model: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: Send + 'static,
    {
        Self {
            entity: TypeId::of::<E>,
            name: TableName::of::<E>,
            is_named: TableName::is_of::<E>,
            junction: Junction::of::<E>(),
            table: &Of::<E>::NEW,
            rules: rules::rules::<E>,
            columns: rules::columns::<E>,
            verify: |db| Box::pin(AuditTrail::verify(db, E::default())),
            baseline: |db| Box::pin(AuditTrail::baseline(E::default()).exec(db)),
        }
    }

    /// How its records are read and written.
    pub(crate) fn table(&self) -> &'static dyn Table {
        self.table
    }

    /// How it is written as the junction of a many-to-many relation.
    pub(crate) fn junction(&self) -> &Junction {
        &self.junction
    }
}

static BY_ENTITY: LazyLock<HashMap<TypeId, &'static AuditedTable>> = LazyLock::new(|| {
    inventory::iter::<AuditedTable>.into_iter().map(|facts| ((facts.entity)(), facts)).collect()
});

// A rule of a configuration for a table that the program does not have is an error.
inventory::submit! {
    KnownTables::new(
        |table| of_table(table).iter().any(|audited| audited.in_trail == table),
        || all().into_iter().flatten().map(|audited| audited.in_trail.clone()).collect(),
    )
}

/// All audited entities.
pub(crate) fn entities() -> impl Iterator<Item = &'static AuditedTable> {
    BY_ENTITY.values().copied()
}

/// The facts of an entity, if it is audited.
pub(crate) fn entity<E: EntityTrait>() -> Option<&'static AuditedTable> {
    BY_ENTITY.get(&TypeId::of::<E>()).copied()
}

/// The entities of a table by its name in the trail. There may be several: one for a part of the columns, or one of
/// another database. Entities without a schema are those of a table in any: the connection finds it.
pub(crate) fn tables(in_trail: &str) -> Vec<&'static dyn Table> {
    let found = tables_named(in_trail);
    match in_trail.split_once('.') {
        Some((_, unqualified)) if found.is_empty() => tables_named(unqualified),
        _ => found,
    }
}

fn tables_named(name: &str) -> Vec<&'static dyn Table> {
    let all = BY_ENTITY.values().map(|facts| facts.table);
    all.filter(|table| table.name() == name).collect()
}

/// How an entity reads and writes its records, if the derive has made it audited.
pub(crate) fn table_of<E: EntityTrait>() -> Option<&'static dyn Table> {
    entity::<E>().map(|facts| facts.table)
}
