use std::ops::Deref;

use audit_core::AuditEntry;
use futures_util::{Stream, TryStreamExt, stream};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, Order,
    PaginatorTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
    prelude::DateTimeUtc,
};

use super::{AuditQuery, Cursor, DEFAULT_LIMIT, filter::Filter};
use crate::{
    entity::{Column, Entity},
    error::AuditError,
    redaction, registry, search_path, stored,
    trail::{
        MAX_BYTES, bring_up_to_date, first_rows::first_rows, moment, renames::Renames,
        restore::Table,
    },
    writer::weight,
};

/// How many entries a stream reads at once, at most.
const MAX_ENTRIES: u64 = 1024;

/// Entries that were read together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// In the order of the query.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins: pass it to [`AuditQuery::after`]. None if there are no more.
    pub next: Option<Cursor>,
}

impl AuditQuery {
    /// The entries, [`DEFAULT_LIMIT`] of them at most unless [`limit`](Self::limit) was called.
    ///
    /// A row that is no entry, in whole or in part, is among them, with [`AuditEntry::unreadable`].
    ///
    /// # Errors
    ///
    /// Those of the database; a range of time that ends before it begins.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn all<C: ConnectionTrait>(&self, db: &C) -> Result<Vec<AuditEntry>, DbErr> {
        let query = self.prepared(db).await?;
        query.read(db, self.after.as_ref(), self.at_most(), self.offset).await
    }

    /// As [`all`](Self::all), with a cursor for the entries behind them. Entries that come meanwhile move
    /// nothing: newest first they are on no later page, oldest first on the last one.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn page<C: ConnectionTrait>(&self, db: &C) -> Result<Page, DbErr> {
        let query = self.prepared(db).await?;
        let limit = self.at_most();
        let after = self.after.as_ref();
        let mut entries = query.read(db, after, limit.saturating_add(1), self.offset).await?;
        let more = entries.len() as u64 > limit;
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = entries.last().filter(|_| more).map(Cursor::of);
        Ok(Page { entries, next })
    }

    /// How many entries there are, whatever the limit, the offset and the cursor. It reads all of them in the
    /// database.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn count<C: ConnectionTrait>(&self, db: &C) -> Result<u64, DbErr> {
        self.prepared(db).await?.select(db, None)?.count(db).await
    }

    /// The entries one by one, all of them unless [`limit`](Self::limit) was called, a thousand at most in
    /// memory.
    ///
    /// It reads page by page and holds no connection in between, so that what is committed meanwhile is seen
    /// where it stands in the order: in a transaction that sees one state of the database it is not.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all), as an item, which is the last one.
    ///
    /// ```
    /// use audit_seaorm::AuditTrail;
    /// use futures_util::TryStreamExt;
    /// # use audit_migration::MigratorTrait;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sea_orm::DbErr> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let mut entries = std::pin::pin!(AuditTrail::query().oldest_first().stream(&db));
    /// while let Some(entry) = entries.try_next().await? {
    ///     println!("{} {}", entry.timestamp, entry.operation);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> impl Stream<Item = Result<AuditEntry, DbErr>> + Send {
        self.pages(db).map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }

    /// As [`stream`](Self::stream), by pages that are none of them empty.
    pub(in crate::trail) fn pages<D>(
        self,
        db: D,
    ) -> impl Stream<Item = Result<Vec<AuditEntry>, DbErr>> + Send
    where
        D: Deref<Target: ConnectionTrait + Sized> + Send + Sync,
    {
        stream::try_unfold((Reading::of(self), db), async |(mut reading, db)| {
            let page = reading.next(&*db).await?;
            Ok((!page.is_empty()).then_some((page, (reading, db))))
        })
    }

    /// The query that this connection is to be asked, ahead of its first statement: what a transaction of ours still keeps is
    /// written out, and tables have the names that the trail knows them by.
    pub(in crate::trail) async fn prepared<C: ConnectionTrait>(
        &self,
        db: &C,
    ) -> Result<Self, DbErr> {
        bring_up_to_date(db).await?;
        let mut query = self.clone();
        for filter in &mut query.filters {
            if let Filter::Table(name) = filter {
                *name = search_path::name_in_trail(db, std::mem::take(name)).await?;
            }
        }
        Ok(query)
    }

    /// The range of time, as far as it was said or follows. It may end before it begins: then no entry is in it.
    pub(in crate::trail) fn range(&self) -> (Option<DateTimeUtc>, Option<DateTimeUtc>) {
        (self.from.max(self.begun), self.to)
    }

    /// Cuts what is counted to the limit, or to `most` if there is none, and to the offset.
    pub(in crate::trail) fn cut(&self, rows: Select<Entity>, most: u64) -> Select<Entity> {
        let offset = (self.offset > 0).then_some(self.offset.min(MAX_LIMIT));
        rows.limit(self.limit.unwrap_or(most).min(MAX_LIMIT)).offset(offset)
    }

    fn at_most(&self) -> u64 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    async fn read<C: ConnectionTrait>(
        &self,
        db: &C,
        after: Option<&Cursor>,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<AuditEntry>, DbErr> {
        let backend = db.get_database_backend();
        let offset = (offset > 0).then_some(offset.min(MAX_LIMIT));
        // Without a number, `PostgreSQL` plans once for all: see `first_rows`.
        let limit = (limit < MAX_LIMIT || offset.is_some()).then_some(limit.min(MAX_LIMIT));
        let rows = self.in_order(db, after)?.limit(limit).offset(offset);
        let rows =
            db.query_all(&stored::select(rows, backend, Column::iter()).into_query()).await?;
        Ok(self.shown(&rows, backend))
    }

    /// A page of the entries behind a cursor.
    async fn read_page<C: ConnectionTrait>(
        &self,
        db: &C,
        after: Option<&Cursor>,
        size: u64,
    ) -> Result<Vec<AuditEntry>, DbErr> {
        let backend = db.get_database_backend();
        let rows = stored::select(self.in_order(db, after)?, backend, Column::iter());
        let rows = first_rows(db, rows, size).await?;
        Ok(self.shown(&rows, backend))
    }

    /// Without what is hidden today.
    fn shown(&self, rows: &[QueryResult], backend: DbBackend) -> Vec<AuditEntry> {
        let mut entries: Vec<_> = rows.iter().map(|row| stored::entry(row, backend)).collect();
        if !self.as_stored {
            redaction::hide_in_all(&mut entries);
        }
        entries
    }

    /// All that meets the filters behind a cursor, in the order of the query.
    pub(in crate::trail) fn in_order<C: ConnectionTrait>(
        &self,
        db: &C,
        after: Option<&Cursor>,
    ) -> Result<Select<Entity>, DbErr> {
        let order = if self.oldest_first { Order::Asc } else { Order::Desc };
        let entries = self.select(db, after)?;
        Ok(entries.order_by(Column::Timestamp, order.clone()).order_by(Column::Id, order))
    }

    /// All that meets the filters.
    pub(in crate::trail) fn select<C: ConnectionTrait>(
        &self,
        db: &C,
        after: Option<&Cursor>,
    ) -> Result<Select<Entity>, DbErr> {
        self.check()?;
        let backend = db.get_database_backend();
        self.filters.iter().try_for_each(|filter| filter.check(backend))?;
        let renames = self.renames();
        let filters = self.filters.iter().map(|filter| filter.condition(backend, &renames));
        let filters = filters.chain(self.only_what_is_shown());
        let (from, to) = self.range();
        let condition = filters
            .fold(Condition::all(), Condition::add)
            .add_option(from.map(|from| Column::Timestamp.gte(moment(backend, from))))
            .add_option(to.map(|to| Column::Timestamp.lt(moment(backend, to))))
            .add_option(after.map(|cursor| cursor.condition(backend, self.oldest_first)));
        Ok(Entity::find().filter(condition))
    }

    /// The table whose entries are searched, if it is one.
    pub(super) fn demanded_table(&self) -> Option<&str> {
        self.filters.iter().find_map(Filter::demanded_table)
    }

    /// The names that columns had, if entries of one table are searched.
    fn renames(&self) -> Renames {
        let table = self.demanded_table();
        Renames::all(table.into_iter().flat_map(registry::tables).map(Table::renames))
    }

    fn check(&self) -> Result<(), AuditError> {
        if let Some(fault) = &self.fault {
            return Err(AuditError::Query(fault.clone()));
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => Err(AuditError::Range { from, to }),
            _ => Ok(()),
        }
    }
}

