use std::{fmt, time::Duration};

use sea_orm::prelude::DateTimeUtc;
use serde::Serialize;

use super::Seen;
use crate::{AuditCounters, AuditWriterStatus};

/// From when on a queue counts as behind.
const BEHIND: Duration = Duration::from_secs(30);

/// Whether auditing works, as [`AuditTrail::health`](crate::AuditTrail::health) found it. As text it is a line for each
/// problem; it serialises under the names of its fields. It holds no value of a record.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// What is wrong; nothing if all is well.
    pub problems: Vec<HealthProblem>,
    /// What this process has counted since its start; entries that are lost, too, which is no problem that could pass.
    pub counters: AuditCounters,
    /// How the background writer of the configuration in force is doing, and so how far behind the trail is; none where
    /// entries commit with their changes.
    pub writer: Option<AuditWriterStatus>,
    /// The time of the newest entry of the trail, whoever wrote it.
    pub newest_entry: Option<DateTimeUtc>,
    /// How many months after the present one have a partition; none where the trail has no partitions.
    pub months_ahead: Option<u32>,
    /// When [`AuditUpkeep`](crate::AuditUpkeep) came to its end last, on whichever instance; none if it never did.
    pub last_upkeep: Option<DateTimeUtc>,
}

/// What is wrong with auditing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum HealthProblem {
    /// No entry can be stored, for this reason: writes of audited tables fail, unless the configuration lets them go on.
    CannotWrite(String),
    /// The database did not answer within this time.
    NoAnswer(Duration),
    /// Entries have been waiting in the queue of the background writer for so long.
    Behind(Duration),
    /// The background writer has ended; entries are written with their changes, as without it.
    WriterEnded,
    /// The trail is partitioned, and the next month has no partition: run
    /// [`create_partitions`](crate::AuditTrail::create_partitions).
    MonthsRunOut,
}

impl Health {
    pub(super) fn new(counters: AuditCounters, writer: Option<AuditWriterStatus>) -> Self {
        let behind = writer.and_then(|writer| writer.oldest).filter(|oldest| *oldest >= BEHIND);
        let ended = writer.is_some_and(|writer| !writer.is_running);
        let problems = behind
            .map(HealthProblem::Behind)
            .into_iter()
            .chain(ended.then_some(HealthProblem::WriterEnded))
            .collect();
        let (newest_entry, months_ahead, last_upkeep) = Default::default();
        Self { problems, counters, writer, newest_entry, months_ahead, last_upkeep }
    }

    pub(super) fn see(&mut self, seen: Seen) {
        self.newest_entry = seen.newest_entry;
        self.months_ahead = seen.months_ahead;
        self.last_upkeep = seen.last_upkeep;
        if seen.months_ahead == Some(0) {
            self.problems.push(HealthProblem::MonthsRunOut);
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_working() {
            return f.write_str("auditing works");
        }
        f.write_str("auditing does not work as it should")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Display for HealthProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotWrite(reason) => write!(f, "no entry can be stored: {reason}"),
            Self::NoAnswer(time) => write!(f, "the database did not answer within {time:?}"),
            Self::Behind(time) => {
                write!(f, "entries have been waiting in the queue for {} s", time.as_secs())
            }
            Self::WriterEnded => f.write_str(
                "the background writer has ended: entries are written with their changes",
            ),
            Self::MonthsRunOut => f.write_str(
                "the next month has no partition: run AuditTrail::create_partitions, or AuditUpkeep",
            ),
        }
    }
}
