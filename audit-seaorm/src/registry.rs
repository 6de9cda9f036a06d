//! Which tables of the program are audited. The derive enters each entity at link time, so that whoever
//! knows a table by name alone finds out.

use std::{any::TypeId, collections::HashMap, fmt, sync::LazyLock};

use audit_core::{FieldRule, KnownTables};
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DbErr, EntityTrait, IntoActiveModel};

use crate::{
    AuditTrail, Auditable, BaselineReport, Verification,
    capture::links::Junction,
    record, rules,
    trail::restore::{Of, Table},
};

/// What the program knows of an audited entity without naming its type.
#[derive(Debug)]
pub struct AuditedTable {
    entity: fn() -> TypeId,
    name: fn() -> TableName,
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

/// A table as an entity or a statement names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

impl TableName {
    pub(crate) fn of<E: EntityTrait>() -> Self {
        let entity = E::default();
        Self {
            schema: entity.schema_name().map(str::to_owned),
            table: entity.table_name().to_owned(),
        }
    }
}

/// An entry of the registry, its names worked out.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(crate) name: TableName,
    /// The table's name in the trail.
    pub(crate) in_trail: String,
    pub(crate) facts: &'static AuditedTable,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&record::qualified(self.schema.as_deref(), &self.table))
    }
}

impl TableName {
    /// Schemas are compared only where both name one: which schema an unqualified name is looked up in is
    /// the database's to know.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        let same_schema = match (&self.schema, &other.schema) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => true,
        };
        same_schema && self.table.to_lowercase() == other.table.to_lowercase()
    }
}

#[derive(Default)]
struct Index {
    /// By the name without its schema, in lower case.
    by_name: HashMap<String, Vec<Audited>>,
    /// The names among them that are more than one word of a text.
    odd: Vec<String>,
    by_entity: HashMap<TypeId, &'static AuditedTable>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for facts in inventory::iter::<AuditedTable> {
        let name = (facts.name)();
        let in_trail = record::qualified(name.schema.as_deref(), &name.table);
        let key = name.table.to_lowercase();
        index.by_name.entry(key).or_default().push(Audited { name, in_trail, facts });
        index.by_entity.insert((facts.entity)(), facts);
    }
    let is_odd = |name: &&String| !name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    index.odd = index.by_name.keys().filter(is_odd).cloned().collect();
    index
});

/// The audited tables that this name may mean.
pub(crate) fn named(name: &TableName) -> impl Iterator<Item = &'static Audited> {
    let found = INDEX.by_name.get(&name.table.to_lowercase());
    found.into_iter().flatten().filter(|audited| audited.name.may_be(name))
}

/// The entities that a table may have, by its name in the trail.
pub(crate) fn of_table(in_trail: &str) -> Vec<&'static Audited> {
    let parts = |schema: Option<&str>, table: &str| TableName {
        schema: schema.map(str::to_owned),
        table: table.to_owned(),
    };
    let in_schema = in_trail.rsplit_once('.').map(|(schema, table)| parts(Some(schema), table));
    // A dot may be of the name itself.
    let names = in_schema.into_iter().chain([parts(None, in_trail)]);
    names.flat_map(|name| named(&name).collect::<Vec<_>>()).collect()
}

// A rule of a configuration for a table that the program does not have is an error.
inventory::submit! {
    KnownTables::new(
        |table| of_table(table).iter().any(|audited| audited.in_trail == table),
        || all().into_iter().flatten().map(|audited| audited.in_trail.clone()).collect(),
    )
}

/// The audited tables whose names are in a text, of which `words` are the words, those of the same
/// name together. It may find too many.
pub(crate) fn mentioned<'a>(
    text: &str,
    words: impl Iterator<Item = &'a str>,
) -> Vec<&'static [Audited]> {
    let mut found: Vec<_> =
        words.filter_map(|word| INDEX.by_name.get_key_value(&word.to_ascii_lowercase())).collect();
    if !INDEX.odd.is_empty() {
        let text = text.to_lowercase();
        // A quote in a name is doubled in a text.
        let is_in = |name: &&String| name.contains(['"', '`']) || text.contains(name.as_str());
        let odd = INDEX.odd.iter().filter(is_in);
        found.extend(odd.filter_map(|name| INDEX.by_name.get_key_value(name)));
    }
    found.sort_unstable_by_key(|(name, _)| *name);
    found.dedup_by_key(|(name, _)| *name);
    found.into_iter().map(|(_, tables)| tables.as_slice()).collect()
}

/// All audited entities.
pub(crate) fn entities() -> impl Iterator<Item = &'static AuditedTable> {
    INDEX.by_entity.values().copied()
}

/// All audited tables, those of the same name together.
pub(crate) fn all() -> Vec<&'static [Audited]> {
    INDEX.by_name.values().map(Vec::as_slice).collect()
}

/// The facts of an entity, if it is audited.
pub(crate) fn entity<E: EntityTrait>() -> Option<&'static AuditedTable> {
    INDEX.by_entity.get(&TypeId::of::<E>()).copied()
}

/// The entities of a table by its name in the trail. There may be several: one for a part of the columns, or one of
/// another database.
pub(crate) fn tables(in_trail: &str) -> impl Iterator<Item = &'static dyn Table> {
    let all = INDEX.by_entity.values().map(|facts| facts.table);
    all.filter(move |table| table.name() == in_trail)
}

/// How an entity reads and writes its records, if the derive has made it audited.
pub(crate) fn table_of<E: EntityTrait>() -> Option<&'static dyn Table> {
    entity::<E>().map(|facts| facts.table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(dead_code, unreachable_pub, reason = "an entity is written as applications write it")]
    mod post {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
        #[sea_orm(table_name = "Registry_post", schema_name = "blog")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
        }
    }

    fn found(schema: Option<&str>, table: &str) -> Vec<&'static str> {
        let name = TableName { schema: schema.map(str::to_owned), table: table.to_owned() };
        named(&name).map(|audited| audited.in_trail.as_str()).collect()
    }

    #[test]
    fn a_derive_enters_the_table() {
        assert_eq!(found(Some("blog"), "Registry_post"), ["blog.Registry_post"]);
        assert_eq!(found(Some("BLOG"), "registry_POST"), ["blog.Registry_post"]);
        assert_eq!(found(None, "registry_post"), ["blog.Registry_post"]);
        assert!(found(Some("shop"), "registry_post").is_empty());
        assert!(found(None, "registry").is_empty());
        assert!(entity::<post::Entity>().is_some());
        assert!(entity::<crate::entity::Entity>().is_none());
    }
}