/// `BIGINT` ends there on every database.
const MAX_LIMIT: u64 = i64::MAX as u64;

/// How far a stream has come.
struct Reading {
    query: AuditQuery,
    left: u64,
    offset: u64,
    size: u64,
    begun: bool,
}

impl Reading {
    fn of(query: AuditQuery) -> Self {
        let left = query.limit.unwrap_or(u64::MAX);
        Self { left, offset: query.offset, query, size: MAX_ENTRIES / 8, begun: false }
    }

    /// None at the end.
    async fn next<C: ConnectionTrait>(&mut self, db: &C) -> Result<Vec<AuditEntry>, DbErr> {
        if !self.begun {
            self.query = self.query.prepared(db).await?;
            self.begun = true;
        }
        if self.left == 0 {
            return Ok(Vec::new());
        }
        let size = self.size.min(self.left);
        let after = self.query.after.as_ref();
        let page = if size == self.size && self.offset == 0 {
            self.query.read_page(db, after, size).await?
        } else {
            self.query.read(db, after, size, self.offset).await?
        };
        self.left = if (page.len() as u64) < size { 0 } else { self.left - size };
        self.offset = 0;
        if let Some(last) = page.last() {
            self.query.after = Some(Cursor::of(last));
        }
        self.adapt(page.iter().map(weight::of).sum());
        Ok(page)
    }

    /// Large images make small pages.
    fn adapt(&mut self, weight: usize) {
        self.size = if weight > MAX_BYTES { self.size / 2 } else { self.size * 2 };
        self.size = self.size.clamp(1, MAX_ENTRIES);
    }
}
