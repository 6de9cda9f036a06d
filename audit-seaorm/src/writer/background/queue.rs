use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use audit_core::{AuditEntry, Background, WhenFull};
use sea_orm::DbBackend;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    Slot,
    last_resort::{LastResort, Reason},
    rest::Rest,
    state::{Item, Next, Phase, Refusal, Standing, State},
};
use crate::writer::AuditCounters;

/// What is to be written, in the order in which the changes were made.
///
/// A place is taken ahead of the `COMMIT`, while the locks of the changed rows are held: so two changes of one
/// record have their places in the order of the changes, whoever hears first of its commit.
pub(crate) struct Queue {
    pub(super) backend: DbBackend,
    pub(super) settings: Background,
    room: Arc<Semaphore>,
    state: Mutex<State>,
    /// There is something to do for the consumer.
    pub(super) work: Notify,
    /// Something has left the queue.
    pub(super) left: Notify,
    pub(super) rest: Rest,
}

/// Entries of the queue.
pub(super) type Shared = Vec<Arc<AuditEntry>>;

/// Entries with their places.
pub(super) type Batch = Vec<(u64, Arc<AuditEntry>)>;

/// What the consumer does next.
pub(super) enum Plan {
    Write(Batch),
    WaitUntil(Instant),
    Wait,
    End,
}

/// What the queue holds at a moment.
pub(super) struct Load {
    pub(super) queued: usize,
    pub(super) in_doubt: usize,
    pub(super) oldest: Option<Duration>,
    pub(super) phase: Phase,
}

impl Queue {
    pub(super) fn new(
        backend: DbBackend,
        settings: Background,
        last_resort: Option<Box<dyn LastResort>>,
    ) -> Self {
        Self {
            backend,
            room: Arc::new(Semaphore::new(settings.max_queue())),
            settings,
            state: Mutex::new(State::new()),
            work: Notify::new(),
            left: Notify::new(),
            rest: Rest::new(last_resort),
        }
    }

