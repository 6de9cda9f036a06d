//! `audit-benches background`: what the writer in the background writes in a second, beside INSERTs of many rows by
//! hand; and what a write takes that leaves its entry to it.

mod by_hand;
mod line;

use std::time::{Duration, Instant};

use audit_core::{AuditConfig, AuditEntry, Background};
use audit_seaorm::{AuditWriter, entity};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, QueryOrder, TransactionTrait};

use crate::{
    Result,
    args::Options,
    backend::Backend,
    database::{self, Scratch},
    place::Place,
    post::audited,
    report,
    samples::{in_turn, median},
    write::Write,
};
use line::{Line, Single};

/// Rows of one statement, by hand and from the queue.
const BATCH: usize = Background::MAX_BATCH;
/// Entries of one round: a whole number of batches.
const ENTRIES: usize = 40 * BATCH;
/// Rows of one write that fills the queue.
const ROWS: i64 = 256;
/// Updates of a round that a median is of.
const UPDATES: i64 = 100;
const HOUR: Duration = Duration::from_hours(1);

pub(crate) async fn run(options: &Options) -> Result<()> {
    let place = Place::find(options.backend, options.url.as_deref())?;
    eprintln!("{}", report::header(&place, options.rounds));
    let scratch = Scratch::create(&place).await?;
    let outcome = measure(&scratch, options).await;
    let removed = scratch.remove().await;
    let (line, single) = outcome?;
    println!("{}\n{}", serde_json::to_string(&line)?, serde_json::to_string(&single)?);
    eprintln!("{}", report::table(Line::HEADER, [line.cells()].into_iter()));
    eprintln!("{}", report::table(Single::HEADER, [single.cells()].into_iter()));
    removed
}

async fn measure(scratch: &Scratch<'_>, options: &Options) -> Result<(Line, Single)> {
    scratch.create_tables().await?;
    let db = scratch.connect(&scratch.url).await?;
    let writers = scratch.connect(&scratch.url).await?;
    let mut rates: [Vec<f64>; 2] = Default::default();
    for round in 0..=options.rounds {
        let [by_hand, queue] = drain(scratch, &db, &writers, round).await?;
        // The first one is for the caches.
        if round > 0 {
            rates[0].push(by_hand);
            rates[1].push(queue);
        }
    }
    let mut times: [Vec<f64>; 2] = Default::default();
    for round in 0..=options.rounds {
        let round_times = updates(scratch, &db, &writers).await?;
        for (times, time) in times.iter_mut().zip(round_times).filter(|_| round > 0) {
            times.push(time);
        }
    }
    let line = Line::new(scratch.backend, rates.map(median));
    Ok((line, Single::new(scratch.backend, times.map(median))))
}

/// Entries in a second by hand and from the queue, of the same entries, on the same connection.
async fn drain(
    scratch: &Scratch<'_>,
    db: &DatabaseConnection,
    writers: &DatabaseConnection,
    round: usize,
) -> Result<[f64; 2]> {
    let mut rates = [0.0; 2];
    let mut entries = Vec::new();
    for who in in_turn(round, 2) {
        let time = if who == 0 {
            if entries.is_empty() {
                from_queue(scratch, db, writers).await?;
                entries = self::entries(db).await?;
            }
            empty(scratch, db).await?;
            let began = Instant::now();
            by_hand::insert(writers, std::mem::take(&mut entries)).await?;
            began.elapsed()
        } else {
            let time = from_queue(scratch, db, writers).await?;
            entries = self::entries(db).await?;
            time
        };
        let count = database::count_entries(db).await?;
        if count != ENTRIES as u64 {
            return Err(format!("{count} entries instead of {ENTRIES}").into());
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        {
            rates[who] = ENTRIES as f64 / time.as_secs_f64();
        }
    }
    Ok(rates)
}

/// Fills the queue while the writer has no connection, gives it one, and waits until the queue is empty.
async fn from_queue(
    scratch: &Scratch<'_>,
    db: &DatabaseConnection,
    writers: &DatabaseConnection,
) -> Result<Duration> {
    database::reset(db, scratch.backend, 0).await?;
    let held = writers.begin().await?;
    let settings = Background::new().queue(ENTRIES).interval(HOUR);
    let writer = AuditWriter::start_without_last_resort(writers, settings);
    let fill = async {
        for _ in 0..ENTRIES / BATCH {
            audited::insert_many(db, 1..=ROWS).await?;
        }
        Ok::<_, sea_orm::DbErr>(())
    };
    AuditConfig::new().background(&writer).scope(Box::pin(fill)).await?;
    if writer.status().queued != ENTRIES {
        return Err(format!("the queue has {:?}", writer.status()).into());
    }
    checkpoint(scratch, db).await?;
    let began = Instant::now();
    held.rollback().await?;
    writer.flush().await?;
    let time = began.elapsed();
    writer.shutdown().await?;
    Ok(time)
}

async fn entries(db: &DatabaseConnection) -> Result<Vec<AuditEntry>> {
    let rows = entity::Entity::find()
        .order_by_asc(entity::Column::Timestamp)
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(AuditEntry::try_from).collect::<std::result::Result<_, _>>()?)
}

/// The trail alone.
async fn empty(scratch: &Scratch<'_>, db: &DatabaseConnection) -> Result<()> {
    let delete = match scratch.backend {
        Backend::Sqlite => "DELETE FROM audit_trail",
        Backend::Postgres | Backend::MariaDb => "TRUNCATE audit_trail",
    };
    db.execute_unprepared(delete).await?;
    checkpoint(scratch, db).await
}

/// So that neither has to write out what was written before.
async fn checkpoint(scratch: &Scratch<'_>, db: &DatabaseConnection) -> Result<()> {
    let sql = match scratch.backend {
        Backend::Sqlite => "PRAGMA wal_checkpoint(TRUNCATE)",
        Backend::Postgres => "CHECKPOINT",
        Backend::MariaDb => return Ok(()),
    };
    db.execute_unprepared(sql).await?;
    Ok(())
}

/// Milliseconds of an update with its entry, and of one that leaves it to the queue; write by write in turn.
async fn updates(
    scratch: &Scratch<'_>,
    db: &DatabaseConnection,
    writers: &DatabaseConnection,
) -> Result<[f64; 2]> {
    database::reset(db, scratch.backend, 2 * UPDATES).await?;
    // Whatever else the writer does is done afterwards.
    let settings = Background::new().interval(HOUR);
    let writer = AuditWriter::start_without_last_resort(writers, settings);
    let configs = [AuditConfig::new(), AuditConfig::new().background(&writer)];
    let mut times: [Vec<f64>; 2] = Default::default();
    for number in 1..=2 * UPDATES {
        let who = usize::from(number % 2 == 0);
        let write = Box::pin(audited::write(db, Write::Update, number));
        let began = Instant::now();
        configs[who].clone().scope(write).await?;
        times[who].push(began.elapsed().as_secs_f64() * 1000.0);
        database::settle(db, scratch.backend).await;
    }
    writer.shutdown().await?;
    Ok(times.map(median))
}
