use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Adds up the time and the round trips of what lies between its starts and stops.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) time: Duration,
    pub(crate) round_trips: u64,
    /// Counted elsewhere; always zero while time is taken.
    counter: Arc<AtomicU64>,
}

impl Meter {
    pub(crate) fn counting(counter: Arc<AtomicU64>) -> Self {
        Self { counter, ..Self::default() }
    }

    pub(crate) fn start(&self) -> Lap {
        Lap { began: Instant::now(), count: self.count() }
    }

    pub(crate) fn stop(&mut self, lap: &Lap) {
        self.time += lap.began.elapsed();
        self.round_trips += self.count() - lap.count;
    }

    fn count(&self) -> u64 {
        self.counter.load(Ordering::Relaxed)
    }
}

pub(crate) struct Lap {
    began: Instant,
    count: u64,
}
