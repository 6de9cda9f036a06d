use std::{any::Any, fmt, sync::Arc, time::Duration};

/// How entries are written in the background, after the commit of their change.
///
/// These are settings alone; an adapter has the writer that goes by them, `AuditWriter` in `audit-seaorm`.
///
/// ```
/// use std::time::Duration;
/// use audit_core::{Background, WhenFull};
///
/// let settings = Background::new().queue(50_000).when_full(WhenFull::WriteDirectly);
/// assert_eq!(settings.max_queue(), 50_000);
/// assert_eq!(settings.max_batch(), 256);
/// assert_eq!(settings.max_delay(), Duration::from_millis(100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Background {
    batch_size: usize,
    interval: Duration,
    queue: usize,
    when_full: WhenFull,
    first_pause: Duration,
    max_pause: Duration,
    give_up: Duration,
}

/// What a write does that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It waits for room before it begins, at most so long, holding neither lock nor connection; after that it
    /// writes its entries itself, in its own transaction.
    Wait(Duration),
    /// It writes its entries itself at once, in its own transaction.
    WriteDirectly,
}

impl WhenFull {
    pub(crate) const DEFAULT_WAIT: Duration = Duration::from_secs(5);
}

impl Default for WhenFull {
    fn default() -> Self {
        Self::Wait(Self::DEFAULT_WAIT)
    }
}

impl Background {
    /// The largest batch: more rows in one statement gain nothing, and `SQLite` binds no more than 32,766
    /// values.
    pub const MAX_BATCH: usize = 256;
    /// The largest queue.
    pub const MAX_QUEUE: usize = 1_000_000;

    /// The defaults, which each method names.
    #[must_use]
    pub fn new() -> Self {
        Self {
            batch_size: Self::MAX_BATCH,
            interval: Duration::from_millis(100),
            queue: 10_000,
            when_full: WhenFull::default(),
            first_pause: Duration::from_millis(50),
            max_pause: Duration::from_secs(5),
            give_up: Duration::from_mins(1),
        }
    }

    /// How many entries go into one statement at most: from 1 to [`MAX_BATCH`](Self::MAX_BATCH), and the nearest
    /// of these for any other number. Defaults to 256.
    #[must_use]
    pub fn batch_size(mut self, entries: usize) -> Self {
        self.batch_size = entries.clamp(1, Self::MAX_BATCH);
        self
    }

    /// How long an entry waits for others to fill its batch. Defaults to 100 ms.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many entries the queue holds at most: from 1 to [`MAX_QUEUE`](Self::MAX_QUEUE), and the nearest of these
    /// for any other number. Defaults to 10,000.
    #[must_use]
    pub fn queue(mut self, entries: usize) -> Self {
        self.queue = entries.clamp(1, Self::MAX_QUEUE);
        self
    }

    /// What a write does that finds the queue full. Defaults to [`WhenFull::Wait`] for 5 s.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// The pauses before what failed is tried again: they begin with `first`, and each is twice as long as the one
    /// before, up to `max`. Defaults to 50 ms and 5 s.
    ///
    /// Where the answer to a `COMMIT` was lost, what the rows tell counts once it is the same after `max`: so long the
    /// processes of an application may take to write their entries. Each should have the same settings.
    #[must_use]
    pub fn pauses(mut self, first: Duration, max: Duration) -> Self {
        self.first_pause = first.max(Duration::from_millis(1));
        self.max_pause = max.max(self.first_pause);
        self
    }

    /// How long entries are tried again while none can be written; after that they go to the last resort.
    /// Defaults to a minute.
    #[must_use]
    pub fn give_up(mut self, after: Duration) -> Self {
        self.give_up = after;
        self
    }

    /// See [`batch_size`](Self::batch_size).
    #[must_use]
    pub fn max_batch(&self) -> usize {
        self.batch_size
    }

    /// See [`interval`](Self::interval).
    #[must_use]
    pub fn max_delay(&self) -> Duration {
        self.interval
    }

    /// See [`queue`](Self::queue).
    #[must_use]
    pub fn max_queue(&self) -> usize {
        self.queue
    }

    /// See [`when_full`](Self::when_full).
    #[must_use]
    pub fn on_full(&self) -> WhenFull {
        self.when_full
    }

    /// See [`pauses`](Self::pauses).
    #[must_use]
    pub fn first_pause(&self) -> Duration {
        self.first_pause
    }

    /// See [`pauses`](Self::pauses).
    #[must_use]
    pub fn max_pause(&self) -> Duration {
        self.max_pause
    }

    /// See [`give_up`](Self::give_up).
    #[must_use]
    pub fn gives_up_after(&self) -> Duration {
        self.give_up
    }
}

impl Default for Background {
    fn default() -> Self {
        Self::new()
    }
}

/// What writes entries in the background, as [`AuditConfig::background`](crate::AuditConfig::background) takes it. An
/// adapter implements it for its writer.
pub trait BackgroundWriter {
    /// What the adapter finds again under [`AuditConfig::background_writer`](crate::AuditConfig::background_writer).
    fn handle(&self) -> Arc<dyn Any + Send + Sync>;
}

/// A writer of whatever adapter.
#[derive(Clone)]
pub(crate) struct Attached(pub(crate) Arc<dyn Any + Send + Sync>);

impl PartialEq for Attached {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Attached {}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackgroundWriter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_becomes_the_nearest() {
        let least = Background::new().batch_size(0).queue(0).pauses(Duration::ZERO, Duration::ZERO);
        assert_eq!((least.max_batch(), least.max_queue()), (1, 1));
        assert_eq!((least.first_pause().as_millis(), least.max_pause().as_millis()), (1, 1));
        let most = Background::new().batch_size(usize::MAX).queue(usize::MAX);
        assert_eq!((most.max_batch(), most.max_queue()), (256, 1_000_000));
    }
}
