//! Fills a trail inside the database, by one statement: a million entries in less than a minute or two.

mod dialect;
mod layout;

use audit_migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;

use super::article::TABLE;
use crate::{Result, backend::Backend, database::Scratch};
pub(super) use layout::Layout;

pub(super) async fn fill(scratch: &Scratch<'_>, layout: &Layout) -> Result<()> {
    let db = scratch.connect(&scratch.url).await?;
    Migrator::up(&db, None).await?;
    let (before, after): (&[&str], &[&str]) = match scratch.backend {
        Backend::Sqlite => {
            (&["PRAGMA cache_size = -524288"], &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"])
        }
        // As autovacuum would have it before long; it marks nothing that is not written yet.
        Backend::Postgres => (&[], &["CHECKPOINT", "VACUUM (ANALYZE) audit_trail"]),
        Backend::MariaDb => (
            &["SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')"],
            &["ANALYZE TABLE audit_trail"],
        ),
    };
    for sql in before {
        db.execute_unprepared(sql).await?;
    }
    db.execute_unprepared(&insert(scratch.backend, layout)).await?;
    for sql in after {
        db.execute_unprepared(sql).await?;
    }
    Ok(db.close().await?)
}

/// In the order of time, as entries come.
fn insert(backend: Backend, layout: &Layout) -> String {
    let json = |text: &str| dialect::json(backend, text);
    let old = format!("CASE WHEN n > 0 THEN {} END", updated(backend, "(n - 1)", "at - 86400"));
    let new = format!(
        "CASE WHEN n > 0 THEN {} ELSE {} END",
        updated(backend, "n", "at"),
        created(backend)
    );
    format!(
        "INSERT INTO audit_trail (id, table_name, record_id, operation, old_values, new_values, \
         user_id, user_email, request_id, transaction_id, metadata, timestamp) \
         SELECT {id}, '{TABLE}', '' || record, CASE WHEN n > 0 THEN 'UPDATE' ELSE 'CREATE' END, \
         {old}, {new}, 'user-' || author, 'user-' || author || '@example.com', 'request-' || i, \
         {transaction}, {metadata}, {timestamp} FROM ({numbers}) AS numbers",
        id = dialect::uuid(backend, "8"),
        transaction = dialect::uuid(backend, "9"),
        old = json(&old),
        new = json(&new),
        metadata = json(r#"'{"ip":"203.0.113.' || (i % 250) || '","agent":"Mozilla/5.0"}'"#),
        timestamp = dialect::timestamp(backend),
        numbers = numbers(backend, layout),
    )
}

/// Of each entry: `i`, which one of the trail it is; `at`, when, in seconds; of which `record`, and
/// which one of that, `n`; and by which `author`, without any pattern.
fn numbers(backend: Backend, layout: &Layout) -> String {
    let Layout { entries, records, users, .. } = layout;
    let div = |a: &str, b: &str| dialect::div(backend, a, b);
    let at = format!("{} + i * {}", Layout::BEGIN, layout.step());
    let usual = format!("i - {} - 1", div("i", "20"));
    format!(
        "SELECT i, at, author, \
         CASE WHEN i % 20 = 0 THEN {large} ELSE usual % {records} + 1 END AS record, \
         CASE WHEN i % 20 = 0 THEN {} ELSE {} END AS n FROM \
         (SELECT i, {at} AS at, {usual} AS usual, \
         i * 1103515245 % 2147483647 % {users} + 1 AS author FROM {series}) AS places",
        div("i", "20"),
        div("usual", &records.to_string()),
        large = Layout::LARGE,
        series = dialect::series(backend, *entries),
    )
}

fn created(backend: Backend) -> String {
    let at = dialect::rfc3339(backend, "at");
    let body = "It was a dark and stormy night, and the rain fell in torrents. ".repeat(3);
    format!(
        r#"'{{"id":' || record || ',"author_id":' || author || ',"title":"Article ' || record ||
        '","body":"{body}","status":"draft","price":1000,"views":0,"published":false,"created_at":"' ||
        {at} || '","updated_at":"' || {at} || '"}}'"#
    )
}

/// The image of the `n`-th update of a record, which says what kind of update it was. `number` is what the
/// values are made of.
fn updated(backend: Backend, number: &str, at: &str) -> String {
    let at = format!(r#"'"updated_at":"' || {} || '"}}'"#, dialect::rfc3339(backend, at));
    format!(
        r#"CASE WHEN n % 10 = 0
            THEN '{{"price":' || (1000 + {number}) || ',"status":"edition ' || {number} || '",' || {at}
            WHEN n % 2 = 0 THEN '{{"title":"Article ' || record || ', edition ' || {number} || '",' || {at}
            ELSE '{{"views":' || {number} || ',' || {at} END"#
    )
}
