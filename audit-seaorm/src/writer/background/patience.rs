use std::time::{Duration, Instant};

use audit_core::Background;

/// The growing pauses between attempts, and how long they have been in vain.
pub(super) struct Patience {
    first: Duration,
    max: Duration,
    give_up: Duration,
    next: Duration,
    since: Option<Instant>,
}

impl Patience {
    pub(super) fn new(settings: &Background) -> Self {
        Self {
            first: settings.first_pause(),
            max: settings.max_pause(),
            give_up: settings.gives_up_after(),
            next: settings.first_pause(),
            since: None,
        }
    }

    /// An attempt that began then was in vain. The pause before the next one.
    pub(super) fn in_vain(&mut self, began: Instant) -> Duration {
        self.since.get_or_insert(began);
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }

    pub(super) fn renew(&mut self) {
        self.next = self.first;
        self.since = None;
    }

    pub(super) fn is_over(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= self.give_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_anew_after_a_success() {
        let millis = Duration::from_millis;
        let settings = Background::new().pauses(millis(50), millis(300)).give_up(Duration::ZERO);
        let mut patience = Patience::new(&settings);
        assert!(!patience.is_over(), "nothing has failed");
        let mut pauses = || patience.in_vain(Instant::now()).as_millis();
        assert_eq!([pauses(), pauses(), pauses(), pauses(), pauses()], [50, 100, 200, 300, 300]);
        assert!(patience.is_over());
        patience.renew();
        assert!(!patience.is_over());
        assert_eq!(patience.in_vain(Instant::now()), millis(50));
    }
}
