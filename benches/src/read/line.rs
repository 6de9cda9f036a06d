use serde::Serialize;

use super::trail::Trail;
use crate::report::{Bar, Group, rounded};

/// The result of one case on one trail; times are those of one read.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) case: String,
    backend: &'static str,
    entries: u64,
    rows: usize,
    floor_ms: f64,
    audited_ms: f64,
    over_floor: f64,
    /// Over the smallest trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_mb: Option<f64>,
}

impl Line {
    pub(super) const HEADER: [&'static str; 8] =
        ["case", "entries", "rows", "floor ms", "audited ms", "over floor", "growth", "peak MB"];

    pub(super) fn new(case: &str, trail: &Trail, rows: usize, [floor, audited]: [f64; 2]) -> Self {
        Self {
            case: case.to_owned(),
            backend: trail.backend.name(),
            entries: trail.size,
            rows,
            floor_ms: rounded(floor, 5),
            audited_ms: rounded(audited, 5),
            over_floor: rounded(audited / floor, 3),
            growth: None,
            peak_mb: None,
        }
    }

    pub(super) fn over(self, smallest_ms: f64) -> Self {
        Self { growth: Some(rounded(self.audited_ms / smallest_ms, 3)), ..self }
    }

    pub(super) fn with_peak(self, peak_mb: Option<f64>) -> Self {
        Self { peak_mb, ..self }
    }

    pub(super) fn cells(&self) -> [String; 8] {
        let or_nothing = |text: Option<String>| text.unwrap_or_default();
        [
            self.case.clone(),
            self.entries.to_string(),
            self.rows.to_string(),
            format!("{:.3}", self.floor_ms),
            format!("{:.3}", self.audited_ms),
            format!("{:.2}", self.over_floor),
            or_nothing(self.growth.map(|growth| format!("{growth:.2}"))),
            or_nothing(self.peak_mb.map(|peak| format!("{peak:.1}"))),
        ]
    }

    /// As multiples of the floor on the smallest trail.
    pub(super) fn bars(&self, smallest: &Self) -> Group {
        let bars = [("floor", self.floor_ms), ("audited", self.audited_ms)];
        let bar = |(of, ms): (&'static str, f64)| Bar { of, ms, multiple: ms / smallest.floor_ms };
        Group { name: format!("{} of {}", self.case, self.entries), bars: bars.map(bar).into() }
    }
}
