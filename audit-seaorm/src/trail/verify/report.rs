use std::{collections::BTreeMap, fmt};

use sea_orm::prelude::Uuid;

/// What [`AuditTrail::verify`](crate::AuditTrail::verify) found.
///
/// As text it is a summary and a line for each finding. It holds names of columns and ids of records, and
/// no other value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The audited table, `schema.table` where the entity names a schema.
    pub table: String,
    /// How many entries were replayed.
    pub entries: u64,
    /// How many records they tell of, those that are gone included.
    pub records: u64,
    /// How many rows the table has.
    pub rows: u64,
    findings: Vec<Finding>,
    counts: BTreeMap<FindingKind, u64>,
}

impl Verification {
    /// How many findings of a kind are kept. Those beyond are counted, in [`count`](Self::count).
    pub const MAX_FINDINGS: u64 = 100;

    pub(super) fn new(table: String) -> Self {
        let (findings, counts) = Default::default();
        Self { table, entries: 0, records: 0, rows: 0, findings, counts }
    }

    /// Whether the trail explains every row.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    /// The findings, at most [`MAX_FINDINGS`](Self::MAX_FINDINGS) of each kind.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many findings of a kind there are, kept or not.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// How many findings there are, kept or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.kind).or_default();
        *count += 1;
        if *count <= Self::MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    pub(super) fn add_unnamed(&mut self, kind: FindingKind, findings: u64) {
        if findings > 0 {
            *self.counts.entry(kind).or_default() += findings;
        }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, entries, records, rows, findings, counts } = self;
        write!(f, "{table}: {entries} entries of {records} records, {rows} rows: ")?;
        match self.total() {
            0 => f.write_str("the trail explains them all")?,
            1 => f.write_str("1 finding")?,
            total => write!(f, "{total} findings")?,
        }
        for finding in findings {
            write!(f, "\n  {finding}")?;
        }
        for (kind, count) in counts {
            let kept = findings.iter().filter(|finding| finding.kind == *kind).count() as u64;
            if *count > kept {
                write!(f, "\n  and {} more: {kind}", count - kept)?;
            }
        }
        Ok(())
    }
}

/// One thing about one record that the trail does not explain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The primary key as text, as in [`AuditEntry::record_id`](crate::AuditEntry::record_id).
    pub record_id: String,
    /// The entry where it shows: for a finding about the row, the last one of the record. None if there
    /// is no entry, or its id cannot be read.
    pub entry: Option<Uuid>,
    /// The names of the columns that differ, for the kinds that speak of columns; for
    /// [`EntryUnreadable`](FindingKind::EntryUnreadable) those of `audit_trail` that cannot be read.
    pub columns: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {:?}: {}", self.record_id, self.kind)?;
        if !self.columns.is_empty() {
            write!(f, ": {}", self.columns.join(", "))?;
        }
        match self.entry {
            Some(entry) => write!(f, " (entry {entry})"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a record, or with its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// There is a row, and no entry for it: it is older than the trail, was written past it, or its
    /// entries were removed.
    NeverRecorded,
    /// The first entry is no CREATE: the record is older than the trail, or its first entries were removed.
    /// What the entries do tell is checked. A BASELINE accounts for it, see [`AuditTrail::verify`](crate::AuditTrail::verify).
    BeganBeforeTrail,
    /// The record was created and not deleted, and there is no row.
    RowMissing,
    /// The record was deleted last, and there is a row.
    RowAfterDelete,
    /// Columns of the row are not as the entries left them.
    RowDiffers,
    /// The row does not fit the entity and cannot be read.
    RowUnreadable,
    /// The before-image of an entry is not what the entries before it left.
    BeforeImageDiffers,
    /// A BASELINE found the record other than the entries before it left it.
    BaselineDiffers,
    /// A BASELINE of a record that had been deleted: its row came past the trail.
    BaselineAfterDelete,
    /// A CREATE of a record that was there.
    CreatedTwice,
    /// An UPDATE or DELETE of a record that had been deleted.
    ChangedAfterDelete,
    /// Something of the entry cannot be read, see [`AuditEntry::unreadable`](crate::AuditEntry::unreadable). What follows it
    /// is checked as far as it can be.
    EntryUnreadable,
    /// The time of the entry is not the one in its id: one of them was altered, and with it perhaps the
    /// order of the entries.
    TimeAltered,
    /// On `SQLite`: the text of the entry's time is not in the form `2026-03-01T09:30:00.000000+00:00`. It came in by SQL,
    /// and conditions on time, cursors and the order of the entries miss it.
    TimeForm,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverRecorded => "there is a row and no entry",
            Self::BeganBeforeTrail => "the first entry is no CREATE",
            Self::RowMissing => "there should be a row and is none",
            Self::RowAfterDelete => "there is a row, but the last entry is a DELETE",
            Self::RowDiffers => "the row is not as the entries left it",
            Self::RowUnreadable => "the row does not fit the entity and cannot be read",
            Self::BeforeImageDiffers => "the before-image is not what the entries before it left",
            Self::BaselineDiffers => "a BASELINE found it other than the entries before it left it",
            Self::BaselineAfterDelete => "a BASELINE of what had been deleted",
            Self::CreatedTwice => "a CREATE of what was there",
            Self::ChangedAfterDelete => "an UPDATE or DELETE of what had been deleted",
            Self::EntryUnreadable => "the entry cannot be read",
            Self::TimeAltered => "the entry's time is not the one in its id",
            Self::TimeForm => {
                "the entry's time has not the form `2026-03-01T09:30:00.000000+00:00`, so that searches by time miss it"
            }
        })
    }
}
