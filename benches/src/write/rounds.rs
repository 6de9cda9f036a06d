use std::sync::{Arc, atomic::AtomicU64};

use sea_orm::DatabaseConnection;

use super::{
    case::Case,
    check::{self, Left},
    contender::Contender,
    floor::{Driver, Floor, MariaDb, Postgres, Sqlite},
    line::Line,
    orm::{Audited, Plain},
};
use crate::{
    Result,
    backend::Backend,
    database::{self, Scratch},
    meter::Meter,
    round_trips::Tap,
    samples::{in_turn, median},
};

pub(super) async fn measure(scratch: &Scratch<'_>, case: Case, rounds: usize) -> Result<Line> {
    match scratch.backend {
        Backend::Sqlite => Box::pin(measure_on::<Sqlite>(scratch, case, rounds)).await,
        Backend::Postgres => Box::pin(measure_on::<Postgres>(scratch, case, rounds)).await,
        Backend::MariaDb => Box::pin(measure_on::<MariaDb>(scratch, case, rounds)).await,
    }
}

async fn measure_on<D: Driver>(scratch: &Scratch<'_>, case: Case, rounds: usize) -> Result<Line> {
    let db = scratch.connect(&scratch.url).await?;
    let bench = Bench { db: &db, backend: scratch.backend, case, counter: None };
    bench.check::<D>().await?;
    let mut times: [Vec<f64>; 3] = Default::default();
    // One round more than asked for: the first one is for the caches.
    for round in 0..=rounds {
        let round_times = bench.round::<D>(round).await?;
        for (times, time) in times.iter_mut().zip(round_times).filter(|_| round > 0) {
            times.push(time);
        }
    }
    db.close().await?;
    let round_trips = count_round_trips::<D>(scratch, case).await?;
    Ok(Line::new(case.name(), scratch.backend, times.map(median), round_trips))
}

/// In a pass of its own, since what counts takes time.
async fn count_round_trips<D: Driver>(scratch: &Scratch<'_>, case: Case) -> Result<[f64; 3]> {
    let (tap, db) = Tap::connect(scratch).await?;
    let bench = Bench { db: &db, backend: scratch.backend, case, counter: Some(tap.counter()) };
    let mut counts = [0.0; 3];
    for (who, count) in counts.iter_mut().enumerate() {
        // What is prepared first is not counted.
        for _ in 0..2 {
            database::reset(&db, scratch.backend, case.posts()).await?;
            database::settle(&db, scratch.backend).await;
            *count = f64::from(u32::try_from(bench.write::<D>(who, 1).await?.round_trips)?);
        }
    }
    db.close().await?;
    Ok(counts)
}

struct Bench<'a> {
    db: &'a DatabaseConnection,
    backend: Backend,
    case: Case,
    /// Where round trips are counted, if it is they that matter.
    counter: Option<Arc<AtomicU64>>,
}

impl Bench<'_> {
    async fn check<D: Driver>(&self) -> Result<()> {
        let mut left = Vec::new();
        for who in 0..3 {
            database::reset(self.db, self.backend, self.case.posts()).await?;
            self.write::<D>(who, 1).await?;
            left.push(Left::now(self.db).await?);
        }
        check::compare(&left, self.case)
    }

    /// The time, in milliseconds, that plain, floor and audited took.
    async fn round<D: Driver>(&self, round: usize) -> Result<[f64; 3]> {
        if let Case::Bulk(_) = self.case {
            self.far_apart::<D>(round).await
        } else {
            self.side_by_side::<D>().await
        }
    }

    /// One after the other, each with all the posts to itself.
    async fn far_apart<D: Driver>(&self, round: usize) -> Result<[f64; 3]> {
        let mut times = [0.0; 3];
        for who in in_turn(round, 3) {
            database::reset(self.db, self.backend, self.case.posts()).await?;
            times[who] = milliseconds(&self.write::<D>(who, 1).await?);
            self.expect(if who == 0 { 0 } else { self.case.rows() }).await?;
        }
        Ok(times)
    }

    /// Write by write in turn, so that all three meet the same moods of the machine; the median of
    /// each one's writes.
    async fn side_by_side<D: Driver>(&self) -> Result<[f64; 3]> {
        database::reset(self.db, self.backend, self.case.posts()).await?;
        let (warm_ups, repeats) = (self.case.warm_ups(), self.case.repeats());
        let mut times: [Vec<f64>; 3] = Default::default();
        let mut number = 1;
        for time in 0..warm_ups + repeats {
            for who in in_turn(time, 3) {
                let meter = self.write::<D>(who, number).await?;
                number += self.case.rows();
                if time >= warm_ups {
                    times[who].push(milliseconds(&meter));
                }
            }
        }
        self.expect(2 * i64::try_from(warm_ups + repeats)? * self.case.rows()).await?;
        Ok(times.map(median))
    }

    /// Does once what the case asks for, to the post of this number or those from it on.
    async fn write<D: Driver>(&self, who: usize, number: i64) -> Result<Meter> {
        match who {
            0 => self.write_by(&Plain(self.db), number).await,
            1 => self.write_by(&Floor::<D>::new(self.db), number).await,
            _ => Audited::scope(self.write_by(&Audited(self.db), number)).await,
        }
    }

    async fn write_by(&self, contender: &impl Contender, number: i64) -> Result<Meter> {
        let mut meter = Meter::counting(self.counter.clone().unwrap_or_default());
        if let Case::Transaction(write) = self.case {
            contender.in_transaction(write, number, &mut meter).await?;
            return Ok(meter);
        }
        let lap = meter.start();
        match self.case {
            Case::Pool(write) | Case::Transaction(write) => {
                contender.on_pool(write, number).await?;
            }
            Case::Updates => contender.updates(number).await?,
            Case::Bulk(write) => contender.bulk(write).await?,
        }
        if self.counter.is_some() {
            // What the pool says to a connection that comes back is part of it.
            database::settle(self.db, self.backend).await;
        }
        meter.stop(&lap);
        Ok(meter)
    }

    async fn expect(&self, entries: i64) -> Result<()> {
        let found = i64::try_from(database::count_entries(self.db).await?)?;
        if found == entries {
            return Ok(());
        }
        Err(format!("{}: {found} entries, not {entries}", self.case.name()).into())
    }
}

fn milliseconds(meter: &Meter) -> f64 {
    meter.time.as_secs_f64() * 1e3
}
