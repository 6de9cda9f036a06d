use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Utc};
use sea_orm::{DbBackend, sea_query::SimpleExpr};
use serde::{Deserialize, Serialize};

use super::unit::{self, SINCE};

/// A stretch of time that entries are counted by.
///
/// Hours, days, weeks and months are those of a UTC offset. Serialised as `hour`, `day`, `week`, `month`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Bucket {
    /// From a full hour on.
    Hour,
    /// From midnight on.
    Day,
    /// From Monday's midnight on, as in ISO 8601.
    Week,
    /// From the midnight of the first on.
    Month,
}

/// Buckets of one kind at one offset, numbered as time goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    pub(super) bucket: Bucket,
    pub(super) offset: FixedOffset,
}

impl Calendar {
    /// The number of the unit that an entry is in: what the database counts by. Each unit is in one bucket.
    pub(super) fn unit_of_entry(self, backend: DbBackend) -> SimpleExpr {
        unit::of_entry(backend, self.unit_seconds(), self.shift())
    }

    fn unit_seconds(self) -> i64 {
        match self.bucket {
            Bucket::Hour => 3600,
            Bucket::Day | Bucket::Month => 86_400,
            Bucket::Week => 7 * 86_400,
        }
    }

    /// How many units a bucket has, at most.
    pub(super) fn units(self) -> u64 {
        if self.bucket == Bucket::Month { 31 } else { 1 }
    }

    /// The bucket of a unit; none beyond the end of the calendar.
    pub(super) fn of_unit(self, unit: i64) -> Option<i64> {
        if self.bucket != Bucket::Month {
            return Some(unit);
        }
        let seconds = unit.checked_mul(86_400)?.checked_sub(SINCE)?;
        let date = DateTime::from_timestamp(seconds, 0)?.date_naive();
        Some(i64::from(date.year()) * 12 + i64::from(date.month0()))
    }

    /// The bucket of a moment.
    pub(super) fn of(self, at: DateTime<Utc>) -> Option<i64> {
        self.of_unit((at.timestamp() + self.shift()).div_euclid(self.unit_seconds()))
    }

    /// The bucket of what is just before a moment.
    pub(super) fn before(self, at: DateTime<Utc>) -> Option<i64> {
        let seconds = at.timestamp() - i64::from(at.timestamp_subsec_nanos() == 0);
        self.of_unit((seconds + self.shift()).div_euclid(self.unit_seconds()))
    }

    /// When a bucket begins.
    pub(super) fn start(self, number: i64) -> Option<DateTime<FixedOffset>> {
        let since = match self.bucket {
            Bucket::Month => {
                let year = number.div_euclid(12).try_into().ok()?;
                let month = u32::try_from(number.rem_euclid(12)).ok()? + 1;
                let first = NaiveDate::from_ymd_opt(year, month, 1)?;
                first.and_time(NaiveTime::MIN).and_utc().timestamp() + SINCE
            }
            _ => number.checked_mul(self.unit_seconds())?,
        };
        let start = DateTime::from_timestamp(since.checked_sub(self.shift())?, 0)?;
        Some(start.with_timezone(&self.offset))
    }

    fn shift(self) -> i64 {
        SINCE + i64::from(self.offset.local_minus_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Bucket; 4] = [Bucket::Hour, Bucket::Day, Bucket::Week, Bucket::Month];

    fn calendars() -> impl Iterator<Item = Calendar> {
        let offsets = [0, 19_800, -10_800, 20_700, 86_399, -86_399, 1];
        let offsets = offsets.into_iter().filter_map(FixedOffset::east_opt);
        offsets.flat_map(|offset| KINDS.map(|bucket| Calendar { bucket, offset }))
    }

    #[test]
    fn a_bucket_begins_where_the_former_one_ends() {
        let moments = [0, -1, 951_782_400, 1_785_542_400, -62_135_596_800, 253_402_300_799];
        for (calendar, seconds) in calendars().flat_map(|it| moments.map(|at| (it, at))) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let number = calendar.of(at).unwrap();
            let (start, end) =
                (calendar.start(number).unwrap(), calendar.start(number + 1).unwrap());
            assert!(start <= at && at < end, "{calendar:?} {at}: {start} to {end}");
            assert_eq!(calendar.of(start.to_utc()), Some(number));
            assert_eq!(calendar.before(end.to_utc()), Some(number));
            assert_eq!(calendar.before(start.to_utc()), Some(number - 1));
            assert_eq!(start.time().format("%M:%S").to_string(), "00:00");
        }
    }

    #[test]
    fn days_begin_at_midnight_weeks_on_monday_and_months_on_the_first() {
        let at = "2026-03-01T18:40:00.5Z".parse().unwrap();
        let starts = |offset: i32| {
            KINDS.map(|bucket| {
                let calendar = Calendar { bucket, offset: FixedOffset::east_opt(offset).unwrap() };
                let start = calendar.of(at).and_then(|number| calendar.start(number));
                start.unwrap().to_rfc3339()
            })
        };
        assert_eq!(
            starts(19_800),
            [
                "2026-03-02T00:00:00+05:30",
                "2026-03-02T00:00:00+05:30",
                "2026-03-02T00:00:00+05:30",
                "2026-03-01T00:00:00+05:30",
            ]
        );
        assert_eq!(
            starts(-10_800),
            [
                "2026-03-01T15:00:00-03:00",
                "2026-03-01T00:00:00-03:00",
                "2026-02-23T00:00:00-03:00",
                "2026-03-01T00:00:00-03:00",
            ]
        );
    }

    #[test]
    fn there_is_no_bucket_beyond_the_calendar() {
        for calendar in calendars() {
            for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                let _ = calendar.of(at).and_then(|number| calendar.start(number));
                let _ = calendar.before(at);
            }
            assert_eq!(calendar.start(i64::MAX), None);
            assert_eq!(calendar.start(i64::MIN), None);
        }
    }
}
