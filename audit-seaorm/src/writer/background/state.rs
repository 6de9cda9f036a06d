use std::{
    collections::BTreeMap,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use audit_core::{AuditEntry, Background};

use super::queue::{Batch, Shared, same_record};

/// How long a place whose `COMMIT` is under way holds back those behind it. A connection that answers nobody must
/// not hold them back for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the lock of the queue guards.
pub(super) struct State {
    pub(super) items: BTreeMap<u64, Item>,
    pub(super) next: u64,
    /// Entries before this one are wanted now.
    pub(super) wanted: u64,
    pub(super) ready: usize,
    pub(super) doubts: Vec<Range<u64>>,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Takes nothing more, and writes what there is.
    Closing,
    /// Nobody writes any more.
    Ended,
}

pub(super) struct Item {
    /// Shared with the batch that is being written.
    pub(super) entry: Arc<AuditEntry>,
    pub(super) standing: Standing,
    pub(super) since: Instant,
    pub(super) refusal: Option<Refusal>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The commit is under way.
    Pending,
    /// The change has committed.
    Ready,
    /// Nobody knows whether it has.
    Doubt,
}

/// How often the database refused an entry, and how many others had been written before it first did.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    pub(super) times: u32,
    pub(super) written_before: u64,
}

/// Places whose entries can be written, and until when there is time to.
pub(super) struct Next {
    pub(super) batch: Vec<u64>,
    pub(super) until: Option<Instant>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            items: BTreeMap::new(),
            next: 0,
            wanted: 0,
            ready: 0,
            doubts: Vec::new(),
            phase: Phase::Open,
        }
    }

    /// What can be written next. Those behind a place whose `COMMIT` is under way wait for it.
    pub(super) fn next_batch(&self, now: Instant, settings: &Background) -> Next {
        let (mut batch, mut until) = (Vec::new(), None);
        for (place, item) in &self.items {
            match item.standing {
                Standing::Ready => {
                    let due = self.due(*place, item, now, settings);
                    until = Some(until.map_or(due, |until: Instant| until.min(due)));
                    batch.push(*place);
                }
                Standing::Pending if now < item.since + PATIENCE => {
                    until = until.or(Some(item.since + PATIENCE));
                    break;
                }
                Standing::Pending | Standing::Doubt => {}
            }
            if batch.len() == settings.max_batch() {
                until = None;
                break;
            }
        }
        Next { batch, until }
    }

    /// Until when an entry waits for others to fill its batch.
    fn due(&self, place: u64, item: &Item, now: Instant, settings: &Background) -> Instant {
        let at_once = place < self.wanted || self.phase != Phase::Open;
        if at_once { now } else { item.since + settings.max_delay() }
    }

    /// Whether the consumer must not wait for more.
    pub(super) fn is_pressed(&self) -> bool {
        self.phase != Phase::Open || self.items.keys().next() < Some(&self.wanted)
    }

    pub(super) fn entries(&self, places: &[u64]) -> Batch {
        let entry = |place: &u64| Some((*place, Arc::clone(&self.items.get(place)?.entry)));
        places.iter().filter_map(entry).collect()
    }

    /// What is in doubt of the records of these places, and ahead of them.
    pub(super) fn in_doubt_ahead_of(&self, places: &[u64]) -> Vec<u64> {
        let entry = |place: &u64| self.items.get(place).map(|item| &item.entry);
        let doubts = self.items.iter().filter(|(_, item)| item.standing == Standing::Doubt);
        let told = doubts.filter(|(place, item)| {
            let mut later = places.iter().filter(|later| later > place).filter_map(entry);
            !places.contains(place) && later.any(|later| same_record(&item.entry, later))
        });
        told.map(|(place, _)| *place).collect()
    }

    pub(super) fn take(&mut self, places: Range<u64>) -> Shared {
        self.remove(&places.collect::<Vec<_>>())
    }

    pub(super) fn remove(&mut self, places: &[u64]) -> Shared {
        let items = places.iter().filter_map(|place| self.items.remove(place));
        let items: Vec<_> = items.collect();
        self.ready -= items.iter().filter(|item| item.standing == Standing::Ready).count();
        items.into_iter().map(|item| item.entry).collect()
    }
}
