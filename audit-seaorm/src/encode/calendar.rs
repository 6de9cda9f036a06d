//! The text of dates and times, the same for every crate that has types for them.

/// A day of the proleptic Gregorian calendar; not checked, that is up to the crate it goes to.
#[derive(Clone, Copy)]
pub(super) struct Date {
    pub(super) year: i32,
    pub(super) month: u32,
    pub(super) day: u32,
}

/// A time of day.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    /// A thousand million and more is a leap second, as in `chrono`.
    pub(super) nano: u32,
}

const SECOND: u32 = 1_000_000_000;

pub(super) fn write_date(Date { year, month, day }: Date) -> String {
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+05}-{month:02}-{day:02}")
    }
}

pub(super) fn write_clock(clock: Clock) -> String {
    let Clock { hour, minute, .. } = clock;
    let (second, nano) = match clock.nano.checked_sub(SECOND) {
        Some(rest) if clock.second == 59 => (60, rest),
        _ => (clock.second, clock.nano),
    };
    // `chrono` can be talked into a leap second at any second; ten digits keep that apart from the next one.
    if nano % 1000 == 0 && nano < SECOND {
        format!("{hour:02}:{minute:02}:{second:02}.{:06}", nano / 1000)
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{nano:09}")
    }
}

pub(super) fn write_both(date: Date, clock: Clock) -> String {
    format!("{}T{}", write_date(date), write_clock(clock))
}

pub(super) fn read_date(text: &str) -> Option<Date> {
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    Some(Date { year: read_year(year)?, month: digits(month, 2)?, day: digits(day, 2)? })
}

pub(super) fn read_clock(text: &str) -> Option<Clock> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, nano) = match rest.split_once('.') {
        Some((second, fraction)) => (second, read_fraction(fraction)?),
        None => (rest, 0),
    };
    let (second, nano) = match digits(second, 2)? {
        60 if nano < SECOND => (59, nano + SECOND),
        second => (second, nano),
    };
    Some(Clock { hour: digits(hour, 2)?, minute: digits(minute, 2)?, second, nano })
}

pub(super) fn read_both(text: &str) -> Option<(Date, Clock)> {
    let (date, clock) = text.split_once(['T', ' '])?;
    Some((read_date(date)?, read_clock(clock)?))
}

/// Reads a date and time in UTC.
pub(super) fn read_utc(text: &str) -> Option<(Date, Clock)> {
    ["Z", "+00:00", "+00"].iter().find_map(|zone| text.strip_suffix(zone)).and_then(read_both)
}

fn read_year(text: &str) -> Option<i32> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if unsigned.len() < 4 || text.len() - unsigned.len() > 1 {
        return None;
    }
    let year: i32 = digits(unsigned, unsigned.len())?.try_into().ok()?;
    Some(if text.starts_with('-') { -year } else { year })
}

fn read_fraction(text: &str) -> Option<u32> {
    let number = digits(text, text.len())?;
    match u32::try_from(text.len()).ok()? {
        length @ 1..=9 => Some(number * 10_u32.pow(9 - length)),
        10 if (SECOND..2 * SECOND).contains(&number) => Some(number),
        _ => None,
    }
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (text.len() == length && all_digits).then(|| text.parse().ok()).flatten()
}
