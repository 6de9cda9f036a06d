//! The settings of a writer in the background.

use super::shape::{Lookup, Number, Words};
use crate::{Background, ConfigError, Problem, WhenFull};

const BACKGROUND: Words<bool> = Words {
    variable: "AUDIT_BACKGROUND",
    expected: "true or false",
    allowed: &[("true", true), ("false", false)],
};

/// Whether a full queue makes a write wait.
const WHEN_FULL: Words<Full> = Words {
    variable: "AUDIT_BACKGROUND_WHEN_FULL",
    expected: "wait or write_directly",
    allowed: &[("wait", Full::Wait), ("write_directly", Full::WriteDirectly)],
};

#[derive(Clone, Copy, Default)]
enum Full {
    #[default]
    Wait,
    WriteDirectly,
}

const BATCH: Number = Number {
    variable: "AUDIT_BACKGROUND_BATCH",
    expected: "a number of entries from 1 to 256",
    allowed: 1..=256,
};

const INTERVAL: Number = Number {
    variable: "AUDIT_BACKGROUND_INTERVAL_MS",
    expected: "milliseconds from 0 to 60000",
    allowed: 0..=60_000,
};

const QUEUE: Number = Number {
    variable: "AUDIT_BACKGROUND_QUEUE",
    expected: "a number of entries from 1 to 1000000",
    allowed: 1..=1_000_000,
};

const WAIT: Number = Number {
    variable: "AUDIT_BACKGROUND_WAIT_MS",
    expected: "milliseconds from 0 to 600000",
    allowed: 0..=600_000,
};

const FIRST_PAUSE: Number = Number {
    variable: "AUDIT_BACKGROUND_FIRST_PAUSE_MS",
    expected: "milliseconds from 1 to 60000",
    allowed: 1..=60_000,
};

const MAX_PAUSE: Number = Number {
    variable: "AUDIT_BACKGROUND_MAX_PAUSE_MS",
    expected: "milliseconds from 1 to 600000, no less than AUDIT_BACKGROUND_FIRST_PAUSE_MS",
    allowed: 1..=600_000,
};

const GIVE_UP: Number = Number {
    variable: "AUDIT_BACKGROUND_GIVE_UP_MS",
    expected: "milliseconds from 0 to 86400000",
    allowed: 0..=86_400_000,
};

/// The settings, if there is to be such a writer.
pub(super) fn read(lookup: Lookup<'_>) -> Result<Option<Background>, ConfigError> {
    let defaults = Background::new();
    let wait = WAIT.millis(lookup, WhenFull::DEFAULT_WAIT)?;
    let when_full = match WHEN_FULL.read(lookup)? {
        Full::Wait => WhenFull::Wait(wait),
        Full::WriteDirectly => WhenFull::WriteDirectly,
    };
    let first = FIRST_PAUSE.millis(lookup, defaults.first_pause())?;
    let max = MAX_PAUSE.millis(lookup, defaults.max_pause().max(first))?;
    if max < first {
        return Err(MAX_PAUSE.refused(Problem::OutOfRange));
    }
    let settings = defaults
        .clone()
        .batch_size(BATCH.count(lookup, defaults.max_batch())?)
        .interval(INTERVAL.millis(lookup, defaults.max_delay())?)
        .queue(QUEUE.count(lookup, defaults.max_queue())?)
        .when_full(when_full)
        .pauses(first, max)
        .give_up(GIVE_UP.millis(lookup, defaults.gives_up_after())?);
    // What is wrong is told also where nothing asks for a writer.
    Ok(BACKGROUND.read(lookup)?.then_some(settings))
}
