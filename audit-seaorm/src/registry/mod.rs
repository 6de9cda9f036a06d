//! Which tables of the program are audited. The derive enters each entity at link time, so that whoever
//! knows a table by name alone finds out.

mod names;
mod table_name;

use std::{any::TypeId, collections::HashMap, sync::LazyLock};

use sea_orm::{EntityTrait, IntoActiveModel};

pub(crate) use self::{
    names::{Audited, all, learn, mentioned, named},
    table_name::TableName,
};
use crate::{
    Auditable,
    capture::links::Junction,
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
}

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
        }
    }

    /// How it is written as the junction of a many-to-many relation.
    pub(crate) fn junction(&self) -> &Junction {
        &self.junction
    }
}

static BY_ENTITY: LazyLock<HashMap<TypeId, &'static AuditedTable>> = LazyLock::new(|| {
    inventory::iter::<AuditedTable>.into_iter().map(|facts| ((facts.entity)(), facts)).collect()
});

/// The facts of an entity, if it is audited.
pub(crate) fn entity<E: EntityTrait>() -> Option<&'static AuditedTable> {
    BY_ENTITY.get(&TypeId::of::<E>()).copied()
}

/// The entities of a table by its name in the trail. There may be several: one for a part of the columns, or one of
/// another database.
pub(crate) fn tables(in_trail: &str) -> impl Iterator<Item = &'static dyn Table> {
    let all = BY_ENTITY.values().map(|facts| facts.table);
    all.filter(move |table| table.name() == in_trail)
}

/// How an entity reads and writes its records, if the derive has made it audited.
pub(crate) fn table_of<E: EntityTrait>() -> Option<&'static dyn Table> {
    entity::<E>().map(|facts| facts.table)
}
