use std::{fmt, str::FromStr};

use sea_orm::{
    ColumnTrait, Condition, DbBackend, IdenStatic, QueryResult,
    prelude::{DateTimeUtc, Uuid},
    sea_query::{Expr, ExprTrait},
};

use super::{
    calendar::moment,
    time::{Time, stored},
    value::Stored,
};
use crate::{encode::hex, entity::Column};

/// Where an entry stands in the order of the trail, by time and id. What cannot be read is compared as it is stored, so that
/// a reader gets past every entry, and by none twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    time: TimePlace,
    id: IdPlace,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum TimePlace {
    At(DateTimeUtc),
    Stored(Stored),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum IdPlace {
    Uuid(Uuid),
    Stored(Stored),
}

impl Place {
    pub(crate) fn new(at: DateTimeUtc, id: Uuid) -> Self {
        Self { time: TimePlace::At(at), id: IdPlace::Uuid(id) }
    }

    /// The row must have been asked for by [`select`](super::select).
    pub(crate) fn read(row: &QueryResult, backend: DbBackend) -> Self {
        let nothing = || Stored::Text(String::new());
        let time = match Time::read(row, backend) {
            Time::Sound(at) => TimePlace::At(at),
            _ => TimePlace::Stored(stored(row, backend).unwrap_or_else(nothing)),
        };
        let id = Column::Id.as_str();
        let id = match row.try_get::<Uuid>("", id) {
            Ok(id) => IdPlace::Uuid(id),
            Err(_) => IdPlace::Stored(Stored::read(row, id).unwrap_or_else(nothing)),
        };
        Self { time, id }
    }

    /// The time, if it is a sound one.
    pub(crate) fn at(&self) -> Option<DateTimeUtc> {
        match self.time {
            TimePlace::At(at) => Some(at),
            TimePlace::Stored(_) => None,
        }
    }

    /// Whether time and id tell all of it.
    pub(crate) fn is_sound(&self) -> bool {
        matches!(self, Self { time: TimePlace::At(_), id: IdPlace::Uuid(_) })
    }

    /// The entries that are later. An index finds the time, and what has the very same one is sorted out.
    pub(crate) fn later(&self, backend: DbBackend) -> Condition {
        self.beyond(backend, ExprTrait::gte, ExprTrait::gt)
    }

    /// The entries that are earlier.
    pub(crate) fn earlier(&self, backend: DbBackend) -> Condition {
        self.beyond(backend, ExprTrait::lte, ExprTrait::lt)
    }

    /// The entry itself.
    pub(crate) fn itself(&self, backend: DbBackend) -> Condition {
        match self.time(backend).zip(self.id(backend)) {
            Some((at, of)) => Condition::all()
                .add(Column::Timestamp.into_expr().eq(at))
                .add(Column::Id.into_expr().eq(of)),
            None => nothing(),
        }
    }

    fn beyond(&self, backend: DbBackend, from: Compare, beyond: Compare) -> Condition {
        let (time, id) = (Column::Timestamp.into_expr(), Column::Id.into_expr());
        match self.time(backend).zip(self.id(backend)) {
            Some((at, of)) => Condition::all()
                .add(from(time.clone(), at.clone()))
                .add(beyond(time, at).or(beyond(id, of))),
            None => nothing(),
        }
    }

    fn time(&self, backend: DbBackend) -> Option<Expr> {
        match (&self.time, backend) {
            (TimePlace::At(at), _) => Some(Expr::val(moment(backend, *at))),
            (TimePlace::Stored(Stored::Text(bytes)), DbBackend::Postgres) => postgres(bytes),
            (TimePlace::Stored(_), DbBackend::Postgres) => None,
            (TimePlace::Stored(stored), _) => Some(stored.expr()),
        }
    }

    /// For finding the entry itself.
    pub(crate) fn id(&self, backend: DbBackend) -> Option<Expr> {
        match &self.id {
            IdPlace::Uuid(id) => Some(Expr::val(*id)),
            IdPlace::Stored(id) => (backend == DbBackend::Sqlite).then(|| id.expr()),
        }
    }
}

/// For a place of another database.
fn nothing() -> Condition {
    Condition::all().add(Expr::val(1).eq(0))
}

type Compare = fn(Expr, Expr) -> Expr;

/// A time of `PostgreSQL`'s by its bytes, microseconds since 2000. Times end with the year 294276, and begin in 4714 BC;
/// what is beyond is infinite.
fn postgres(bytes: &str) -> Option<Expr> {
    const DAY: i64 = 86_400_000_000;
    let micros = u64::from_str_radix(bytes, 16).ok()?.cast_signed();
    Some(match micros {
        9_223_371_331_200_000_000.. => Expr::cust("TIMESTAMPTZ 'infinity'"),
        ..-211_813_488_000_000_000 => Expr::cust("TIMESTAMPTZ '-infinity'"),
        _ => {
            let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
            let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
            Expr::cust(format!(
                "((TIMESTAMP '2000-01-01' + make_interval(days => {days}, secs => {seconds}.{micros:06})) \
                 AT TIME ZONE 'UTC')"
            ))
        }
    })
}

/// 48 hexadecimal digits of a sound one, and more of another.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.time {
            TimePlace::At(at) => write!(f, "{:016x}", at.timestamp_micros())?,
            TimePlace::Stored(stored) => write_stored(f, stored)?,
        }
        if !self.is_sound() {
            f.write_str("-")?;
        }
        match &self.id {
            IdPlace::Uuid(id) => write!(f, "{:032x}", id.as_u128()),
            IdPlace::Stored(stored) => write_stored(f, stored),
        }
    }
}

