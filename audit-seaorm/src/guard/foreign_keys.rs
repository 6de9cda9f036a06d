use audit_core::AuditConfig;
use sea_orm::{
    DatabaseConnection, DbBackend, DbErr, FromQueryResult, Statement, sea_query::ForeignKeyAction,
};

use super::cascade::{Cascade, word};
use crate::registry::{self, TableName};

/// The foreign keys by which the database writes rows by itself.
#[derive(Debug)]
pub(crate) struct ForeignKeys(Vec<ForeignKey>);

#[derive(Debug)]
pub(crate) struct ForeignKey {
    pub(crate) parent: TableName,
    pub(crate) child: TableName,
    pub(crate) facts: Cascade,
}

/// From a deleted row by way of rows that go with it to one that the database changes, too: of a table
/// whose changes are recorded, or of one that the way has been through already.
pub(crate) type Path<'a> = Vec<&'a ForeignKey>;

impl ForeignKeys {
    /// Those of the database, by one query.
    pub(super) async fn read(db: &DatabaseConnection) -> Result<Self, DbErr> {
        let backend = db.get_database_backend();
        let query = Statement::from_string(backend, query(backend));
        let columns = KeyPart::find_by_statement(query).all(db).await?;
        Ok(Self(gathered(columns)))
    }

    /// Those by which records are changed.
    pub(super) fn cascades(&self, config: &AuditConfig) -> Vec<Cascade> {
        let recorded = self.0.iter().filter(|key| is_recorded(&key.child, config));
        recorded.map(|key| key.facts.clone()).collect()
    }

    /// How a delete of this table reaches records.
    pub(crate) fn paths(&self, parent: &TableName, config: &AuditConfig) -> Vec<Path<'_>> {
        let mut found = Vec::new();
        let mut open: Vec<Path<'_>> = self.from(parent).map(|key| vec![key]).collect();
        while let Some(path) = open.pop() {
            let Some(last) = path.last() else { continue };
            let turns_back = path.iter().any(|key| key.parent.may_be(&last.child));
            if is_recorded(&last.child, config) || turns_back {
                found.push(path);
            } else if matches!(last.facts.on_delete, ForeignKeyAction::Cascade) {
                open.extend(self.from(&last.child).map(|key| [&*path, &[key]].concat()));
            }
        }
        // A way round that leads nowhere is none.
        if found.iter().any(|path| path.last().is_some_and(|key| is_recorded(&key.child, config))) {
            found
        } else {
            Vec::new()
        }
    }

    /// The tables of which a row may take others along, and whose own changes are not recorded.
    pub(super) fn unrecorded_parents<'a>(
        &'a self,
        config: &'a AuditConfig,
    ) -> impl Iterator<Item = &'a TableName> {
        self.0.iter().map(|key| &key.parent).filter(|parent| !is_recorded(parent, config))
    }

    fn from(&self, parent: &TableName) -> impl Iterator<Item = &ForeignKey> {
        self.0.iter().filter(|key| key.parent.may_be(parent) && word(key.facts.on_delete).is_some())
    }
}

fn is_recorded(table: &TableName, config: &AuditConfig) -> bool {
    registry::named(table).iter().any(|audited| config.records(&audited.in_trail))
}

/// One column of one foreign key.
#[derive(FromQueryResult)]
struct KeyPart {
    parent_schema: Option<String>,
    parent: String,
    parent_column: Option<String>,
    child_schema: Option<String>,
    child: String,
    child_column: String,
    key: String,
    on_delete: String,
    on_update: String,
}

/// Each names the schema only where the table is not found without it, and lists the columns of a key one
/// after the other.
fn query(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => {
            r#"SELECT NULL AS parent_schema, f."table" AS parent, 
                      coalesce(f."to", (SELECT p.name FROM pragma_table_info(f."table") p
                                        WHERE p.pk = f.seq + 1)) AS parent_column,
                      NULL AS child_schema, m.name AS child, f."from" AS child_column,
                      CAST(f.id AS TEXT) AS "key", f.on_delete, f.on_update
               FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
               WHERE m.type = 'table' AND (f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
                  OR f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
               ORDER BY m.name, f.id, f.seq"#
        }
        DbBackend::MySql => {
            "SELECT NULLIF(k.referenced_table_schema, DATABASE()) AS parent_schema,
                    k.referenced_table_name AS parent, k.referenced_column_name AS parent_column,
                    NULLIF(k.table_schema, DATABASE()) AS child_schema,
                    k.table_name AS child, k.column_name AS child_column,
                    k.constraint_name AS `key`, r.delete_rule AS on_delete, r.update_rule AS on_update
             FROM information_schema.referential_constraints r
             JOIN information_schema.key_column_usage k
               ON k.constraint_schema = r.constraint_schema AND k.constraint_name = r.constraint_name
              AND k.table_name = r.table_name
             WHERE DATABASE() IN (r.constraint_schema, r.unique_constraint_schema)
               AND (r.delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
                 OR r.update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
             ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position"
        }
        _ => {
            "SELECT CASE WHEN pg_table_is_visible(p.oid) THEN NULL
                         ELSE p.relnamespace::regnamespace::text END AS parent_schema,
                    p.relname::text AS parent, pa.attname::text AS parent_column,
                    CASE WHEN pg_table_is_visible(c.oid) THEN NULL
                         ELSE c.relnamespace::regnamespace::text END AS child_schema,
                    c.relname::text AS child, ca.attname::text AS child_column,
                    f.conname::text AS key, f.confdeltype::text AS on_delete, f.confupdtype::text AS on_update
             FROM pg_constraint f
             JOIN pg_class p ON p.oid = f.confrelid
             JOIN pg_class c ON c.oid = f.conrelid
             CROSS JOIN unnest(f.confkey, f.conkey) WITH ORDINALITY AS k (parent, child, position)
             JOIN pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = k.parent
             JOIN pg_attribute ca ON ca.attrelid = c.oid AND ca.attnum = k.child
             WHERE f.contype = 'f' AND (f.confdeltype IN ('c', 'n', 'd') OR f.confupdtype IN ('c', 'n', 'd'))
             ORDER BY c.oid, f.oid, k.position"
        }
    }
}

fn gathered(columns: Vec<KeyPart>) -> Vec<ForeignKey> {
    let mut found: Vec<(String, ForeignKey)> = Vec::new();
    for column in columns {
        let child = TableName { schema: column.child_schema, table: column.child };
        let of_last = found.last().is_some_and(|(key, it)| *key == column.key && it.child == child);
        if !of_last {
            let parent = TableName { schema: column.parent_schema, table: column.parent };
            // SQLite numbers the keys of a table.
            let named = !column.key.bytes().all(|byte| byte.is_ascii_digit());
            let facts = Cascade {
                parent: parent.to_string(),
                parent_columns: Vec::new(),
                child: child.to_string(),
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
    found.into_iter().map(|(_, key)| key).collect()
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
