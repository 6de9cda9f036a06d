use std::fmt;

use audit_core::{FieldChange, Operation, Printable, PrintableValue};
use sea_orm::prelude::DateTimeUtc;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value as Json;

use crate::trail::Gap;

/// What a [`Restore`](super::Restore) would write, or has written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RestorePlan {
    /// The records that are not yet as they were, in the order in which they are written.
    pub records: Vec<RecordRestore>,
    /// The time of the newest entry that is undone. [`Restore::until`](super::Restore::until) takes it, so that what
    /// is written after this plan was made is not undone with it.
    pub until: DateTimeUtc,
}

/// What becomes of one record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordRestore {
    /// The table, `schema.table` where the entity names a schema.
    pub table: String,
    /// The primary key as entries have it.
    pub record_id: String,
    /// What is done to the record as it is now.
    pub operation: Operation,
    /// The columns that are not as they were.
    pub fields: Vec<FieldRestore>,
    /// The columns that cannot be brought back, for the trail does not know what they were or the entity does not
    /// know them any more.
    #[serde(serialize_with = "told")]
    pub gaps: Vec<Gap>,
}

/// One column that is not as it was: the three values that a person has to know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldRestore {
    /// The column.
    pub column: String,
    /// What it was then and will be again; none if there was no record.
    pub then: Option<Json>,
    /// What the changes that are undone have left; none if they left no record.
    pub since: Option<Json>,
    /// What it is now; none if there is no record.
    pub now: Option<Json>,
    /// Whether somebody else changed it since: `now` is neither `since` nor `then`.
    pub conflict: bool,
}

impl RestorePlan {
    /// Whether nothing is to be done: all is as it was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The columns that somebody else changed since, with their records.
    pub fn conflicts(&self) -> impl Iterator<Item = (&RecordRestore, &FieldRestore)> {
        self.records.iter().flat_map(|record| record.conflicts().map(move |field| (record, field)))
    }

    /// What cannot be brought back, with its records.
    pub fn gaps(&self) -> impl Iterator<Item = (&RecordRestore, &Gap)> {
        self.records.iter().flat_map(|record| record.gaps.iter().map(move |gap| (record, gap)))
    }
}

impl RecordRestore {
    /// The columns that somebody else changed since.
    pub fn conflicts(&self) -> impl Iterator<Item = &FieldRestore> {
        self.fields.iter().filter(|field| field.conflict)
    }
}

/// Each record with a line for each column, and the conflicts and gaps among them.
impl fmt::Display for RestorePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to restore: all is as it was");
        }
        for (place, record) in self.records.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "{record}")?;
        }
        Ok(())
    }
}

/// `UPDATE post 42`, and a line for each column.
impl fmt::Display for RecordRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (table, record_id) = (Printable(&self.table), Printable(&self.record_id));
        write!(f, "{} {table} {record_id}", self.operation)?;
        for field in &self.fields {
            write!(f, "\n  {field}")?;
        }
        for gap in &self.gaps {
            write!(f, "\n  cannot be brought back: {gap}")?;
        }
        Ok(())
    }
}

/// `title: "Final" -> "Draft"`, or the three values if there is a conflict. Long values are cut: see
/// [`Printable`](crate::Printable).
impl fmt::Display for FieldRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.conflict {
            return FieldChange::new(&*self.column, self.now.clone(), self.then.clone()).fmt(f);
        }
        let [then, since, now] =
            [&self.then, &self.since, &self.now].map(|value| PrintableValue(value.as_ref()));
        let column = Printable(&self.column);
        write!(f, "{column}: CONFLICT: {then} then, {since} since, {now} now")
    }
}

fn told<S: Serializer>(gaps: &[Gap], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(gaps.iter().map(Told))
}

/// A gap as its column and its reason in words.
struct Told<'a>(&'a Gap);

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut gap = serializer.serialize_struct("Gap", 2)?;
        gap.serialize_field("column", &self.0.column)?;
        gap.serialize_field("reason", &self.0.reason.to_string())?;
        gap.end()
    }
}