fn write_stored(f: &mut fmt::Formatter<'_>, stored: &Stored) -> fmt::Result {
    let (kind, bytes) = match stored {
        Stored::Text(text) => ("t", text.as_bytes()),
        Stored::Garbled(bytes) => ("g", &**bytes),
        Stored::Bytes(bytes) => ("b", &**bytes),
    };
    write!(f, "{kind}{}", hex::write(bytes))
}

/// The text is no [`Place`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = match text.split_once('-') {
            Some(parts) => Some(parts),
            None => text.split_at_checked(16),
        };
        let place =
            parts.and_then(|(time, id)| Some(Self { time: time_of(time)?, id: id_of(id)? }));
        place.ok_or(NoPlace)
    }
}

fn time_of(text: &str) -> Option<TimePlace> {
    match number(text, 16) {
        Some(micros) => {
            let micros = u64::try_from(micros).ok()?.cast_signed();
            Some(TimePlace::At(DateTimeUtc::from_timestamp_micros(micros)?))
        }
        None => stored_of(text).map(TimePlace::Stored),
    }
}

fn id_of(text: &str) -> Option<IdPlace> {
    match number(text, 32) {
        Some(id) => Some(IdPlace::Uuid(Uuid::from_u128(id))),
        None => stored_of(text).map(IdPlace::Stored),
    }
}

fn number(text: &str, digits: usize) -> Option<u128> {
    let is_digits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn stored_of(text: &str) -> Option<Stored> {
    let (kind, digits) = text.split_at_checked(1)?;
    let bytes = hex::read(digits)?;
    match kind {
        "t" => String::from_utf8(bytes).ok().map(Stored::Text),
        "g" => Some(Stored::Garbled(bytes)),
        "b" => Some(Stored::Bytes(bytes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_from_its_text() {
        let sound = Place::new(DateTimeUtc::UNIX_EPOCH, Uuid::from_u128(7));
        let id = || IdPlace::Stored(Stored::Bytes(vec![1, 2, 255]));
        let text = |text: &str| TimePlace::Stored(Stored::Text(text.to_owned()));
        let garbled = TimePlace::Stored(Stored::Garbled(vec![0xff]));
        for place in [
            sound.clone(),
            Place { id: id(), ..sound.clone() },
            Place { time: text("7fffffffffffffff"), ..sound.clone() },
            Place { time: text(""), id: id() },
            Place { time: garbled, ..sound.clone() },
        ] {
            let read: Place = place.to_string().parse().expect("its own text");
            assert_eq!(read, place);
        }
        assert_eq!(sound.to_string(), format!("{:048x}", 7));
        for other in ["", "-", "t", "0-0", "t6-b", "yesterday", "é", "x00-b00", "tff-b00"] {
            assert!(other.parse::<Place>().is_err(), "{other}");
        }
    }
}
