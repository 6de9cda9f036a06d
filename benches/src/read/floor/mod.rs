//! The same by hand: one statement for each read, on the driver and the pool that `SeaORM` uses, prepared
//! once, with its rows decoded by place into the very types that the library gives.
//!
//! A page reads one entry more than it has, as the library's does: that is how it knows whether there is
//! another. Blame and a state are worked out here, since what is known of a record depends on columns
//! that may have been renamed or redacted, and so the database gives images and no more; of the columns only
//! those that it takes.

mod fetch;
mod row;
mod sql;

use std::sync::Arc;

use audit_seaorm::{AuditEntry, Cursor, Operation};
use sea_orm::{
    DatabaseConnection,
    prelude::{DateTimeUtc, Json, Uuid},
};

use super::{
    article::{self, TABLE},
    case::{Case, PAGE},
    trail::{Subject, Trail},
};
use crate::{Result, backend::Backend};
pub(super) use fetch::stream;
use fetch::{Bind, fetch};
use row::{ChangeRow, EntryRow, ImageRow};

/// What a case gives.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Entries(Vec<AuditEntry>),
    Page(Vec<AuditEntry>, Option<Cursor>),
    Blame(Vec<Blamed>),
    Record(Option<article::Model>),
}

/// As the library's `Blame`, which cannot be made outside of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blamed {
    pub(super) column: String,
    pub(super) old: Option<Json>,
    pub(super) new: Option<Json>,
    pub(super) entry_id: Uuid,
    pub(super) operation: Operation,
    pub(super) user_id: Option<String>,
    pub(super) user_email: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) timestamp: DateTimeUtc,
}

pub(super) struct Floor<'a> {
    db: &'a DatabaseConnection,
    backend: Backend,
    case: Case,
    sql: Arc<str>,
}

impl<'a> Floor<'a> {
    pub(super) fn new(trail: &'a Trail, case: Case) -> Self {
        let sql = sql::of(trail.backend, case).into();
        Self { db: &trail.db, backend: trail.backend, case, sql }
    }

    /// What the case gives, and from how many rows.
    pub(super) async fn read(&self, subject: &Subject) -> Result<(Answer, usize)> {
        let binds = self.binds(subject);
        match self.case {
            Case::Blame => {
                let rows: Vec<ChangeRow> = fetch!(self, binds);
                let count = rows.len();
                Ok((Answer::Blame(row::blame(rows)?), count))
            }
            Case::AsOf => {
                let rows: Vec<ImageRow> = fetch!(self, binds);
                let count = rows.len();
                Ok((Answer::Record(row::fold(rows)?), count))
            }
            Case::Record => {
                let entries = self.entries(binds).await?;
                let count = entries.len();
                Ok((Answer::Entries(entries), count))
            }
            _ => self.page(binds).await,
        }
    }

    async fn page(&self, binds: Vec<Bind>) -> Result<(Answer, usize)> {
        let (mut entries, page) = (self.entries(binds).await?, usize::try_from(PAGE)?);
        let more = entries.len() > page;
        entries.truncate(page);
        let (count, next) = (entries.len(), entries.last().filter(|_| more).map(Cursor::of));
        Ok((Answer::Page(entries, next), count))
    }

    async fn entries(&self, binds: Vec<Bind>) -> Result<Vec<AuditEntry>> {
        let rows: Vec<EntryRow> = fetch!(self, binds);
        rows.into_iter().map(row::entry).collect()
    }

    fn binds(&self, subject: &Subject) -> Vec<Bind> {
        let at = |at| Bind::at(self.backend, at);
        let text = |text: &str| Bind::Text(text.to_owned());
        let record = |key: i64| [text(TABLE), Bind::Text(key.to_string())];
        let (last, id) = (subject.before.timestamp, Bind::Id(subject.before.id));
        match self.case {
            Case::Record | Case::Blame => record(subject.record).into(),
            Case::LargeRecord => record(subject.large_record).into(),
            Case::AsOf => record(subject.record).into_iter().chain([at(subject.when)]).collect(),
            Case::UserAndTime => vec![text(&subject.user), at(subject.from), at(subject.to)],
            Case::UserAndChanged => vec![text(&subject.user)],
            Case::Latest => Vec::new(),
            Case::Deep if self.backend == Backend::MariaDb => vec![at(last), at(last), id],
            Case::Deep => vec![at(last), id],
        }
    }
}
