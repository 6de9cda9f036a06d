use sea_orm::{
    prelude::{ChronoDate, ChronoDateTime, ChronoDateTimeLocal, ChronoDateTimeUtc, ChronoTime},
    sea_query::prelude::chrono::{DateTime, Datelike, Local, TimeZone, Timelike},
};

use super::calendar::{self, Clock, Date};

pub(super) fn write_date(date: ChronoDate) -> String {
    calendar::write_date(parts(date))
}

pub(super) fn write_time(time: ChronoTime) -> String {
    calendar::write_clock(clock(time))
}

pub(super) fn write_naive(moment: ChronoDateTime) -> String {
    calendar::write_both(parts(moment.date()), clock(moment.time()))
}

pub(super) fn write_moment(moment: &DateTime<impl TimeZone>) -> String {
    write_naive(moment.naive_utc()) + "Z"
}

pub(super) fn read_date(text: &str) -> Option<ChronoDate> {
    calendar::read_date(text).and_then(to_date)
}

pub(super) fn read_time(text: &str) -> Option<ChronoTime> {
    calendar::read_clock(text).and_then(to_time)
}

pub(super) fn read_naive(text: &str) -> Option<ChronoDateTime> {
    calendar::read_both(text).and_then(to_naive)
}

pub(super) fn read_utc(text: &str) -> Option<ChronoDateTimeUtc> {
    let naive = calendar::read_utc(text).and_then(to_naive)?;
    Some(naive.and_utc())
}

pub(super) fn read_local(text: &str) -> Option<ChronoDateTimeLocal> {
    Some(read_utc(text)?.with_timezone(&Local))
}

pub(super) fn to_naive((date, clock): (Date, Clock)) -> Option<ChronoDateTime> {
    Some(to_date(date)?.and_time(to_time(clock)?))
}

fn parts(date: ChronoDate) -> Date {
    Date { year: date.year(), month: date.month(), day: date.day() }
}

fn clock(time: ChronoTime) -> Clock {
    Clock {
        hour: time.hour(),
        minute: time.minute(),
        second: time.second(),
        nano: time.nanosecond(),
    }
}

fn to_date(Date { year, month, day }: Date) -> Option<ChronoDate> {
    ChronoDate::from_ymd_opt(year, month, day)
}

fn to_time(clock: Clock) -> Option<ChronoTime> {
    // In two steps, because the constructor allows a leap second at second 59 only.
    ChronoTime::from_hms_opt(clock.hour, clock.minute, clock.second)?.with_nanosecond(clock.nano)
}
