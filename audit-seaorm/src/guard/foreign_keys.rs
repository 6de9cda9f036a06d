use std::sync::Arc;

use audit_core::AuditConfig;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, FromQueryResult, Statement, sea_query::ForeignKeyAction,
};

use super::cascade::{Cascade, word};
use crate::registry::{self, TableName};

/// The foreign keys by which the database writes rows by itself.
#[derive(Debug)]
pub(crate) struct ForeignKeys(Vec<Arc<ForeignKey>>);

#[derive(Debug)]
pub(crate) struct ForeignKey {
    pub(crate) parent: KeyTable,
    pub(crate) child: KeyTable,
    pub(crate) facts: Cascade,
}

/// A table at one end of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyTable {
    /// With its schema where the connection does not find it without.
    pub(crate) name: TableName,
    /// None on `SQLite`.
    schema: Option<String>,
    /// Whether a statement may mean it without naming the schema.
    unqualified: bool,
}

impl KeyTable {
    /// Whether an entity or a statement may mean this table.
    fn may_be(&self, named: &TableName) -> bool {
        let same_schema = match (&named.schema, &self.schema) {
            (Some(named), Some(schema)) => named.to_lowercase() == schema.to_lowercase(),
            (Some(_), None) => true,
            (None, _) => self.unqualified,
        };
        same_schema && self.name.table.to_lowercase() == named.table.to_lowercase()
    }

    pub(super) fn is_any_of(&self, all: &[TableName]) -> bool {
        all.iter().any(|named| self.may_be(named))
    }

    fn is(&self, other: &Self) -> bool {
        let lower =
            |it: &Self| (it.schema.as_deref().map(str::to_lowercase), it.name.table.to_lowercase());
        lower(self) == lower(other)
    }

    fn is_recorded(&self, config: &AuditConfig) -> bool {
        let name = TableName { schema: self.schema.clone(), table: self.name.table.clone() };
        registry::named(&name)
            .iter()
            .any(|audited| self.may_be(&audited.name) && config.records(&audited.in_trail))
    }
}

/// From a deleted row by way of rows that go with it to one that the database changes, too: of a table
/// whose changes are recorded, or of one that the way has been through already.
pub(crate) type Path = Vec<Arc<ForeignKey>>;

impl ForeignKeys {
    /// Those of the database, by one query.
    pub(super) async fn read(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let backend = db.get_database_backend();
        let query = Statement::from_string(backend, query(backend));
        let columns = KeyPart::find_by_statement(query).all(db).await?;
        Ok(Self(gathered(backend, columns)))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those by which records are changed.
    pub(super) fn cascades(&self, config: &AuditConfig) -> Vec<Cascade> {
        let recorded = self.0.iter().filter(|key| key.child.is_recorded(config));
        recorded.map(|key| key.facts.clone()).collect()
    }

    /// How a delete of this table reaches records.
    pub(super) fn paths(&self, parent: &TableName, config: &AuditConfig) -> Vec<Path> {
        self.paths_from(|key| key.parent.may_be(parent), config)
    }

    /// How a delete reaches records from a table that one of these keys refers to.
    pub(super) fn paths_of(&self, parent: &KeyTable, config: &AuditConfig) -> Vec<Path> {
        self.paths_from(|key| key.parent.is(parent), config)
    }

    fn paths_from(
        &self,
        is_first: impl Fn(&ForeignKey) -> bool,
        config: &AuditConfig,
    ) -> Vec<Path> {
        let mut found = Vec::new();
        let mut open: Vec<Path> = self.deleting(is_first).map(|key| vec![key]).collect();
        while let Some(path) = open.pop() {
            let Some(last) = path.last() else { continue };
            let turns_back = path.iter().any(|key| key.parent.is(&last.child));
            if last.child.is_recorded(config) || turns_back {
                found.push(path);
            } else if matches!(last.facts.on_delete, ForeignKeyAction::Cascade) {
                let next = self.deleting(|key| key.parent.is(&last.child));
                open.extend(next.map(|key| [&*path, &[key]].concat()));
            }
        }
        // A way round that leads nowhere is none.
        let leads_to_records =
            |path: &Path| path.last().is_some_and(|key| key.child.is_recorded(config));
        if found.iter().any(leads_to_records) { found } else { Vec::new() }
    }

    /// The tables of which a row may take others along, and whose own changes are not recorded.
    pub(super) fn unrecorded_parents(
        &self,
        config: &AuditConfig,
    ) -> impl Iterator<Item = &KeyTable> {
        self.0.iter().map(|key| &key.parent).filter(|parent| !parent.is_recorded(config))
    }

    fn deleting(
        &self,
        is_meant: impl Fn(&ForeignKey) -> bool,
    ) -> impl Iterator<Item = Arc<ForeignKey>> {
        let changes_child = |key: &&Arc<ForeignKey>| word(key.facts.on_delete).is_some();
        self.0.iter().filter(changes_child).filter(move |key| is_meant(key)).cloned()
    }
}

/// One column of one foreign key.
#[derive(FromQueryResult)]
struct KeyPart {
    /// `None` where the table is found without it.
    parent_prefix: Option<String>,
    parent_schema: Option<String>,
    parent: String,
    parent_column: Option<String>,
    child_prefix: Option<String>,
    child_schema: Option<String>,
    child: String,
    child_column: String,
    key: String,
    on_delete: String,
    on_update: String,
}

/// Each lists the columns of a key one after the other.
fn query(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => SQLITE,
        DbBackend::MySql => MARIADB,
        _ => POSTGRES,
    }
}

