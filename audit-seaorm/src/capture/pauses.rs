use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use sea_orm::DbErr;

use crate::database_error::DatabaseError;

/// How often a unit is run again. Of those that are in each other's way, one gets through each time.
const ATTEMPTS: u32 = 12;
/// The first pause, at most, and how often it doubles.
const FIRST: Duration = Duration::from_millis(2);
const DOUBLINGS: u32 = 6;

/// The pauses between the attempts at a unit.
#[derive(Default)]
pub(super) struct Pauses {
    taken: u32,
}

impl Pauses {
    /// None if running it again would not help, or has been tried often enough. Of any length up to a bound that grows, so that two do not
    /// meet again and again.
    pub(super) fn after(&mut self, error: &DbErr) -> Option<Duration> {
        let may_help = DatabaseError::of(error).is_some_and(DatabaseError::is_retryable);
        if !may_help || self.taken == ATTEMPTS {
            return None;
        }
        let longest = FIRST * (1 << self.taken.min(DOUBLINGS));
        self.taken += 1;
        // Random, as its keys are.
        let share = RandomState::new().hash_one(self.taken) % 1000;
        Some(longest * u32::try_from(share).unwrap_or_default() / 1000)
    }
}
