//! The columns that the database fills by itself, as its catalogue tells.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

use crate::registry::TableName;

/// The columns of a table that take no value, or none without more ado.
#[derive(Clone, Debug, Default)]
pub(super) struct Generated {
    /// Those that are computed from others.
    pub(super) computed: BTreeSet<String>,
    /// Those that are `GENERATED ALWAYS AS IDENTITY`.
    pub(super) identities: BTreeSet<String>,
}

/// Computed is what takes no value at all; the rest are identities.
const POSTGRES: &str = "SELECT attname::text AS name, attgenerated <> '' AS computed FROM pg_attribute \
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped \
     AND (attgenerated <> '' OR attidentity = 'a')";
const MARIADB: &str = "SELECT COLUMN_NAME AS name, TRUE AS computed FROM information_schema.COLUMNS \
     WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND GENERATION_EXPRESSION <> ''";
/// 2 is a virtual column, 3 a stored one.
const SQLITE: &str =
    "SELECT name, TRUE AS computed FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)";
const SQLITE_IN_SCHEMA: &str =
    "SELECT name, TRUE AS computed FROM pragma_table_xinfo(?, ?) WHERE hidden IN (2, 3)";

impl Generated {
    /// `names` are those of the entity, which `SQLite` and `MariaDB` compare with theirs whatever the case.
    pub(super) async fn of<C: ConnectionTrait>(
        db: &C,
        table: TableName,
        names: &[String],
    ) -> Result<Self, DbErr> {
        let mut generated = Self::default();
        let backend = db.get_database_backend();
        for row in db.query_all_raw(statement(backend, table)).await? {
            let name: String = row.try_get("", "name")?;
            let is_it = |own: &&String| {
                **own == name || backend != DbBackend::Postgres && own.eq_ignore_ascii_case(&name)
            };
            let name = names.iter().find(is_it).cloned().unwrap_or(name);
            if row.try_get("", "computed")? {
                generated.computed.insert(name);
            } else {
                generated.identities.insert(name);
            }
        }
        Ok(generated)
    }
}

fn statement(backend: DbBackend, TableName { schema, table }: TableName) -> Statement {
    let (sql, values): (_, Vec<Value>) = match (backend, schema) {
        (DbBackend::Postgres, schema) => {
            let parts = schema.into_iter().chain([table]);
            let quoted: Vec<_> =
                parts.map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
            (POSTGRES, vec![quoted.join(".").into()])
        }
        (DbBackend::MySql, schema) => (MARIADB, vec![schema.into(), table.into()]),
        (_, None) => (SQLITE, vec![table.into()]),
        (_, Some(schema)) => (SQLITE_IN_SCHEMA, vec![table.into(), schema.into()]),
    };
    Statement::from_sql_and_values(backend, sql, values)
}
