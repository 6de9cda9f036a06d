use std::fmt;

use sea_orm::EntityTrait;

use crate::record;

/// A table as an entity or a statement names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

impl TableName {
    /// The name that the entity has at this moment. An entity may take it from the task that asks, as one does
    /// whose schema is that of a tenant.
    pub(crate) fn of<E: EntityTrait>() -> Self {
        let entity = E::default();
        Self {
            schema: entity.schema_name().map(str::to_owned),
            table: entity.table_name().to_owned(),
        }
    }

    /// Whether the entity has this name at this moment.
    pub(crate) fn is_of<E: EntityTrait>(&self) -> bool {
        let entity = E::default();
        self.table == entity.table_name() && self.schema.as_deref() == entity.schema_name()
    }

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

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&record::qualified(self.schema.as_deref(), &self.table))
    }
}
