use serde::Serialize;

use crate::{backend::Backend, report::rounded};

/// What the queue writes in a second, and what one does by hand.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    case: &'static str,
    backend: &'static str,
    by_hand_per_s: f64,
    queue_per_s: f64,
    /// The second divided by the first.
    ratio: f64,
}

/// What a write of one row takes with its entry, and with the entry in the queue.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Single {
    case: &'static str,
    backend: &'static str,
    direct_ms: f64,
    queued_ms: f64,
    over_direct: f64,
}

impl Line {
    pub(super) const HEADER: [&'static str; 4] = ["case", "by hand /s", "queue /s", "ratio"];

    pub(super) fn new(backend: Backend, [by_hand, queue]: [f64; 2]) -> Self {
        Self {
            case: "drain",
            backend: backend.name(),
            by_hand_per_s: by_hand.round(),
            queue_per_s: queue.round(),
            ratio: rounded(queue / by_hand, 3),
        }
    }

    pub(super) fn cells(&self) -> [String; 4] {
        [
            self.case.to_owned(),
            self.by_hand_per_s.to_string(),
            self.queue_per_s.to_string(),
            format!("{:.2}", self.ratio),
        ]
    }
}

impl Single {
    pub(super) const HEADER: [&'static str; 4] = ["case", "direct ms", "queued ms", "over direct"];

    pub(super) fn new(backend: Backend, [direct, queued]: [f64; 2]) -> Self {
        Self {
            case: "update",
            backend: backend.name(),
            direct_ms: rounded(direct, 5),
            queued_ms: rounded(queued, 5),
            over_direct: rounded(queued / direct, 3),
        }
    }

    pub(super) fn cells(&self) -> [String; 4] {
        [
            self.case.to_owned(),
            format!("{:.3}", self.direct_ms),
            format!("{:.3}", self.queued_ms),
            format!("{:.2}", self.over_direct),
        ]
    }
}
