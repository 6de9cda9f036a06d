use audit_seaorm::{AuditEntry, AuditTrail};
use sea_orm::{DatabaseConnection, prelude::DateTimeUtc};

use super::fill::{self, Layout};
use crate::{Result, backend::Backend, database::Scratch};

/// A trail of some size, and what is asked about in it.
pub(super) struct Trail {
    pub(super) backend: Backend,
    pub(super) size: u64,
    pub(super) db: DatabaseConnection,
    pub(super) subjects: Vec<Subject>,
}

/// More of them than one, so that no read is just the former one again.
pub(super) const SUBJECTS: i64 = 16;

/// What the cases ask about.
pub(super) struct Subject {
    pub(super) record: i64,
    pub(super) large_record: i64,
    pub(super) user: String,
    /// A quarter of the time that the trail is about.
    pub(super) from: DateTimeUtc,
    pub(super) to: DateTimeUtc,
    /// About the middle of the trail, and the last entry before that.
    pub(super) when: DateTimeUtc,
    pub(super) before: AuditEntry,
}

impl Trail {
    pub(super) async fn create(scratch: &Scratch<'_>, size: u64) -> Result<Self> {
        let layout = Layout::of(i64::try_from(size)?);
        fill::fill(scratch, &layout).await?;
        let db = scratch.connect(&scratch.url).await?;
        let mut subjects = Vec::new();
        for number in 0..SUBJECTS {
            subjects.push(Subject::new(&db, &layout, number).await?);
        }
        Ok(Self { backend: scratch.backend, size, db, subjects })
    }
}

impl Subject {
    /// At the same places of every trail.
    async fn new(db: &DatabaseConnection, layout: &Layout, number: i64) -> Result<Self> {
        let part = |of: i64| layout.entries * number / SUBJECTS / of;
        let when = layout.time(layout.entries / 2 + part(10));
        let mut before = AuditTrail::query().to(when).limit(1).all(db).await?;
        Ok(Self {
            record: 1 + layout.records * number / SUBJECTS,
            large_record: Layout::LARGE,
            user: Layout::user(1 + number % layout.users),
            from: layout.time(part(2)),
            to: layout.time(part(2) + layout.entries / 4),
            when,
            before: before.pop().ok_or("the trail begins later")?,
        })
    }
}
