//! The names of the audited tables, for who has nothing but a name.
//!
//! An entity may name its table by the moment. Every name that one has had counts from then on, as its table
//! is there still, and so does every schema once an entity has been in two.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use super::{AuditedTable, TableName};

static NAMES: LazyLock<RwLock<Arc<Names>>> =
    LazyLock::new(|| RwLock::new(Arc::new(Names::first())));

/// A name of an audited table.
#[derive(Debug)]
pub(crate) struct Audited {
    pub(crate) name: TableName,
    /// The table's name in the trail.
    pub(crate) in_trail: String,
    pub(crate) facts: &'static AuditedTable,
}

impl Audited {
    fn new(name: TableName, facts: &'static AuditedTable) -> Arc<Self> {
        Arc::new(Self { in_trail: name.to_string(), name, facts })
    }
}

/// Notes the names that the audited entities have at this moment. What was worked out from the names holds for as
/// long as the number that this returns stays the same.
pub(crate) fn learn() -> usize {
    let known = names();
    if known.are_current() {
        return known.learned;
    }
    let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    if !names.are_current() {
        *names = Arc::new(names.with_current());
    }
    names.learned
}

/// The audited tables that this name may mean, first those of the same schema.
pub(crate) fn named(name: &TableName) -> Vec<Arc<Audited>> {
    let names = names();
    let Some(tables) = names.by_table.get(&name.table.to_lowercase()) else {
        return Vec::new();
    };
    let may_be = tables.tables.iter().filter(|audited| audited.name.may_be(name));
    let mut found: Vec<_> = may_be.cloned().collect();
    found.sort_by_key(|audited| audited.name.schema != name.schema);
    if found.is_empty() {
        return tables.anywhere.iter().map(|facts| Audited::new(name.clone(), facts)).collect();
    }
    found
}

/// The entities that a table may have, by its name in the trail.
pub(crate) fn of_table(in_trail: &str) -> Vec<Arc<Audited>> {
    learn();
    let parts = |schema: Option<&str>, table: &str| TableName {
        schema: schema.map(str::to_owned),
        table: table.to_owned(),
    };
    let in_schema = in_trail.rsplit_once('.').map(|(schema, table)| parts(Some(schema), table));
    // A dot may be of the name itself.
    let names = in_schema.into_iter().chain([parts(None, in_trail)]);
    names.flat_map(|name| named(&name)).collect()
}

/// The audited tables whose names are in a text, of which `words` are the words, those of the same
/// name together. It may find too many.
pub(crate) fn mentioned<'a>(
    text: &str,
    words: impl Iterator<Item = &'a str>,
) -> Vec<Vec<Arc<Audited>>> {
    let names = names();
    let mut found: Vec<_> =
        words.filter_map(|word| names.by_table.get_key_value(&word.to_ascii_lowercase())).collect();
    if !names.odd.is_empty() {
        let text = text.to_lowercase();
        // A quote in a name is doubled in a text.
        let is_in = |name: &&String| name.contains(['"', '`']) || text.contains(name.as_str());
        let odd = names.odd.iter().filter(is_in);
        found.extend(odd.filter_map(|name| names.by_table.get_key_value(name)));
    }
    found.sort_unstable_by_key(|(name, _)| *name);
    found.dedup_by_key(|(name, _)| *name);
    found.into_iter().map(|(_, tables)| tables.tables.clone()).collect()
}

/// All audited tables, those of the same name together.
pub(crate) fn all() -> Vec<Vec<Arc<Audited>>> {
    names().by_table.values().map(|tables| tables.tables.clone()).collect()
}

fn names() -> Arc<Names> {
    Arc::clone(&NAMES.read().unwrap_or_else(PoisonError::into_inner))
}

#[derive(Clone, Debug, Default)]
struct Names {
    /// How often one has been added.
    learned: usize,
    entities: Vec<Named>,
    /// By the name without its schema, in lower case.
    by_table: HashMap<String, Tables>,
    /// The names among them that are more than one word of a text.
    odd: Vec<String>,
}

/// An entity and the names that it has had.
#[derive(Clone, Debug)]
struct Named {
    facts: &'static AuditedTable,
    first: TableName,
    all: HashSet<TableName>,
}

