use audit_core::Operation;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, QueryResult, QuerySelect, QueryTrait, Select,
    prelude::DateTimeUtc,
    sea_query::{Asterisk, Expr, Func},
};
use serde::{Deserialize, Serialize};

use crate::{
    entity::{Column, Entity},
    trail::{AuditQuery, AuditTrail},
};

/// How many entries there are of each operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OperationStats {
    /// Records that came into being.
    pub creates: u64,
    /// Changes.
    pub updates: u64,
    /// Records that were deleted.
    pub deletes: u64,
    /// Records that a baseline found: no changes.
    #[serde(default)]
    pub baselines: u64,
    /// Entries whose operation is none of these: somebody wrote them past this library, or altered them. See
    /// [`AuditEntry::unreadable`](crate::AuditEntry::unreadable).
    #[serde(default)]
    pub unknown: u64,
}

impl OperationStats {
    /// How many entries there are of one operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        match operation {
            Operation::Create => self.creates,
            Operation::Update => self.updates,
            Operation::Delete => self.deletes,
            Operation::Baseline => self.baselines,
            Operation::Unknown => self.unknown,
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        let changes = self.creates.saturating_add(self.updates).saturating_add(self.deletes);
        changes.saturating_add(self.baselines).saturating_add(self.unknown)
    }

    /// What [`counted`] counted.
    pub(super) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let count = |operation: Operation| number(row, operation.as_str());
        let known = Self {
            creates: count(Operation::Create)?,
            updates: count(Operation::Update)?,
            deletes: count(Operation::Delete)?,
            baselines: count(Operation::Baseline)?,
            unknown: 0,
        };
        Ok(Self { unknown: number(row, ENTRIES)?.saturating_sub(known.total()), ..known })
    }

    pub(super) fn add(&mut self, other: Self) {
        self.creates += other.creates;
        self.updates += other.updates;
        self.deletes += other.deletes;
        self.baselines += other.baselines;
        self.unknown += other.unknown;
    }
}

pub(super) const ENTRIES: &str = "entries";

/// The number of entries, and that of each operation, in the place of the entries.
pub(super) fn counted(entries: Select<Entity>) -> Select<Entity> {
    let all = entries.select_only().expr_as(Func::count(Expr::col(Asterisk)), ENTRIES);
    Operation::ALL.into_iter().fold(all, |counts, operation| {
        let such = Expr::case(Column::Operation.eq(operation.as_str()), 1);
        counts.expr_as(Func::count(such), operation.as_str())
    })
}

fn number(row: &QueryResult, name: &str) -> Result<u64, DbErr> {
    let number: i64 = row.try_get("", name)?;
    u64::try_from(number).map_err(|error| DbErr::Type(error.to_string()))
}

impl AuditQuery {
    /// How many of the entries are creates, updates and deletes, and of how many nobody knows, whatever the limit, the offset and the cursor.
    /// One statement; it reads all of them in the database.
    ///
    /// # Errors
    ///
    /// Those of the database; a range of time that ends before it begins.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn operation_stats<C: ConnectionTrait>(
        &self,
        db: &C,
    ) -> Result<OperationStats, DbErr> {
        let counts = counted(self.prepared(db).await?.select(db, None)?);
        let row = db.query_one(&counts.into_query()).await?;
        row.map_or(Ok(OperationStats::default()), |row| OperationStats::read(&row))
    }
}

impl AuditTrail {
    /// How many records were created, updated and deleted from one moment until before another. For those of
    /// one user, table or the like, see [`AuditQuery::operation_stats`].
    ///
    /// # Errors
    ///
    /// As [`AuditQuery::operation_stats`].
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, Change, Image, Operation};
    /// # use audit_migration::MigratorTrait;
    /// use chrono::{TimeDelta, Utc};
    /// # use sea_orm::{Database, DbErr};
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let image = |price: i32| Image::from_iter([("price".to_owned(), json!(price))]);
    /// AuditTrail::record(&db, Change::create("book", "1", image(10))).await?;
    /// AuditTrail::record(&db, Change::update("book", "1", image(10), image(12))).await?;
    ///
    /// let (day, soon) = (TimeDelta::days(1), Utc::now() + TimeDelta::minutes(1));
    /// let stats = AuditTrail::operation_stats(&db, soon - day, soon).await?;
    /// assert_eq!((stats.creates, stats.updates, stats.deletes), (1, 1, 0));
    ///
    /// let of_books = AuditTrail::query().table("book").operation_stats(&db).await?;
    /// assert_eq!(of_books.of(Operation::Update), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn operation_stats<C: ConnectionTrait>(
        db: &C,
        from: DateTimeUtc,
        to: DateTimeUtc,
    ) -> Result<OperationStats, DbErr> {
        Self::query().from(from).to(to).operation_stats(db).await
    }
}
