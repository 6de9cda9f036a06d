use serde::Serialize;

use crate::{
    backend::Backend,
    report::{Bar, Group, rounded},
};

/// The result of one case; times are those of one repeat.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    case: &'static str,
    backend: &'static str,
    plain_ms: f64,
    floor_ms: f64,
    audited_ms: f64,
    over_plain: f64,
    over_floor: f64,
    /// Those of the audited write.
    round_trips: f64,
    plain_round_trips: f64,
    floor_round_trips: f64,
}

impl Line {
    pub(super) const HEADER: [&'static str; 9] = [
        "case",
        "plain ms",
        "floor ms",
        "audited ms",
        "over plain",
        "over floor",
        "round trips: plain",
        "floor",
        "audited",
    ];

    /// From plain, floor and audited.
    pub(super) fn new(
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

    pub(super) fn cells(&self) -> [String; 9] {
        [
            self.case.to_owned(),
            format!("{:.3}", self.plain_ms),
            format!("{:.3}", self.floor_ms),
            format!("{:.3}", self.audited_ms),
            format!("{:.2}", self.over_plain),
            format!("{:.2}", self.over_floor),
            self.plain_round_trips.to_string(),
            self.floor_round_trips.to_string(),
            self.round_trips.to_string(),
        ]
    }

    /// As multiples of the plain write.
    pub(super) fn bars(&self) -> Group {
        let bars =
            [("plain", self.plain_ms), ("floor", self.floor_ms), ("audited", self.audited_ms)];
        let bar = |(of, ms): (&'static str, f64)| Bar { of, ms, multiple: ms / self.plain_ms };
        Group { name: self.case.to_owned(), bars: bars.map(bar).into() }
    }
}
