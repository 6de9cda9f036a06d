use std::time::{Duration, Instant};

use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, DeleteMany,
    EntityTrait, IsolationLevel, QueryFilter, QueryOrder, SqliteTransactionMode,
    TransactionOptions, sea_query::ExprTrait,
};

use super::{Pruned, Rules};
use crate::{
    capture::shield,
    entity::{Column, Entity},
    measure,
    own_transaction::OwnTransaction,
    stored::{Place, select},
    trail::first_rows,
    upkeep::{door::Door, patience::patiently},
};

/// The most binds that every database takes in one statement are about three times as many.
pub(super) const MAX: u64 = 10_000;
const MIN: u64 = 50;

/// How long a transaction of ours should last, and how much longer others have the database for themselves after it.
struct Pace {
    longest: Duration,
    pause: u32,
}

/// The lock of an entry is nobody else's to wait for, as long as it is old.
const ROW_BY_ROW: Pace = Pace { longest: Duration::from_millis(50), pause: 1 };

/// Every writer waits for every other one, and asks again less and less often.
const ONE_WRITER: Pace = Pace { longest: Duration::from_millis(15), pause: 4 };

const ATTEMPTS: u32 = 5;
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Deletes entries in small transactions.
pub(super) struct Chunks<'a> {
    pub(super) db: &'a DatabaseConnection,
    pub(super) rules: &'a Rules,
    pub(super) report: Pruned,
    door: Door,
    max: u64,
    size: u64,
    tell: Option<&'a (dyn Fn(&Pruned) + Send + Sync)>,
}

impl<'a> Chunks<'a> {
    pub(super) async fn new(
        db: &'a DatabaseConnection,
        rules: &'a Rules,
        max: u64,
        tell: Option<&'a (dyn Fn(&Pruned) + Send + Sync)>,
    ) -> Result<Self, DbErr> {
        let door = Door::find(db).await?;
        Ok(Self { db, rules, report: Pruned::default(), door, max, size: smallest(max), tell })
    }

    pub(super) fn into_report(self) -> Pruned {
        self.report
    }

    /// How many should be deleted at once.
    pub(super) fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Deletes the entries that meet this, the oldest first.
    pub(super) async fn delete_all(&mut self, of: Condition) -> Result<(), DbErr> {
        let mut last: Option<Place> = None;
        loop {
            let limit = self.size;
            let backend = self.rules.backend;
            let newer = last.as_ref().map(|last| last.later(backend));
            let entries = Entity::find()
                .filter(of.clone())
                .filter(self.rules.free())
                .filter(Condition::all().add_option(newer))
                .order_by_asc(Column::Timestamp)
                .order_by_asc(Column::Id);
            let entries = select(entries, backend, [Column::Timestamp, Column::Id]);
            let rows = first_rows(self.db, entries, limit).await?;
            let places: Vec<_> = rows.iter().map(|row| Place::read(row, backend)).collect();
            last = places.last().cloned();
            self.delete(&places).await?;
            if (places.len() as u64) < limit {
                return Ok(());
            }
        }
    }

    /// Deletes these entries, unless they are held.
    pub(super) async fn delete(&mut self, places: &[Place]) -> Result<(), DbErr> {
        if places.is_empty() {
            return Ok(());
        }
        let delete = Entity::delete_many().filter(self.these(places)).filter(self.rules.free());
        let begun = Instant::now();
        let this = &*self;
        let delete = &delete;
        let deleted = patiently(ATTEMPTS, RETRY_PAUSE, || this.run(delete.clone())).await?;
        measure::pruned(deleted);
        self.report.deleted += deleted;
        self.report.chunks += 1;
        let pace = self.pace();
        let took = begun.elapsed();
        self.adapt(took, pace.longest);
        self.tell();
        tokio::time::sleep(took * pace.pause).await;
        Ok(())
    }

    /// To its end, even if it is dropped half-way.
    async fn run(&self, delete: DeleteMany<Entity>) -> Result<u64, DbErr> {
        let (db, door, options) = (self.db.clone(), self.door.clone(), self.options());
        let begin = async move { OwnTransaction::on(&db, options).await };
        shield::run(begin, async move |txn| {
            let outcome = delete_through(door, delete, &txn).await;
            txn.finish(outcome).await
        })
        .await
    }

    fn these(&self, places: &[Place]) -> Condition {
        let backend = self.rules.backend;
        let (sound, odd): (Vec<_>, Vec<_>) = places.iter().partition(|place| place.is_sound());
        let ids = sound.iter().filter_map(|place| place.id(backend));
        let of_these = Condition::all().add(Column::Id.into_expr().is_in(ids));
        let of_these = of_these.add(self.months_of(&sound));
        // An id alone may be that of another entry as well, where the table has partitions.
        odd.iter()
            .map(|place| place.itself(backend))
            .fold(Condition::any().add(of_these), Condition::add)
    }

    /// The times lead to the partitions, where the table has some.
    fn months_of(&self, places: &[&Place]) -> Condition {
        let moments = || places.iter().filter_map(|place| place.at());
        let ends = moments().min().zip(moments().max());
        let between = ends
            .filter(|_| self.rules.backend == DbBackend::Postgres)
            .map(|(first, last)| Column::Timestamp.between(first, last));
        Condition::all().add_option(between)
    }

    pub(super) fn tell(&self) {
        if let Some(tell) = self.tell {
            tell(&self.report);
        }
    }

    /// Under `MariaDB`'s own default a range that is deleted keeps others from inserting into it.
    fn options(&self) -> TransactionOptions {
        let sqlite = self.rules.backend == DbBackend::Sqlite;
        TransactionOptions {
            isolation_level: (!sqlite).then_some(IsolationLevel::ReadCommitted),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        }
    }

    fn pace(&self) -> &'static Pace {
        if self.rules.backend == DbBackend::Sqlite { &ONE_WRITER } else { &ROW_BY_ROW }
    }

    fn adapt(&mut self, took: Duration, longest: Duration) {
        self.size = if took > longest { self.size / 2 } else { self.size * 2 };
        self.size = self.size.clamp(smallest(self.max), self.max);
    }
}

async fn delete_through(
    door: Door,
    delete: DeleteMany<Entity>,
    txn: &DatabaseTransaction,
) -> Result<u64, DbErr> {
    door.open(txn).await?;
    let deleted = delete.exec(txn).await?.rows_affected;
    door.close(txn).await?;
    Ok(deleted)
}

fn smallest(max: u64) -> u64 {
    std::cmp::min(MIN, max)
}
