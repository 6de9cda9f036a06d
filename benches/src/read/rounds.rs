use std::time::Instant;

use super::{
    case::Case,
    floor::Floor,
    library,
    line::Line,
    trail::{Subject, Trail},
};
use crate::{
    Result,
    samples::{in_turn, median},
};

/// How often each one of the subjects is asked about in a round, by each contender.
const REPEATS: usize = 4;

/// Floor and library on each trail, read by read in turn: all meet the same moods of the machine.
pub(super) async fn measure(trails: &[Trail], case: Case, rounds: usize) -> Result<Vec<Line>> {
    let mut benches = Vec::new();
    for trail in trails {
        benches.push(Bench::new(trail, case).await?);
    }
    // One round more than asked for: the first one is for the caches.
    for round in 0..=rounds {
        for bench in &mut benches {
            let times = bench.round().await?;
            if round > 0 {
                bench.add(times);
            }
        }
    }
    let rows = benches.first().map_or(0, |bench| bench.rows);
    if let Some(bench) = benches.iter().find(|bench| bench.rows != rows) {
        return Err(format!("{}: {} rows, not {rows}", case.name(), bench.rows).into());
    }
    let mut smallest = None;
    let lines = benches.into_iter().map(|bench| {
        let times = bench.times.map(median);
        let smallest = *smallest.get_or_insert(times[1]);
        Line::new(case.name(), bench.trail, rows, times).over(smallest)
    });
    Ok(lines.collect())
}

struct Bench<'a> {
    trail: &'a Trail,
    case: Case,
    floor: Floor<'a>,
    rows: usize,
    times: [Vec<f64>; 2],
}

impl<'a> Bench<'a> {
    /// The floor does what the library does, or it is none.
    async fn new(trail: &'a Trail, case: Case) -> Result<Self> {
        let floor = Floor::new(trail, case);
        let mut rows = 0;
        for subject in &trail.subjects {
            let (answer, count) = floor.read(subject).await?;
            let audited = library::read(&trail.db, case, subject).await?;
            if answer != audited {
                return Err(format!("{}: {answer:?} is not {audited:?}", case.name()).into());
            }
            rows += count;
        }
        let rows = rows / trail.subjects.len();
        Ok(Self { trail, case, floor, rows, times: Default::default() })
    }

    /// The time, in milliseconds, that floor and library took.
    async fn round(&self) -> Result<[f64; 2]> {
        let mut times: [Vec<f64>; 2] = Default::default();
        for repeat in 0..REPEATS {
            for (place, subject) in self.trail.subjects.iter().enumerate() {
                for who in in_turn(repeat + place, 2) {
                    times[who].push(self.read(who, subject).await?);
                }
            }
        }
        Ok(times.map(median))
    }

    async fn read(&self, who: usize, subject: &Subject) -> Result<f64> {
        let began = Instant::now();
        if who == 0 {
            drop(self.floor.read(subject).await?);
        } else {
            drop(library::read(&self.trail.db, self.case, subject).await?);
        }
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    fn add(&mut self, times: [f64; 2]) {
        for (times, time) in self.times.iter_mut().zip(times) {
            times.push(time);
        }
    }
}
