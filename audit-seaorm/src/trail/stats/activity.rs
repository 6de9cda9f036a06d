use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use sea_orm::{
    ConnectionTrait, DbErr, QueryFilter, QuerySelect, QueryTrait,
    prelude::DateTimeUtc,
    sea_query::{Alias, Expr},
};
use serde::{Deserialize, Serialize};

use super::{
    bucket::{Bucket, Calendar},
    operations::{OperationStats, counted},
};
use crate::{
    error::AuditError,
    stored::in_calendar,
    trail::{AuditQuery, AuditTrail},
};

/// How many buckets an activity has, at most: a year by the hour, or eight centuries by the month.
pub const MAX_BUCKETS: u64 = 10_000;

const UNIT: &str = "unit";

/// How much happened in one hour, day, week or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ActivityBucket {
    /// When it begins, in the offset that was asked for. It ends where the next one begins.
    pub start: DateTime<FixedOffset>,
    /// How much; nothing, perhaps.
    pub operations: OperationStats,
}

impl AuditQuery {
    /// How many of these entries there are in each hour, day, week or month of a UTC offset, whatever the limit,
    /// the offset of the query and the cursor. One statement.
    ///
    /// Buckets follow one another without a hole, from that of [`from`](Self::from) to the last one that begins
    /// before [`to`](Self::to); without these, from that of the first entry to that of the last. Only entries
    /// of the range are counted, so that the first and the last bucket may be counted in part.
    ///
    /// An offset is no time zone: where clocks are set to summer time, days of a range across that moment
    /// begin an hour early or late.
    ///
    /// An entry whose time cannot be read ([`AuditEntry::unreadable`](crate::AuditEntry::unreadable)) is in no bucket;
    /// [`operation_stats`](Self::operation_stats) counts it.
    ///
    /// # Errors
    ///
    /// As [`operation_stats`](Self::operation_stats); if there would be more than [`MAX_BUCKETS`].
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn activity<C: ConnectionTrait>(
        &self,
        db: &C,
        bucket: Bucket,
        offset: FixedOffset,
    ) -> Result<Vec<ActivityBucket>, DbErr> {
        let calendar = Calendar { bucket, offset };
        self.select(db, None)?;
        let (from, to) = self.range();
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Ok(Vec::new());
        }
        let from = from.map(|from| calendar.of(from).ok_or(AuditError::Calendar)).transpose()?;
        let to = to.map(|to| calendar.before(to).ok_or(AuditError::Calendar)).transpose()?;
        if let (Some(from), Some(to)) = (from, to) {
            check(from, to)?;
        }
        let counts = counts(db, self, calendar).await?;
        let first = from.or_else(|| counts.first_key_value().map(|(number, _)| *number));
        let last = to.or_else(|| counts.last_key_value().map(|(number, _)| *number));
        let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
        check(first, last)?;
        let bucket = |number: i64| {
            let start = calendar.start(number).ok_or(AuditError::Calendar)?;
            let operations = counts.get(&number).copied().unwrap_or_default();
            Ok(ActivityBucket { start, operations })
        };
        (first..=last).map(bucket).collect()
    }
}

/// The buckets that have entries, by number.
async fn counts<C: ConnectionTrait>(
    db: &C,
    query: &AuditQuery,
    calendar: Calendar,
) -> Result<BTreeMap<i64, OperationStats>, DbErr> {
    let backend = db.get_database_backend();
    let entries = query.prepared(db).await?.select(db, None)?.filter(in_calendar(backend));
    let unit = calendar.unit_of_entry(backend);
    // More units than that are in more buckets than are given.
    let most = MAX_BUCKETS * calendar.units() + 1;
    let units = counted(entries).expr_as(unit, UNIT).group_by(Expr::col(Alias::new(UNIT)));
    let mut counts = BTreeMap::<i64, OperationStats>::new();
    for row in db.query_all(&units.limit(most).into_query()).await? {
        let Some(unit) = row.try_get("", UNIT)? else { continue };
        let number = calendar.of_unit(unit).ok_or(AuditError::Calendar)?;
        counts.entry(number).or_default().add(OperationStats::read(&row)?);
    }
    Ok(counts)
}

fn check(first: i64, last: i64) -> Result<(), AuditError> {
    let buckets = u64::try_from(last.saturating_sub(first)).map_or(0, |more| more + 1);
    if buckets > MAX_BUCKETS {
        return Err(AuditError::TooManyBuckets { buckets, max: MAX_BUCKETS });
    }
    Ok(())
}

impl AuditTrail {
    /// How much happened in each hour, day, week or month from one moment until before another. Those in which
    /// nothing happened are there, too. For what one user did, or the like, and for what exactly is counted,
    /// see [`AuditQuery::activity`].
    ///
    /// # Errors
    ///
    /// As [`AuditQuery::activity`].
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, Bucket, Change, Image};
    /// # use audit_migration::MigratorTrait;
    /// use chrono::{FixedOffset, TimeDelta, Utc};
    /// # use sea_orm::{Database, DbErr};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// AuditTrail::record(&db, Change::create("book", "1", Image::new())).await?;
    ///
    /// let india = FixedOffset::east_opt(5 * 3600 + 30 * 60).unwrap();
    /// let soon = Utc::now() + TimeDelta::minutes(1);
    /// let week = AuditTrail::activity(&db, soon - TimeDelta::days(7), soon, Bucket::Day, india).await?;
    /// assert_eq!(week.len(), 8, "parts of two days and six whole ones");
    /// assert_eq!(week.iter().map(|day| day.operations.total()).sum::<u64>(), 1);
    /// for day in &week {
    ///     println!("{} {}", day.start.date_naive(), day.operations.total());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn activity<C: ConnectionTrait>(
        db: &C,
        from: DateTimeUtc,
        to: DateTimeUtc,
        bucket: Bucket,
        offset: FixedOffset,
    ) -> Result<Vec<ActivityBucket>, DbErr> {
        Self::query().from(from).to(to).activity(db, bucket, offset).await
    }
}
