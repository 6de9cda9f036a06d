use std::fmt;

use audit_core::AuditConfig;
use sea_orm::{
    DatabaseConnection, DbBackend, DbErr, FromQueryResult, Statement, sea_query::ForeignKeyAction,
};

use crate::{
    record,
    registry::{self, TableName},
};

/// A foreign key by which the database changes audited records by itself, and nobody sees it.
///
/// [`AuditConnection::cascades`](crate::AuditConnection::cascades) lists them. Make the key `RESTRICT` or
/// `NO ACTION` and write the children first: `cascade_delete` and the `delete` of `SeaORM`'s
/// `ActiveModelEx` do, and leave an entry for each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cascade {
    /// The table referred to, of which a delete or an update is what sets it off.
    pub parent: String,
    /// The columns referred to. None where `SQLite` was not told: then they are the primary key.
    pub parent_columns: Vec<String>,
    /// The audited table whose rows the database deletes or changes.
    pub child: String,
    /// The columns that refer to the parent.
    pub child_columns: Vec<String>,
    /// The name of the constraint. `SQLite` keeps none.
    pub constraint: Option<String>,
    /// What happens to the child's rows when the parent's are deleted.
    pub on_delete: ForeignKeyAction,
    /// What happens to the child's rows when the parent's keys change.
    pub on_update: ForeignKeyAction,
}

impl Cascade {
    /// Those of the database that concern a table whose changes are recorded, by one query.
    pub(super) async fn all(db: &DatabaseConnection) -> Result<Vec<Self>, DbErr> {
        let backend = db.get_database_backend();
        let query = Statement::from_string(backend, query(backend));
        let columns = KeyPart::find_by_statement(query).all(db).await?;
        let config = AuditConfig::current();
        let columns = columns.into_iter().filter(|column| {
            let name =
                TableName { schema: column.child_schema.clone(), table: column.child.clone() };
            registry::named(&name).any(|audited| config.records(&audited.in_trail))
        });
        Ok(gathered(columns))
    }
}

impl fmt::Display for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.constraint.as_deref().unwrap_or("a foreign key");
        let columns = self.child_columns.join(", ");
        write!(f, "{name}: `{}` ({columns}) refers to `{}`", self.child, self.parent)?;
        for (event, action) in [("DELETE", self.on_delete), ("UPDATE", self.on_update)] {
            if let Some(action) = word(action) {
                write!(f, " ON {event} {action}")?;
            }
        }
        Ok(())
    }
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
            r#"SELECT NULL AS parent_schema, f."table" AS parent, f."to" AS parent_column,
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

fn gathered(columns: impl Iterator<Item = KeyPart>) -> Vec<Cascade> {
    let mut found: Vec<(String, Cascade)> = Vec::new();
    for column in columns {
        let child = record::qualified(column.child_schema.as_deref(), &column.child);
        let of_last = found.last().is_some_and(|(key, it)| *key == column.key && it.child == child);
        if !of_last {
            // SQLite numbers the keys of a table.
            let named = !column.key.bytes().all(|byte| byte.is_ascii_digit());
            let cascade = Cascade {
                parent: record::qualified(column.parent_schema.as_deref(), &column.parent),
                parent_columns: Vec::new(),
                child,
                child_columns: Vec::new(),
                constraint: named.then(|| column.key.clone()),
                on_delete: action(&column.on_delete),
                on_update: action(&column.on_update),
            };
            found.push((column.key, cascade));
        }
        if let Some((_, cascade)) = found.last_mut() {
            cascade.parent_columns.extend(column.parent_column);
            cascade.child_columns.push(column.child_column);
        }
    }
    found.into_iter().map(|(_, cascade)| cascade).collect()
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

/// What it is called if it changes the child.
fn word(action: ForeignKeyAction) -> Option<&'static str> {
    match action {
        ForeignKeyAction::Cascade => Some("CASCADE"),
        ForeignKeyAction::SetNull => Some("SET NULL"),
        ForeignKeyAction::SetDefault => Some("SET DEFAULT"),
        _ => None,
    }
}