#[derive(Clone, Debug, Default)]
struct Tables {
    tables: Vec<Arc<Audited>>,
    /// The entities that have been in several schemas, and may be in any.
    anywhere: Vec<&'static AuditedTable>,
}

impl Names {
    fn first() -> Self {
        let entities = inventory::iter::<AuditedTable>.into_iter().map(Named::new).collect();
        let mut names = Self { entities, ..Self::default() };
        names.index();
        names
    }

    fn are_current(&self) -> bool {
        self.entities.iter().all(Named::is_current)
    }

    fn with_current(&self) -> Self {
        let mut names = self.clone();
        names.learned += 1;
        for entity in &mut names.entities {
            entity.all.insert((entity.facts.name)());
        }
        names.index();
        names
    }

    fn index(&mut self) {
        self.by_table.clear();
        for Named { facts, all, .. } in &self.entities {
            for name in all {
                let tables = self.by_table.entry(name.table.to_lowercase()).or_default();
                tables.tables.push(Audited::new(name.clone(), facts));
                let other = |it: &TableName| it.table == name.table && it.schema != name.schema;
                if all.iter().any(other)
                    && !tables.anywhere.iter().any(|it| std::ptr::eq(*it, *facts))
                {
                    tables.anywhere.push(facts);
                }
            }
        }
        let is_odd =
            |name: &&String| !name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        self.odd = self.by_table.keys().filter(is_odd).cloned().collect();
    }
}

impl Named {
    fn new(facts: &'static AuditedTable) -> Self {
        let first = (facts.name)();
        Self { facts, all: HashSet::from([first.clone()]), first }
    }

    fn is_current(&self) -> bool {
        // Most entities have one name, and are asked for each statement that a guard looks at.
        (self.facts.is_named)(&self.first) || self.all.contains(&(self.facts.name)())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static SCHEMA: Cell<&'static str> = const { Cell::new("t_a") };
    }

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

    #[allow(dead_code, unreachable_pub, reason = "an entity is written as applications write it")]
    mod note {
        use audit_seaorm::Auditable;
        use sea_orm::entity::prelude::*;

        #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
        pub struct Entity;

        impl EntityName for Entity {
            fn schema_name(&self) -> Option<&str> {
                Some(super::SCHEMA.get())
            }
            fn table_name(&self) -> &'static str {
                "registry_note"
            }
        }

        #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel, Auditable)]
        pub struct Model {
            pub id: i32,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
        pub enum Column {
            Id,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DerivePrimaryKey)]
        pub enum PrimaryKey {
            Id,
        }

        impl PrimaryKeyTrait for PrimaryKey {
            type ValueType = i32;
            fn auto_increment() -> bool {
                true
            }
        }

        impl ColumnTrait for Column {
            type EntityName = Entity;
            fn def(&self) -> ColumnDef {
                ColumnType::Integer.def()
            }
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}
    }

    fn found(schema: Option<&str>, table: &str) -> Vec<String> {
        let name = TableName { schema: schema.map(str::to_owned), table: table.to_owned() };
        named(&name).iter().map(|audited| audited.in_trail.clone()).collect()
    }

    #[test]
    fn a_derive_enters_the_table() {
        learn();
        assert_eq!(found(Some("blog"), "Registry_post"), ["blog.Registry_post"]);
        assert_eq!(found(Some("BLOG"), "registry_POST"), ["blog.Registry_post"]);
        assert_eq!(found(None, "registry_post"), ["blog.Registry_post"]);
        assert!(found(Some("shop"), "registry_post").is_empty());
        assert!(found(None, "registry").is_empty());
    }

    #[test]
    fn each_name_that_an_entity_has_had_counts() {
        let first = learn();
        assert_eq!(learn(), first);
        assert_eq!(found(Some("t_a"), "registry_note"), ["t_a.registry_note"]);
        assert!(found(Some("t_c"), "registry_note").is_empty());
        SCHEMA.set("t_b");
        assert!(learn() > first);
        assert_eq!(found(Some("t_a"), "registry_note"), ["t_a.registry_note"]);
        assert_eq!(found(Some("t_b"), "registry_note"), ["t_b.registry_note"]);
        assert_eq!(found(Some("t_c"), "registry_note"), ["t_c.registry_note"]);
    }
}
