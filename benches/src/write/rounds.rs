use std::sync::{Arc, atomic::AtomicU64};

use sea_orm::DatabaseConnection;

use super::{
    case::{Case, UPDATES},
    check::{self, Left},
    contender::Contender,
    floor::{Driver, Floor, MariaDb, Postgres, Sqlite},
    orm::{Audited, Plain},
};
use crate::{
    Result,
    backend::Backend,
    database::{self, Scratch},
    meter::Meter,
    report::Line,
    round_trips::Tap,
};

pub(super) async fn measure(scratch: &Scratch, case: Case, rounds: usize) -> Result<Line> {
    match scratch.backend {
        Backend::Sqlite => Box::pin(measure_on::<Sqlite>(scratch, case, rounds)).await,
        Backend::Postgres => Box::pin(measure_on::<Postgres>(scratch, case, rounds)).await,
        Backend::MariaDb => Box::pin(measure_on::<MariaDb>(scratch, case, rounds)).await,
    }
}

async fn measure_on<D: Driver>(scratch: &Scratch, case: Case, rounds: usize) -> Result<Line> {
    let db = scratch.connect(&scratch.url).await?;
    let bench = Bench { db: &db, backend: scratch.backend, case, counter: Arc::default() };
    bench.check::<D>().await?;
    // One round more than asked for: the first one is for the caches.
    let mut times: [Vec<f64>; 3] = Default::default();
    for round in 0..=rounds {
        for turn in 0..3 {
            // In another order each time, so that none is always the one after the slowest.
            let who = (round + turn) % 3;
            let meter = bench.sample::<D>(who).await?;
            if round > 0 {
                times[who].push(meter.time.as_secs_f64() * 1e3 / repeats(case));
            }
        }
    }
    db.close().await?;
    let round_trips = count_round_trips::<D>(scratch, case).await?;
    Ok(Line::new(case.name(), scratch.backend, times.map(median), round_trips))
}

/// In a pass of its own, since what counts takes time.
async fn count_round_trips<D: Driver>(scratch: &Scratch, case: Case) -> Result<[f64; 3]> {
    let (tap, db) = Tap::connect(scratch).await?;
    let bench = Bench { db: &db, backend: scratch.backend, case, counter: tap.counter() };
    let mut counts = [0.0; 3];
    for (who, count) in counts.iter_mut().enumerate() {
        bench.sample::<D>(who).await?;
        let meter = bench.sample::<D>(who).await?;
        *count = f64::from(u32::try_from(meter.round_trips)?) / repeats(case);
    }
    db.close().await?;
    Ok(counts)
}

struct Bench<'a> {
    db: &'a DatabaseConnection,
    backend: Backend,
    case: Case,
    counter: Arc<AtomicU64>,
}

impl Bench<'_> {
    async fn check<D: Driver>(&self) -> Result<()> {
        let (db, backend, case) = (self.db, self.backend, self.case);
        let plain = check::left_by(&Plain(db), case, db, backend).await?;
        let floor = check::left_by(&Floor::<D>::new(db), case, db, backend).await?;
        let audited = Audited::scope(check::left_by(&Audited(db), case, db, backend)).await?;
        Left::compare(&plain, &floor, &audited, case)
    }

    async fn sample<D: Driver>(&self, who: usize) -> Result<Meter> {
        match who {
            0 => self.sample_of(&Plain(self.db), 0).await,
            1 => self.sample_of(&Floor::<D>::new(self.db), self.case.rows()).await,
            _ => Audited::scope(self.sample_of(&Audited(self.db), self.case.rows())).await,
        }
    }

    /// `entries` is how many each repeat has to leave.
    async fn sample_of(&self, contender: &impl Contender, entries: i64) -> Result<Meter> {
        let (warm_ups, repeats) = (self.case.warm_ups(), self.case.repeats());
        database::reset(self.db, self.backend, self.case.posts()).await?;
        repeat(contender, self.case, 1, warm_ups, &mut Meter::default()).await?;
        database::settle(self.db, self.backend).await;

        let mut meter = Meter::counting(Arc::clone(&self.counter));
        let first = 1 + warm_ups * self.case.rows();
        if matches!(self.case, Case::Transaction(_)) {
            repeat(contender, self.case, first, repeats, &mut meter).await?;
        } else {
            let lap = meter.start();
            repeat(contender, self.case, first, repeats, &mut Meter::default()).await?;
            database::settle(self.db, self.backend).await;
            meter.stop(&lap);
        }

        let (found, expected) =
            (database::count_entries(self.db).await?, (warm_ups + repeats) * entries);
        if i64::try_from(found)? != expected {
            return Err(format!("{}: {found} entries, not {expected}", self.case.name()).into());
        }
        Ok(meter)
    }
}

/// Does what the case asks for, so often, to the posts from `first` on. Only a case that lies within a
/// transaction is metered here.
pub(super) async fn repeat(
    contender: &impl Contender,
    case: Case,
    first: i64,
    times: i64,
    meter: &mut Meter,
) -> Result<()> {
    for time in 0..times {
        match case {
            Case::Pool(write) => contender.on_pool(write, first + time).await?,
            Case::Transaction(write) => {
                contender.in_transaction(write, first + time, meter).await?;
            }
            Case::Updates => contender.updates(first + time * UPDATES).await?,
            Case::Bulk(write) => contender.bulk(write).await?,
        }
    }
    Ok(())
}

fn repeats(case: Case) -> f64 {
    f64::from(u32::try_from(case.repeats()).unwrap_or(u32::MAX))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        f64::midpoint(samples[middle - 1], samples[middle])
    }
}
