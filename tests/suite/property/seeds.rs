use std::hash::{BuildHasher as _, RandomState};

use super::Dice;

/// The one seed that `AUDIT_TEST_SEED` names, or new ones.
pub(crate) struct Seeds {
    replay: Option<u64>,
    first: u64,
}

impl Seeds {
    pub(crate) fn new() -> Self {
        let replay = std::env::var("AUDIT_TEST_SEED").ok().map(|seed| seed.parse().unwrap());
        Self { replay, first: RandomState::new().hash_one("seed") }
    }

    pub(crate) fn take(&self, count: usize) -> Vec<u64> {
        let mut dice = Dice::new(self.first);
        self.replay.map_or_else(|| (0..count).map(|_| dice.next()).collect(), |seed| vec![seed])
    }

    pub(crate) const fn is_replay(&self) -> bool {
        self.replay.is_some()
    }
}
