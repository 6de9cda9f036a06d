/// What is asked of the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// All entries of a record of usual size.
    Record,
    /// A page of what a user did in some months.
    UserAndTime,
    Blame,
    /// A record in the middle of its life.
    AsOf,
    /// The first page of the trail.
    Latest,
    /// A page from the middle of the trail.
    Deep,
    /// A page of what a user did to one column.
    UserAndChanged,
    /// The first page of a record that has a twentieth of all entries.
    LargeRecord,
}

/// How many entries a page has.
pub(super) const PAGE: u64 = 50;

impl Case {
    const ALL: [Self; 8] = [
        Self::Record,
        Self::UserAndTime,
        Self::Blame,
        Self::AsOf,
        Self::Latest,
        Self::Deep,
        Self::UserAndChanged,
        Self::LargeRecord,
    ];

    /// The case of this name, or all that have it in theirs.
    pub(super) fn named(name: &str) -> Vec<Self> {
        match Self::ALL.into_iter().find(|case| case.name() == name) {
            Some(case) => vec![case],
            None => Self::ALL.into_iter().filter(|case| case.name().contains(name)).collect(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Record => "find_for_record",
            Self::UserAndTime => "page_of_user_and_time",
            Self::Blame => "blame",
            Self::AsOf => "as_of",
            Self::Latest => "page_of_latest",
            Self::Deep => "page_deep_in",
            Self::UserAndChanged => "page_of_user_and_changed",
            Self::LargeRecord => "page_of_large_record",
        }
    }
}