const SQLITE: &str = r#"
    SELECT NULL AS parent_prefix, NULL AS parent_schema, f."table" AS parent,
           coalesce(f."to", (SELECT p.name FROM pragma_table_info(f."table") p
                             WHERE p.pk = f.seq + 1)) AS parent_column,
           NULL AS child_prefix, NULL AS child_schema, m.name AS child, f."from" AS child_column,
           CAST(f.id AS TEXT) AS "key", f.on_delete, f.on_update
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table' AND (f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
       OR f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
    ORDER BY m.name, f.id, f.seq"#;

/// Keys of all databases that the user may see: an entity may be in another one than the connection.
const MARIADB: &str = "
    SELECT NULLIF(k.referenced_table_schema, DATABASE()) AS parent_prefix,
           k.referenced_table_schema AS parent_schema,
           k.referenced_table_name AS parent, k.referenced_column_name AS parent_column,
           NULLIF(k.table_schema, DATABASE()) AS child_prefix, k.table_schema AS child_schema,
           k.table_name AS child, k.column_name AS child_column,
           k.constraint_name AS `key`, r.delete_rule AS on_delete, r.update_rule AS on_update
    FROM information_schema.referential_constraints r
    JOIN information_schema.key_column_usage k
      ON k.constraint_schema = r.constraint_schema AND k.constraint_name = r.constraint_name
     AND k.table_name = r.table_name
    WHERE r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
       OR r.update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
    ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position";

/// A key of a partition counts as one of the whole table; those that a partition has from its table are left
/// out.
const POSTGRES: &str = "
    SELECT CASE WHEN pg_table_is_visible(p.oid) THEN NULL ELSE pn.nspname::text END AS parent_prefix,
           pn.nspname::text AS parent_schema,
           p.relname::text AS parent, pa.attname::text AS parent_column,
           CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE cn.nspname::text END AS child_prefix,
           cn.nspname::text AS child_schema,
           c.relname::text AS child, ca.attname::text AS child_column,
           f.conname::text AS key, f.confdeltype::text AS on_delete, f.confupdtype::text AS on_update
    FROM pg_constraint f
    JOIN pg_class p ON p.oid = coalesce(pg_partition_root(f.confrelid), f.confrelid)
    JOIN pg_namespace pn ON pn.oid = p.relnamespace
    JOIN pg_class c ON c.oid = coalesce(pg_partition_root(f.conrelid), f.conrelid)
    JOIN pg_namespace cn ON cn.oid = c.relnamespace
    CROSS JOIN unnest(f.confkey, f.conkey) WITH ORDINALITY AS k (parent, child, position)
    JOIN pg_attribute pa ON pa.attrelid = f.confrelid AND pa.attnum = k.parent
    JOIN pg_attribute ca ON ca.attrelid = f.conrelid AND ca.attnum = k.child
    WHERE f.contype = 'f' AND f.conparentid = 0
      AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))
    ORDER BY c.oid, f.oid, k.position";

fn gathered(backend: DbBackend, columns: Vec<KeyPart>) -> Vec<Arc<ForeignKey>> {
    let mut found: Vec<(String, ForeignKey)> = Vec::new();
    for column in columns {
        let table = |prefix: Option<String>, schema, table| KeyTable {
            schema,
            // A search path may be another one in each transaction.
            unqualified: prefix.is_none() || backend != DbBackend::MySql,
            name: TableName { schema: prefix, table },
        };
        let child = table(column.child_prefix, column.child_schema, column.child);
        let of_last = found.last().is_some_and(|(key, it)| *key == column.key && it.child == child);
        if !of_last {
            let parent = table(column.parent_prefix, column.parent_schema, column.parent);
            // SQLite numbers the keys of a table.
            let named = !column.key.bytes().all(|byte| byte.is_ascii_digit());
            let facts = Cascade {
                parent: parent.name.to_string(),
                parent_columns: Vec::new(),
                child: child.name.to_string(),
                child_columns: Vec::new(),
                constraint: named.then(|| column.key.clone()),
                on_delete: action(&column.on_delete),
                on_update: action(&column.on_update),
            };
            found.push((column.key, ForeignKey { parent, child, facts }));
        }
        if let Some((_, key)) = found.last_mut() {
            key.facts.parent_columns.extend(column.parent_column);
            key.facts.child_columns.push(column.child_column);
        }
    }
    found.into_iter().map(|(_, key)| Arc::new(key)).collect()
}

fn action(word: &str) -> ForeignKeyAction {
    match word {
        "CASCADE" | "c" => ForeignKeyAction::Cascade,
        "SET NULL" | "n" => ForeignKeyAction::SetNull,
        "SET DEFAULT" | "d" => ForeignKeyAction::SetDefault,
        "RESTRICT" | "r" => ForeignKeyAction::Restrict,
        _ => ForeignKeyAction::NoAction,
    }
}
