use sea_orm::prelude::DateTimeUtc;

/// How many records and users a trail is of: in proportion to its size, so that a usual record has as
/// many entries in each, 95, and a user about a thousand. One record has a twentieth of all entries.
pub(in crate::read) struct Layout {
    pub(in crate::read) entries: i64,
    pub(in crate::read) records: i64,
    pub(in crate::read) users: i64,
}

impl Layout {
    /// The key of the record with so many entries; the others begin with 1.
    pub(in crate::read) const LARGE: i64 = 0;

    /// The first second of 2024.
    pub(super) const BEGIN: i64 = 1_704_067_200;

    /// Two years, less a day, in seconds.
    const DURATION: i64 = 63_000_000;

    /// Entries have the same one, so that all times are of one form in a trail that stores texts.
    pub(super) const MICROS: u32 = 123_456;

    pub(in crate::read) fn of(entries: i64) -> Self {
        Self { entries, records: entries / 100, users: entries / 1000 }
    }

    /// How many seconds lie between two entries.
    pub(super) fn step(&self) -> i64 {
        Self::DURATION / self.entries
    }

    /// When an entry came to be, by its place.
    pub(in crate::read) fn time(&self, place: i64) -> DateTimeUtc {
        let seconds = Self::BEGIN + place * self.step();
        DateTimeUtc::from_timestamp(seconds, Self::MICROS * 1000).unwrap_or_default()
    }

    pub(in crate::read) fn user(number: i64) -> String {
        format!("user-{number}")
    }
}
