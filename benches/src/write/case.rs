/// What is done to a row, or to many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Insert,
    Update,
    Delete,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// One row, on a pool.
    Pool(Write),
    /// One row in a transaction of the caller's, whose `BEGIN` and `COMMIT` are not counted in.
    Transaction(Write),
    /// Many updates of one row each in one transaction, with its `BEGIN` and `COMMIT`.
    Updates,
    /// Many rows at once, on a pool.
    Bulk(Write),
}

/// How many updates [`Case::Updates`] has.
pub(super) const UPDATES: i64 = 100;

/// How many rows [`Case::Bulk`] has.
pub(super) const BULK: i64 = 10_000;

impl Case {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let writes = [Write::Insert, Write::Update, Write::Delete];
        let single = writes.map(Self::Pool).into_iter().chain(writes.map(Self::Transaction));
        single.chain([Self::Updates]).chain(writes.map(Self::Bulk))
    }

    /// The case of this name, or all that have it in theirs.
    pub(super) fn named(name: &str) -> Vec<Self> {
        match Self::all().find(|case| case.name() == name) {
            Some(case) => vec![case],
            None => Self::all().filter(|case| case.name().contains(name)).collect(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pool(Write::Insert) => "insert",
            Self::Pool(Write::Update) => "update",
            Self::Pool(Write::Delete) => "delete",
            Self::Transaction(Write::Insert) => "insert_in_transaction",
            Self::Transaction(Write::Update) => "update_in_transaction",
            Self::Transaction(Write::Delete) => "delete_in_transaction",
            Self::Updates => "100_updates_in_audit_transaction",
            Self::Bulk(Write::Insert) => "bulk_insert_10000",
            Self::Bulk(Write::Update) => "bulk_update_10000",
            Self::Bulk(Write::Delete) => "bulk_delete_10000",
        }
    }

    /// How often it is done in a round.
    pub(super) fn repeats(self) -> usize {
        match self {
            Self::Pool(_) | Self::Transaction(_) => 100,
            Self::Updates => 3,
            Self::Bulk(_) => 1,
        }
    }

    /// How often it is done before that, for caches and prepared statements. After one that writes all rows
    /// there are, nothing is left to be done: a round ahead of the counted ones has to do.
    pub(super) fn warm_ups(self) -> usize {
        match self {
            Self::Pool(_) | Self::Transaction(_) => 10,
            Self::Updates => 1,
            Self::Bulk(_) => 0,
        }
    }

    /// How many rows each time writes.
    pub(super) fn rows(self) -> i64 {
        match self {
            Self::Pool(_) | Self::Transaction(_) => 1,
            Self::Updates => UPDATES,
            Self::Bulk(_) => BULK,
        }
    }

    /// How many posts there have to be.
    pub(super) fn posts(self) -> i64 {
        match self {
            Self::Bulk(Write::Insert) => 0,
            Self::Bulk(_) => BULK,
            _ => 2_000,
        }
    }
}
