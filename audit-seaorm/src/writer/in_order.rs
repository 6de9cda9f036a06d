//! Entries in the order of the changes that they tell of.
//!
//! Where the database has a clock of its own, entries bring their moments along, read under the locks of
//! their rows. `SQLite` runs in the process, and the clock there is that of the machine, which may be set
//! back, or be another one for another process. So there an entry is never before the last one of its
//! record: whoever writes holds the lock of the whole file, so the trail has all that came before.

use std::{collections::HashMap, iter::repeat_n};

use audit_core::{AuditEntry, Stamp};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, IdenStatic, Iterable, Statement,
    prelude::DateTimeUtc,
    sea_query::{Expr, Query},
};

use super::insert::{insert, row};
use crate::{
    capture::Executor,
    entity::{Column, Entity, TABLE},
    sql_text::{self, Kind},
    stored::sqlite_is_followed,
};

/// Inserts the entries of changes whose locks are still held.
pub(super) async fn insert_in_order<C: ConnectionTrait>(
    db: &C,
    mut entries: Vec<AuditEntry>,
) -> Result<(), DbErr> {
    rise(&mut entries, &HashMap::new());
    if db.get_database_backend() != DbBackend::Sqlite {
        return insert(db, entries).await;
    }
    // A connection that takes no text of ours is asked first.
    if !Executor::of(db).is_typed() && insert_if_last(db, &entries).await? {
        return Ok(());
    }
    let last = last_moments(db, &entries).await?;
    rise(&mut entries, &last);
    insert(db, entries).await
}

type Record = (String, String);

/// Makes the entries of each record rise, from its last one in the trail on.
pub(super) fn rise(entries: &mut [AuditEntry], last: &HashMap<Record, DateTimeUtc>) {
    if last.is_empty() && entries.len() < 2 {
        return;
    }
    let mut last: HashMap<(&str, &str), DateTimeUtc> =
        last.iter().map(|((table, record), at)| ((&**table, &**record), *at)).collect();
    let mut later = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let stamp = Stamp { at: entry.timestamp, id: entry.id };
        let record = (&*entry.table_name, &*entry.record_id);
        let risen = last.get(&record).map_or(stamp, |last| stamp.after(*last));
        last.insert(record, risen.at);
        if risen != stamp {
            later.push((place, risen));
        }
    }
    for (place, Stamp { at, id }) in later {
        (entries[place].timestamp, entries[place].id) = (at, id);
    }
}

/// Inserts the entries if each is later than all that the trail has of its record; whether it did. It is
/// one statement, so it takes the lock before it looks.
async fn insert_if_last<C: ConnectionTrait>(db: &C, entries: &[AuditEntry]) -> Result<bool, DbErr> {
    let values: Vec<_> =
        entries.iter().cloned().flat_map(|entry| row(DbBackend::Sqlite, entry)).collect();
    let kind = Kind::InsertEntriesIfLast;
    let count = entries.len();
    let insert =
        sql_text::statement::<Entity>(DbBackend::Sqlite, kind, Vec::new(), values, |values| {
            Statement::from_sql_and_values(DbBackend::Sqlite, if_last(count), values.to_vec())
        });
    Ok(db.execute_raw(insert).await?.rows_affected() > 0)
}

/// `CROSS JOIN` has `SQLite` look from the new entries into the index of the trail, and not the other way
/// round.
fn if_last(count: usize) -> String {
    let columns: Vec<_> = Column::iter().map(|column| column.as_str().to_owned()).collect();
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let (columns, rows) = (columns.join(", "), repeat_n(row, count).collect::<Vec<_>>().join(", "));
    format!(
        "WITH n ({columns}) AS (VALUES {rows}) INSERT INTO {TABLE} ({columns}) SELECT * FROM n \
         WHERE NOT EXISTS (SELECT 1 FROM n CROSS JOIN {TABLE} t ON t.table_name = n.table_name \
         AND t.record_id = n.record_id AND t.timestamp >= n.timestamp)"
    )
}

/// When the last entries of these records were, as far as there are any.
async fn last_moments<C: ConnectionTrait>(
    db: &C,
    entries: &[AuditEntry],
) -> Result<HashMap<Record, DateTimeUtc>, DbErr> {
    let mut moments = HashMap::new();
    for entry in entries {
        let record = (entry.table_name.clone(), entry.record_id.clone());
        if moments.contains_key(&record) {
            continue;
        }
        if let Some(at) = last_moment(db, &record).await? {
            moments.insert(record, at);
        }
    }
    Ok(moments)
}

/// As an expression, for a role that may only insert into the trail may have its entries in order, too.
async fn last_moment<C: ConnectionTrait>(
    db: &C,
    (table, record): &Record,
) -> Result<Option<DateTimeUtc>, DbErr> {
    let last = format!(
        "(SELECT t.timestamp FROM {TABLE} t WHERE t.table_name = ? AND t.record_id = ? \
         AND {} ORDER BY t.timestamp DESC LIMIT 1)",
        sqlite_is_followed("t")
    );
    let last = Expr::cust_with_values(last, [table, record]);
    let select = Query::select().expr_as(last, "at").take();
    let row = db.query_one(&select).await?;
    Ok(row.and_then(|row| row.try_get("", "at").ok()).flatten())
}
