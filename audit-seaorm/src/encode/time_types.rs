use sea_orm::{
    prelude::{TimeDate, TimeDateTime, TimeDateTimeWithTimeZone, TimeTime},
    sea_query::prelude::{
        chrono::{Duration, NaiveDateTime},
        time::UtcOffset,
    },
};

use super::{
    EncodeError,
    calendar::{self, Clock, Date},
    chrono_types,
};

pub(super) fn write_date(date: TimeDate) -> String {
    calendar::write_date(parts(date))
}

pub(super) fn write_time(time: TimeTime) -> String {
    calendar::write_clock(clock(time))
}

pub(super) fn write_naive(moment: TimeDateTime) -> String {
    calendar::write_both(parts(moment.date()), clock(moment.time()))
}

pub(super) fn write_moment(moment: TimeDateTimeWithTimeZone) -> Result<String, EncodeError> {
    let naive = match moment.checked_to_offset(UtcOffset::UTC) {
        Some(utc) => write_naive(TimeDateTime::new(utc.date(), utc.time())),
        None => write_beyond(moment).ok_or(EncodeError::OutOfRange)?,
    };
    Ok(naive + "Z")
}

pub(super) fn read_date(text: &str) -> Option<TimeDate> {
    calendar::read_date(text).and_then(to_date)
}

pub(super) fn read_time(text: &str) -> Option<TimeTime> {
    calendar::read_clock(text).and_then(to_time)
}

pub(super) fn read_naive(text: &str) -> Option<TimeDateTime> {
    calendar::read_both(text).and_then(to_naive)
}

pub(super) fn read_utc(text: &str) -> Option<TimeDateTimeWithTimeZone> {
    let (date, clock) = calendar::read_utc(text)?;
    let time = to_time(clock)?;
    match to_date(date) {
        Some(date) => Some(TimeDateTime::new(date, time).assume_utc()),
        None => read_beyond(chrono_types::to_naive((date, clock))?),
    }
}

/// Writes a moment whose own date is within the years of `time`, but not its date in UTC.
fn write_beyond(moment: TimeDateTimeWithTimeZone) -> Option<String> {
    let utc = sea_orm::prelude::ChronoDateTimeUtc::from_timestamp(
        moment.unix_timestamp(),
        moment.nanosecond(),
    )?;
    Some(chrono_types::write_naive(utc.naive_utc()))
}

/// Reads such a moment, with the largest offset to either side.
fn read_beyond(utc: NaiveDateTime) -> Option<TimeDateTimeWithTimeZone> {
    [-1, 1].into_iter().find_map(|sign| {
        let offset = UtcOffset::from_hms(25 * sign, 59 * sign, 59 * sign).ok()?;
        let local = utc.checked_add_signed(Duration::seconds(offset.whole_seconds().into()))?;
        let both = calendar::read_both(&chrono_types::write_naive(local))?;
        Some(to_naive(both)?.assume_offset(offset))
    })
}

fn parts(date: TimeDate) -> Date {
    Date { year: date.year(), month: u8::from(date.month()).into(), day: date.day().into() }
}

fn clock(time: TimeTime) -> Clock {
    Clock {
        hour: time.hour().into(),
        minute: time.minute().into(),
        second: time.second().into(),
        nano: time.nanosecond(),
    }
}

fn to_naive((date, clock): (Date, Clock)) -> Option<TimeDateTime> {
    Some(TimeDateTime::new(to_date(date)?, to_time(clock)?))
}

fn to_date(Date { year, month, day }: Date) -> Option<TimeDate> {
    let month = u8::try_from(month).ok()?.try_into().ok()?;
    TimeDate::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()
}

fn to_time(clock: Clock) -> Option<TimeTime> {
    let part = |number: u32| u8::try_from(number).ok();
    TimeTime::from_hms_nano(part(clock.hour)?, part(clock.minute)?, part(clock.second)?, clock.nano)
        .ok()
}
