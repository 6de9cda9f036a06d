//! A unit whose `COMMIT` was not answered.
//!
//! The connection was lost, and the transaction may have committed. The database remembers nothing of it but the
//! rows: so these are looked at, once nobody can change the answer any more, and held against what the entries say.
//! (`PostgreSQL` can tell of a transaction by its number, and gives that number to another one after a crash.)

use std::{ops::Range, sync::Arc, time::Instant};

use audit_core::{AuditEntry, Unreadable};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Iterable,
    QueryFilter, QueryOrder, QueryTrait, Statement,
};
use tokio::time::sleep;

use super::{Queue, evidence, patience::Patience, queue::same_record};
use crate::{
    AuditTransaction,
    database_error::{DatabaseError, Kind},
    entity::{Column, Entity, moment},
    registry, search_path, stored,
    trail::restore::Table,
};

/// How often rows and entries may tell nothing. What is missing may come, from the queue of another process.
const MAX_SILENCE: u32 = 8;

/// What is to be seen of a unit.
enum Sight {
    /// Whether it has committed.
    Told(bool),
    /// Nothing that tells.
    Silent,
    /// Not enough yet.
    Veiled,
}

/// What has been seen once. It stands if it is seen again later: then the entries are there that other processes had
/// in their queues the first time. These are written at once, or after a pause.
struct Verdict {
    committed: bool,
    until: Instant,
}

/// Gives up what nobody has decided, also if looking for it panicked: reading a row runs code of the application.
struct Undecided(Arc<Queue>, Range<u64>);

impl Drop for Undecided {
    fn drop(&mut self) {
        self.0.give_up_doubt(self.1.clone());
    }
}

/// Finds out what became of a unit, for as long as the settings say.
pub(super) async fn decide(db: DatabaseConnection, queue: Arc<Queue>, unit: Range<u64>) {
    let _undecided = Undecided(Arc::clone(&queue), unit.clone());
    let mut patience = Patience::new(&queue.settings);
    let (mut horizon, mut silence, mut verdict) = (None, 0, None::<Verdict>);
    loop {
        let began = Instant::now();
        match look(&db, &queue, &unit, &mut horizon).await {
            Ok(Sight::Told(committed)) => match &verdict {
                Some(known) if known.committed != committed => {
                    (silence, verdict) = (silence + 1, None);
                }
                Some(known) if began >= known.until => return settle(&queue, unit, committed),
                Some(_) => {}
                None => {
                    let until = Instant::now() + queue.settings.max_pause();
                    verdict = Some(Verdict { committed, until });
                }
            },
            Ok(Sight::Silent) => silence += 1,
            Ok(Sight::Veiled) => {}
            Err(error) => tracing::debug!(%error, "a COMMIT is in doubt"),
        }
        let pause = patience.in_vain(began);
        if silence == MAX_SILENCE || (verdict.is_none() && patience.is_over()) {
            return;
        }
        sleep(pause).await;
    }
}

fn settle(queue: &Queue, unit: Range<u64>, committed: bool) {
    tracing::info!(committed, "the answer to a COMMIT was lost");
    if committed { queue.ready(unit) } else { queue.void(unit) }
}

async fn look(
    db: &DatabaseConnection,
    queue: &Queue,
    unit: &Range<u64>,
    horizon: &mut Option<i64>,
) -> Result<Sight, DbErr> {
    if !is_over(db, horizon).await? {
        return Ok(Sight::Veiled);
    }
    let Some((own, _)) = queue.later(unit) else { return Ok(Sight::Veiled) };
    let mut records: Vec<Vec<&AuditEntry>> = Vec::new();
    for entry in &own {
        match records.iter_mut().find(|known| same_record(known[0], entry)) {
            Some(known) => known.push(entry),
            None => records.push(vec![entry]),
        }
    }
    for change in records.iter().filter_map(|changes| evidence::net(changes)) {
        if let Some(committed) = look_at(db, queue, unit, &change).await? {
            return Ok(Sight::Told(committed));
        }
    }
    Ok(Sight::Silent)
}

