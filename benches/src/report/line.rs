use serde::Serialize;

use crate::backend::Backend;

/// The result of one case; times are those of one repeat.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) case: &'static str,
    pub(crate) backend: &'static str,
    pub(crate) plain_ms: f64,
    pub(crate) floor_ms: f64,
    pub(crate) audited_ms: f64,
    pub(crate) over_plain: f64,
    pub(crate) over_floor: f64,
    /// Those of the audited write.
    pub(crate) round_trips: f64,
    pub(crate) plain_round_trips: f64,
    pub(crate) floor_round_trips: f64,
}

impl Line {
    /// From plain, floor and audited.
    pub(crate) fn new(
        case: &'static str,
        backend: Backend,
        [plain, floor, audited]: [f64; 3],
        [plain_trips, floor_trips, audited_trips]: [f64; 3],
    ) -> Self {
        Self {
            case,
            backend: backend.name(),
            plain_ms: rounded(plain, 5),
            floor_ms: rounded(floor, 5),
            audited_ms: rounded(audited, 5),
            over_plain: rounded(audited / plain, 3),
            over_floor: rounded(audited / floor, 3),
            round_trips: rounded(audited_trips, 2),
            plain_round_trips: rounded(plain_trips, 2),
            floor_round_trips: rounded(floor_trips, 2),
        }
    }
}

fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}