    /// Room for one entry, waited for as the settings say; none if there is none.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room);
        match self.settings.on_full() {
            WhenFull::Wait(most) => timeout(most, room.acquire_owned()).await.ok()?.ok(),
            _ => room.try_acquire_owned().ok(),
        }
    }

    /// Takes a place for each of these entries, or gives them back if there is not room for all.
    pub(super) fn place(
        self: &Arc<Self>,
        entries: Vec<AuditEntry>,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<Slot, Vec<AuditEntry>> {
        let more = entries.len().saturating_sub(usize::from(room.is_some()));
        let Ok(more) = u32::try_from(more) else { return Err(entries) };
        let Ok(more) = self.room.try_acquire_many(more) else { return Err(entries) };
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Err(entries);
        }
        more.forget();
        if let Some(room) = room {
            room.forget();
        }
        let first = state.next;
        let since = Instant::now();
        for entry in entries {
            let entry = Arc::new(entry);
            let item = Item { entry, standing: Standing::Pending, since, refusal: None };
            let place = state.next;
            state.items.insert(place, item);
            state.next += 1;
        }
        Ok(Slot::new(Arc::clone(self), first..state.next))
    }

    /// The changes have committed.
    pub(super) fn ready(&self, places: Range<u64>) {
        let mut state = self.state();
        if state.phase == Phase::Ended {
            let entries = state.take(places);
            drop(state);
            return self.rest.take(entries, Reason::Ended);
        }
        let first = state.ready == 0 || state.items.keys().next() == Some(&places.start);
        for (_, item) in state.items.range_mut(places.clone()) {
            // What was in doubt has been counted already.
            if item.standing == Standing::Pending {
                item.since = Instant::now();
                AuditCounters::count_queued(1);
            }
            item.standing = Standing::Ready;
        }
        state.ready += length(&places);
        if first || state.ready >= self.settings.max_batch() || state.is_pressed() {
            self.work.notify_one();
        }
    }

    /// The changes have not committed.
    pub(super) fn void(&self, places: Range<u64>) {
        let mut state = self.state();
        let counted = state.items.range(places.clone());
        let counted = counted.filter(|(_, item)| item.standing == Standing::Doubt).count();
        let entries = state.take(places).len();
        drop(state);
        AuditCounters::uncount_queued(counted);
        self.release(entries);
    }

    /// Nobody knows whether the changes have committed.
    pub(super) fn doubt(&self, places: Range<u64>) {
        let mut state = self.state();
        if state.phase == Phase::Ended {
            let entries = state.take(places);
            drop(state);
            return self.rest.take(entries, Reason::InDoubt);
        }
        for (_, item) in state.items.range_mut(places.clone()) {
            item.standing = Standing::Doubt;
            item.since = Instant::now();
            AuditCounters::count_queued(1);
        }
        state.doubts.push(places);
        self.work.notify_one();
    }

    /// Units in doubt that nobody has been told of yet.
    pub(super) fn take_doubts(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.state().doubts)
    }

    pub(super) fn plan(&self) -> Plan {
        let state = self.state();
        if state.items.is_empty() && state.phase != Phase::Open {
            return Plan::End;
        }
        if state.ready == 0 {
            return Plan::Wait;
        }
        let now = Instant::now();
        let next = state.next_batch(now, &self.settings);
        match next {
            Next { until: Some(until), .. } if until > now => Plan::WaitUntil(until),
            Next { batch, .. } => Plan::Write(state.entries(&batch)),
        }
    }

    /// These entries are in the table.
    pub(super) fn written(&self, places: &[u64]) {
        let removed = self.state().remove(places).len();
        AuditCounters::count_written(removed);
        AuditCounters::uncount_queued(removed);
        self.release(removed);
    }

    /// None could be written for so long: gives up those that have waited as long, all if no more are to come.
    pub(super) fn give_up_old(&self, age: Duration) {
        let state = self.state();
        let all = state.phase != Phase::Open;
        let old = state.items.iter().filter(|(_, item)| {
            item.standing == Standing::Ready && (all || item.since.elapsed() >= age)
        });
        let old: Vec<_> = old.map(|(place, _)| *place).collect();
        drop(state);
        self.give_up(&old, Reason::GaveUp);
    }

    /// Gives up those of these entries that are still in doubt.
    pub(super) fn give_up_doubt(&self, places: Range<u64>) {
        let state = self.state();
        let undecided = state.items.range(places);
        let undecided = undecided.filter(|(_, item)| item.standing == Standing::Doubt);
        let undecided: Vec<_> = undecided.map(|(place, _)| *place).collect();
        drop(state);
        self.give_up(&undecided, Reason::InDoubt);
    }

    /// These entries will not get into the table by themselves. What is in doubt ahead of them would have been told by
    /// them, and would be told wrongly without them.
    pub(super) fn give_up(&self, places: &[u64], reason: Reason) {
        let untold = self.state().in_doubt_ahead_of(places);
        self.leave(&untold, Reason::InDoubt);
        self.leave(places, reason);
    }

    fn leave(&self, places: &[u64], reason: Reason) {
        let batch = self.state().entries(places);
        // Told ahead of their leave, which somebody may wait for.
        self.rest.take(batch.into_iter().map(|(_, entry)| entry).collect(), reason);
        let removed = self.state().remove(places).len();
        AuditCounters::uncount_queued(removed);
        self.release(removed);
    }

    /// Notes that the database refused an entry, of which `written` others have been written so far. Whether it did
    /// so often, while others were written.
    pub(super) fn refused(&self, place: u64, written: u64) -> bool {
        const OFTEN: u32 = 3;
        let mut state = self.state();
        let Some(item) = state.items.get_mut(&place) else { return false };
        let refusal = item.refusal.get_or_insert(Refusal { times: 0, written_before: written });
        refusal.times += 1;
        refusal.times >= OFTEN && written > refusal.written_before
    }

    /// Asks for all that is there now, and says up to which place that is.
    pub(super) fn want_all(&self) -> u64 {
        let mut state = self.state();
        state.wanted = state.next;
        self.work.notify_one();
        state.wanted
    }

    /// Whether entries before this place are still there, apart from those whose commit is under way.
    pub(super) fn holds(&self, before: u64) -> bool {
        let state = self.state();
        let waits = |item: &Item| item.standing != Standing::Pending;
        state.phase != Phase::Ended && state.items.range(..before).any(|(_, item)| waits(item))
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        // Who waits for room need not wait any longer.
        self.room.close();
        self.work.notify_one();
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Nobody writes any more: what is left goes to the last resort.
    pub(super) fn end(&self) {
        self.room.close();
        let mut state = self.state();
        state.phase = Phase::Ended;
        let (mut committed, mut in_doubt) = (Vec::new(), Vec::new());
        let kept = std::mem::take(&mut state.items).into_iter().filter_map(|(place, item)| {
            match item.standing {
                // Whoever commits will tell what became of it.
                Standing::Pending => return Some((place, item)),
                Standing::Ready => committed.push(item.entry),
                Standing::Doubt => in_doubt.push(item.entry),
            }
            None
        });
        state.items = kept.collect();
        state.ready = 0;
        drop(state);
        AuditCounters::uncount_queued(committed.len() + in_doubt.len());
        self.rest.take(committed, Reason::Ended);
        self.rest.take(in_doubt, Reason::InDoubt);
        self.left.notify_waiters();
    }

    /// What is to be known of a unit in doubt: its entries, and later ones of the same records. None while a commit
    /// that may concern one of them is under way.
    pub(super) fn later(&self, unit: &Range<u64>) -> Option<(Shared, Shared)> {
        let state = self.state();
        let own = state.items.range(unit.clone()).map(|(_, item)| Arc::clone(&item.entry));
        let own: Shared = own.collect();
        let mut later = Shared::new();
        for (_, item) in state.items.range(unit.end..) {
            if own.iter().any(|entry| same_record(entry, &item.entry)) {
                if item.standing != Standing::Ready {
                    return None;
                }
                later.push(Arc::clone(&item.entry));
            }
        }
        Some((own, later))
    }

    pub(super) fn load(&self) -> Load {
        let state = self.state();
        let standing =
            |wanted| state.items.values().filter(move |item: &&Item| item.standing == wanted);
        let oldest = standing(Standing::Ready).chain(standing(Standing::Doubt));
        Load {
            queued: state.ready,
            in_doubt: standing(Standing::Doubt).count(),
            oldest: oldest.map(|item| item.since.elapsed()).max(),
            phase: state.phase,
        }
    }

    fn release(&self, entries: usize) {
        self.room.add_permits(entries);
        self.left.notify_waiters();
        // Those behind need not wait for them any longer.
        self.work.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn same_record(one: &AuditEntry, other: &AuditEntry) -> bool {
    one.record_id == other.record_id && one.table_name == other.table_name
}

fn length(places: &Range<u64>) -> usize {
    usize::try_from(places.end - places.start).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use audit_core::{Change, Image, Policy, Stamp};

    use super::*;

    fn entry(record: &str) -> AuditEntry {
        let change = Change::create("post", record, Image::new());
        let recorded = Policy::new().apply(change).ok().flatten().expect("a create is recorded");
        AuditEntry::new(recorded, None, None, Stamp::next())
    }

    #[test]
    fn what_a_lost_entry_would_have_told_of_stays_in_doubt() {
        let kept: Arc<Mutex<Vec<(String, Reason)>>> = Arc::default();
        let keeper = Arc::clone(&kept);
        let keep = move |entries: &[AuditEntry], reason| {
            let entries = entries.iter().map(|entry| (entry.record_id.clone(), reason));
            keeper.lock().expect("nobody panics").extend(entries);
            Ok::<_, std::io::Error>(())
        };
        let queue = Queue::new(DbBackend::Postgres, Background::new(), Some(Box::new(keep)));
        let queue = Arc::new(queue);
        let place = |records: &[&str]| {
            let entries = records.iter().map(|record| entry(record)).collect();
            queue.place(entries, None).expect("there is room")
        };
        drop(place(&["1", "2"]));
        place(&["1"]).settle(&Ok(()));
        drop(place(&["1"]));
        queue.give_up(&[2], Reason::Refused);
        let expected = [("1", Reason::InDoubt), ("1", Reason::Refused)];
        let expected = expected.map(|(record, reason)| (record.to_owned(), reason));
        assert_eq!(*kept.lock().expect("nobody panics"), expected);
        // Of the first unit the other record, and the last unit, can still be decided.
        assert_eq!(queue.load().in_doubt, 2);
    }
}