/// The program may have several entities of that name, and not each of them is of this table. If they contradict
/// each other, nobody knows.
async fn look_at(
    db: &DatabaseConnection,
    queue: &Queue,
    unit: &Range<u64>,
    entry: &AuditEntry,
) -> Result<Option<bool>, DbErr> {
    let mut told = None;
    for table in registry::tables(&entry.table_name) {
        // Each in a transaction of its own: an entity that does not fit the table fails, and that ends one.
        let txn = AuditTransaction::begin(db).await?;
        let found = look_through(&txn, table, queue, unit, entry).await;
        let _ = txn.rollback().await;
        match (told, found?) {
            (Some(one), Some(other)) if one != other => return Ok(None),
            (None, found) => told = found,
            _ => {}
        }
    }
    Ok(told)
}

/// With the row locked, so that its last writer has committed. Who has done so without having told the queue yet
/// has a place there; what the queue has written since is in the table.
async fn look_through(
    txn: &AuditTransaction,
    table: &dyn Table,
    queue: &Queue,
    unit: &Range<u64>,
    entry: &AuditEntry,
) -> Result<Option<bool>, DbErr> {
    if !can_find(txn, table, entry).await? {
        return Ok(None);
    }
    let row = match table.rows(txn, &[&entry.record_id], true).await {
        Ok(mut rows) => rows.remove(&entry.record_id),
        Err(error) if is_misfit(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some((_, queued)) = queue.later(unit) else { return Ok(None) };
    let Some(mut later) = recorded(txn, entry).await? else { return Ok(None) };
    for next in queued.into_iter().filter(|next| same_record(entry, next)) {
        if later.iter().all(|known| known.id != next.id) {
            later.push(Arc::unwrap_or_clone(next));
        }
    }
    later.sort_by_key(|entry| (entry.timestamp, entry.id));
    Ok(evidence::of(entry, &later, row.as_ref()))
}

/// Whether this entity finds the row on this connection if it is there. Otherwise that it finds none tells nothing: the
/// key of its records may be another one, and the connection may find the table of another tenant under its name.
async fn can_find(
    txn: &AuditTransaction,
    table: &dyn Table,
    entry: &AuditEntry,
) -> Result<bool, DbErr> {
    if !table.can_find(txn.get_database_backend(), &entry.record_id) {
        return Ok(false);
    }
    Ok(search_path::name_in_trail(txn, table.name()).await? == entry.table_name)
}

/// Whether an entity cannot read the row, as one with a column that the table does not have. It tells nothing then, and
/// holds up nobody.
fn is_misfit(error: &DbErr) -> bool {
    match DatabaseError::of(error) {
        Some(error) => matches!(error.kind, Kind::NoSuchTable | Kind::Other),
        None => !matches!(
            error,
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) | DbErr::Exec(_) | DbErr::Query(_)
        ),
    }
}

/// What the trail has of the record after this entry; none if a change among it cannot be read.
async fn recorded<C: ConnectionTrait>(
    db: &C,
    entry: &AuditEntry,
) -> Result<Option<Vec<AuditEntry>>, DbErr> {
    let backend = db.get_database_backend();
    let later = Entity::find()
        .filter(Column::TableName.eq(&entry.table_name))
        .filter(Column::RecordId.eq(&entry.record_id))
        .filter(Column::Timestamp.gt(moment(backend, entry.timestamp)))
        .order_by_asc(Column::Timestamp);
    let rows = db.query_all(&stored::select(later, backend, Column::iter()).into_query()).await?;
    let entries: Vec<_> = rows.iter().map(|row| stored::entry(row, backend)).collect();
    Ok((!entries.iter().any(hides_change)).then_some(entries))
}

fn hides_change(entry: &AuditEntry) -> bool {
    entry.unreadable.as_ref().is_some_and(Unreadable::hides_change)
}

/// Whether every transaction has ended that was under way when this was asked first. Elsewhere a lock is enough to
/// wait for; `PostgreSQL` has none on a row that somebody is about to insert.
async fn is_over(db: &DatabaseConnection, horizon: &mut Option<i64>) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    let bounds = "SELECT txid_snapshot_xmin(now), txid_snapshot_xmax(now) FROM txid_current_snapshot() AS now";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, bounds)).await?;
    let Some(row) = row else { return Ok(false) };
    let (oldest, next): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok(oldest >= *horizon.get_or_insert(next))
}
