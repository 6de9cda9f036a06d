use std::collections::{BTreeMap, BTreeSet};

/// How much of the trail is kept. Each limit that is set takes entries away: an entry goes if it is beyond any of them.
///
/// ```
/// use audit_core::Limits;
///
/// let limits = Limits::new().max_age_days(30).newest_per_record(10);
/// assert_eq!(limits.get_max_age_days(), Some(30));
/// assert_eq!(Limits::new().get_max_age_days(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    max_age_days: Option<u32>,
    newest_per_record: Option<u64>,
    newest_per_table: Option<u64>,
}

impl Limits {
    /// No limit: everything is kept for ever.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_age_days: None, newest_per_record: None, newest_per_table: None }
    }

    /// Keeps the entries of so many days, of 24 hours each.
    #[must_use]
    pub const fn max_age_days(mut self, days: u32) -> Self {
        self.max_age_days = Some(days);
        self
    }

    /// Keeps so many entries of each record, the newest.
    #[must_use]
    pub const fn newest_per_record(mut self, entries: u64) -> Self {
        self.newest_per_record = Some(entries);
        self
    }

    /// Keeps so many entries of each table, the newest.
    #[must_use]
    pub const fn newest_per_table(mut self, entries: u64) -> Self {
        self.newest_per_table = Some(entries);
        self
    }

    /// See [`max_age_days`](Self::max_age_days); none keeps them whatever their age.
    #[must_use]
    pub const fn get_max_age_days(&self) -> Option<u32> {
        self.max_age_days
    }

    /// See [`newest_per_record`](Self::newest_per_record); none keeps all.
    #[must_use]
    pub const fn get_newest_per_record(&self) -> Option<u64> {
        self.newest_per_record
    }

    /// See [`newest_per_table`](Self::newest_per_table); none keeps all.
    #[must_use]
    pub const fn get_newest_per_table(&self) -> Option<u64> {
        self.newest_per_table
    }

    /// Whether one of the limits is zero, which would leave nothing of the trail.
    #[must_use]
    pub fn keeps_nothing(&self) -> bool {
        self.max_age_days == Some(0)
            || self.newest_per_record == Some(0)
            || self.newest_per_table == Some(0)
    }
}

/// What of the trail is kept, and for how long: the limits of all tables, those of single ones, and what is held
/// whatever they say (a legal hold).
///
/// It does nothing by itself: `AuditTrail::prune` goes by it, and the background task that does so on a schedule.
///
/// ```
/// use audit_core::{AuditConfig, Limits, Retention};
///
/// let retention = Retention::new() // keeps everything for ever
///     .all(Limits::new().max_age_days(365))
///     .table("session", Limits::new().max_age_days(30).newest_per_record(10))
///     .table("invoice", Limits::new()) // for ever
///     .keep_table("payment")
///     .keep_record("post", "42")
///     .keep_user("7");
/// let config = AuditConfig::new().retention(retention);
/// assert_eq!(config.get_retention().limits("post").get_max_age_days(), Some(365));
///
/// assert_eq!(Retention::new().limits("post"), Limits::new()); // no limit: nothing is ever deleted
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    all: Limits,
    tables: BTreeMap<String, Limits>,
    kept_tables: BTreeSet<String>,
    kept_records: BTreeSet<(String, String)>,
    kept_users: BTreeSet<String>,
}

impl Retention {
    /// Keeps every entry for ever. Entries are deleted only where a limit is set, by [`all`](Self::all) or
    /// [`table`](Self::table).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The limits of every table that has none of its own. Defaults to no limit: everything is kept for ever.
    #[must_use]
    pub fn all(mut self, limits: Limits) -> Self {
        self.all = limits;
        self
    }

    /// The limits of one table, in place of those of all. It is named as in the trail: `table`, or `schema.table` where
    /// the entity names a schema.
    #[must_use]
    pub fn table(mut self, table: impl Into<String>, limits: Limits) -> Self {
        self.tables.insert(table.into(), limits);
        self
    }

    /// Holds all entries of a table, whatever the limits say.
    #[must_use]
    pub fn keep_table(mut self, table: impl Into<String>) -> Self {
        self.kept_tables.insert(table.into());
        self
    }

    /// Holds all entries of a record, by its id as the trail has it: `42`, or `[7,"en"]` for a composite key.
    #[must_use]
    pub fn keep_record(mut self, table: impl Into<String>, record_id: impl Into<String>) -> Self {
        self.kept_records.insert((table.into(), record_id.into()));
        self
    }

    /// Holds all entries of what a user did, whatever the limits say.
    #[must_use]
    pub fn keep_user(mut self, user_id: impl Into<String>) -> Self {
        self.kept_users.insert(user_id.into());
        self
    }

    /// The limits in force for a table.
    #[must_use]
    pub fn limits(&self, table: &str) -> Limits {
        self.tables.get(table).copied().unwrap_or(self.all)
    }

    /// The limits of every table that has none of its own.
    #[must_use]
    pub fn limits_of_all(&self) -> Limits {
        self.all
    }

    /// The tables that have limits of their own.
    pub fn tables(&self) -> impl Iterator<Item = (&str, Limits)> {
        self.tables.iter().map(|(table, limits)| (table.as_str(), *limits))
    }

    /// The tables that are held.
    pub fn kept_tables(&self) -> impl Iterator<Item = &str> {
        self.kept_tables.iter().map(String::as_str)
    }

    /// The records that are held, each by its table and its id.
    pub fn kept_records(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kept_records.iter().map(|(table, record)| (table.as_str(), record.as_str()))
    }

    /// The users that are held.
    pub fn kept_users(&self) -> impl Iterator<Item = &str> {
        self.kept_users.iter().map(String::as_str)
    }
}
