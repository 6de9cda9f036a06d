use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

/// Time and id of one entry, taken together.
///
/// Stamps order entries by time, and entries of one time by id. The entries of a record are stamped under
/// the record's lock, with a moment that only ever rises there, so they read in the order of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Whole microseconds, UTC.
    pub at: DateTime<Utc>,
    /// Version 7 UUID (RFC 9562) of the same moment. The twelve bits after the milliseconds hold
    /// the fraction of the millisecond (method 3 of section 6.2), so ids order as times do.
    pub id: Uuid,
}

impl Stamp {
    /// The next stamp by the clock of this machine.
    ///
    /// Within a process these stamps only ever rise, both by time and by id, even when the clock is set
    /// back. Another process has another clock: where a database has one of its own, [`Stamp::at`] a moment
    /// of that clock is right for all processes.
    #[must_use]
    pub fn next() -> Self {
        Self::from_micros(next_micros(Utc::now().timestamp_micros()))
    }

    /// A stamp of a given moment, cut to whole microseconds, with an id of the same moment.
    ///
    /// ```
    /// use audit_core::Stamp;
    /// use chrono::DateTime;
    ///
    /// let stamp = Stamp::at(DateTime::UNIX_EPOCH);
    /// assert_eq!(stamp.at, DateTime::UNIX_EPOCH);
    /// assert!(stamp.agrees());
    /// ```
    #[must_use]
    pub fn at(moment: DateTime<Utc>) -> Self {
        Self::from_micros(moment.timestamp_micros())
    }

    /// This stamp if it is later than `last`, and else the stamp one microsecond after `last`.
    ///
    /// ```
    /// use audit_core::Stamp;
    /// use chrono::{DateTime, TimeDelta};
    ///
    /// let last = DateTime::UNIX_EPOCH;
    /// let soon = last + TimeDelta::microseconds(1);
    /// assert_eq!(Stamp::at(last).after(last).at, soon);
    /// let later = Stamp::at(soon);
    /// assert_eq!(later.after(last), later);
    /// ```
    #[must_use]
    pub fn after(self, last: DateTime<Utc>) -> Self {
        if self.at > last {
            return self;
        }
        Self::from_micros(last.timestamp_micros().saturating_add(1))
    }

    /// Whether time and id are of one moment, as they are when taken together. An id of another version
    /// than 7 holds no moment and agrees with any time.
    ///
    /// ```
    /// use audit_core::Stamp;
    ///
    /// let (one, other) = (Stamp::next(), Stamp::next());
    /// assert!(one.agrees());
    /// assert!(!Stamp { at: other.at, ..one }.agrees());
    /// ```
    #[must_use]
    pub fn agrees(&self) -> bool {
        let (head, _) = self.id.as_u64_pair();
        let (millis, fraction) = parts(self.at.timestamp_micros());
        self.id.get_version_num() != 7
            || (head >> 16 == millis && head & 0x0fff == u64::from(fraction))
    }

    fn from_micros(micros: i64) -> Self {
        // A clock outside of chrono's quarter of a million years is no clock; the epoch shows it.
        let at = DateTime::from_timestamp_micros(micros).unwrap_or_default();
        Self { at, id: id_at(micros) }
    }
}

/// `now`, or one microsecond after the last answer if that is later.
fn next_micros(now: i64) -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(i64::MIN);
    let step = |last: i64| now.max(last.saturating_add(1));
    let last = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(step(last)))
        .unwrap_or_else(|last| last);
    step(last)
}

fn id_at(micros: i64) -> Uuid {
    let (_, random) = Uuid::new_v4().as_u64_pair();
    let (millis, fraction) = parts(micros);
    let mut tail = [0; 10];
    tail[..2].copy_from_slice(&fraction.to_be_bytes());
    tail[2..].copy_from_slice(&random.to_be_bytes());
    Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

/// Whole milliseconds, and the rest spread over twelve bits.
fn parts(micros: i64) -> (u64, u16) {
    let millis = u64::try_from(micros.div_euclid(1000)).unwrap_or_default();
    let fraction = u16::try_from(micros.rem_euclid(1000) * 4096 / 1000).unwrap_or_default();
    (millis, fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_rise_by_time_and_by_id() {
        let stamps: Vec<_> = (0..10_000).map(|_| Stamp::next()).collect();
        assert!(stamps.is_sorted_by(|a, b| a.at < b.at && a.id < b.id));
    }

    #[test]
    fn stamps_rise_across_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..1000).map(|_| Stamp::next()).collect::<Vec<_>>()))
            .collect();
        let mut all: Vec<_> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
        all.sort_by_key(|stamp| stamp.at);
        assert_eq!(all.len(), 4000);
        assert!(all.is_sorted_by(|a, b| a.at < b.at && a.id < b.id));
    }

    #[test]
    fn a_clock_set_back_does_not_set_stamps_back() {
        let future = Utc::now().timestamp_micros() + 50_000;
        let ahead = next_micros(future);
        assert!(Stamp::next().at.timestamp_micros() > ahead);
    }

    #[test]
    fn a_given_moment_does_not_move_the_clock_of_the_process() {
        let ahead = Utc::now() + chrono::TimeDelta::days(1);
        assert!(Stamp::at(ahead).agrees());
        assert!(Stamp::next().after(ahead).at > ahead);
        assert!(Stamp::next().at < ahead);
    }

    #[test]
    fn an_id_tells_its_version_and_its_millisecond() {
        let id = id_at(1_700_000_000_123_456);
        assert_eq!(id.get_version_num(), 7);
        let (secs, nanos) = id.get_timestamp().map(|at| at.to_unix()).unwrap_or_default();
        assert_eq!((secs, nanos), (1_700_000_000, 123_000_000));
    }
}
