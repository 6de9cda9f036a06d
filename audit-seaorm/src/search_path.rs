//! Which table an unqualified name means on a connection of `PostgreSQL`.
//!
//! An entity without a schema writes the table that the connection's `search_path` finds first. Tenants may have a
//! schema each and one trail together, so the name alone does not tell whose record an entry is of. An entry names
//! the schema as well if that is another one than the trail's own, and whoever asks by an unqualified name is answered
//! with the table that this connection finds.
//!
//! On `MariaDB` an unqualified table and the trail are always in one database, and on `SQLite` in one file.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, Value,
    sea_query::{Expr, PostgresQueryBuilder, Query, QueryBuilder},
};

use crate::{entity::TABLE, record::qualified};

/// The name of a schema that comes alone.
const NAME: &str = "audit$schema";

/// The schema of the table that this unqualified name finds, if that is not the trail's, as an expression to ask
/// for; none on databases where it always is.
pub(crate) fn schema_of(backend: DbBackend, table: &str) -> Option<String> {
    let has_path = backend == DbBackend::Postgres;
    has_path.then(|| schema(&PostgresQueryBuilder.value_to_string(&Value::from(table))))
}

/// The name in the trail of the table that this connection finds under a name.
pub(crate) async fn name_in_trail(
    db: &impl ConnectionTrait,
    name: String,
) -> Result<String, DbErr> {
    let schema = found_schema(db, &name).await?;
    Ok(qualified(schema.as_deref(), &name))
}

/// Where this connection finds the table, if the name has no schema and that is not the trail's.
pub(crate) async fn found_schema(
    db: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<String>, DbErr> {
    if name.contains('.') {
        return Ok(None);
    }
    let Some(schema) = schema_of(db.get_database_backend(), name) else { return Ok(None) };
    let select = Query::select().expr_as(Expr::cust(schema), NAME).take();
    let row = db.query_one(&select).await?;
    Ok(row.map(|row| row.try_get("", NAME)).transpose()?.flatten())
}

/// Most often both tables are in the first schema of the path, which the server can tell from its caches. The
/// expression is evaluated once for a statement.
fn schema(name: &str) -> String {
    format!(
        "(SELECT CASE WHEN to_regclass(quote_ident({name})) \
         = to_regclass(quote_ident(current_schema()) || '.' || quote_ident({name})) \
         AND to_regclass('{TABLE}') = to_regclass(quote_ident(current_schema()) || '.{TABLE}') \
         THEN NULL ELSE (SELECT (parse_ident(c.relnamespace::regnamespace::text))[1] \
         FROM pg_catalog.pg_class c WHERE c.oid = to_regclass(quote_ident({name})) AND c.relnamespace <> \
         (SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = to_regclass('{TABLE}'))) END)"
    )
}
