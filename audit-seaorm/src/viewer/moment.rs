//! Moments, as a page shows and takes them: in UTC.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use sea_orm::prelude::DateTimeUtc;

/// Cut, not rounded.
const PICKED: &str = "%Y-%m-%dT%H:%M:%S%.3f";

/// A moment to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) DateTimeUtc);

impl Moment {
    /// Entries are as exact as a microsecond; a second more is none that any of them has.
    pub(super) fn new(at: DateTimeUtc) -> Self {
        Self(DateTimeUtc::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at))
    }

    pub(super) fn now() -> Self {
        Self::new(Utc::now())
    }

    /// To the second.
    pub(super) fn seconds(self) -> impl fmt::Display {
        self.0.format("%Y-%m-%d %H:%M:%S")
    }

    /// The rest of it.
    pub(super) fn fraction(self) -> impl fmt::Display {
        self.0.format("%.6f")
    }

    /// For a machine, and for an address.
    pub(super) fn exact(self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// For a picker, which knows milliseconds: the last one that is not later.
    pub(super) fn picked(self) -> String {
        self.0.format(PICKED).to_string()
    }

    /// For a picker: the first one that is not earlier.
    pub(super) fn picked_up(self) -> String {
        let beyond = self.0.timestamp_subsec_micros() % 1000;
        let up = TimeDelta::microseconds(if beyond == 0 { 0 } else { i64::from(1000 - beyond) });
        self.plus(up).format(PICKED).to_string()
    }

    /// So much earlier and later.
    pub(super) fn around(self, time: TimeDelta) -> [Self; 2] {
        [Self(self.plus(-time)), Self(self.plus(time))]
    }

    fn plus(self, time: TimeDelta) -> DateTimeUtc {
        self.0.checked_add_signed(time).unwrap_or(self.0)
    }

    /// The next microsecond, which is as close as entries are.
    pub(super) fn next(self) -> DateTimeUtc {
        self.plus(TimeDelta::microseconds(1))
    }

    /// The last one.
    pub(super) fn before(self) -> Self {
        Self(self.plus(TimeDelta::microseconds(-1)))
    }
}

/// A moment as a picker or an address writes it; without an offset it is one of UTC.
pub(super) fn parse(text: &str) -> Option<Moment> {
    let zoned = || Some(text.parse::<DateTime<FixedOffset>>().ok()?.to_utc());
    let naive = |format| Some(NaiveDateTime::parse_from_str(text, format).ok()?.and_utc());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let at = zoned()
        .or_else(|| naive("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|| naive("%Y-%m-%dT%H:%M"))
        .or_else(|| Some(day()?.and_utc()))?;
    Some(Moment::new(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Some(parse(text)?.exact())
    }

    #[test]
    fn what_a_picker_or_an_address_says_is_read() {
        for (text, exact) in [
            ("2026-11-24", "2026-11-24T00:00:00.000000Z"),
            ("2026-11-24T09:00", "2026-11-24T09:00:00.000000Z"),
            ("2026-11-24T09:00:01", "2026-11-24T09:00:01.000000Z"),
            ("2026-11-24T09:00:01.25", "2026-11-24T09:00:01.250000Z"),
            ("2026-11-24T09:00:01.123456Z", "2026-11-24T09:00:01.123456Z"),
            ("2026-11-24T09:00:01.123456789Z", "2026-11-24T09:00:01.123456Z"),
            ("2026-11-24T09:00:60", "2026-11-24T09:01:00.000000Z"),
            ("2026-11-24T09:00:01+02:00", "2026-11-24T07:00:01.000000Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(exact), "{text}");
        }
        for text in ["", "yesterday", "24.11.2026", "2026-13-01", "2026-11-24T25:00", "12"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_picked_is_a_millisecond_on_the_side_that_is_asked_for() {
        for (exact, down, up) in [
            ("2026-11-24T09:00:01.123000Z", "2026-11-24T09:00:01.123", "2026-11-24T09:00:01.123"),
            ("2026-11-24T09:00:01.123001Z", "2026-11-24T09:00:01.123", "2026-11-24T09:00:01.124"),
            ("2026-11-24T23:59:59.999999Z", "2026-11-24T23:59:59.999", "2026-11-25T00:00:00.000"),
        ] {
            let picked = parse(exact).map(|at| (at.picked(), at.picked_up()));
            assert_eq!(picked, Some((down.to_owned(), up.to_owned())));
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trouble() {
        for at in [DateTimeUtc::MIN_UTC, DateTimeUtc::MAX_UTC] {
            let at = Moment::new(at);
            assert!(!at.exact().is_empty() && !at.picked_up().is_empty());
            let _ = (at.next(), at.before(), at.around(TimeDelta::days(1)));
        }
    }
}
