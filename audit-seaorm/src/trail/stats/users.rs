use sea_orm::{ConnectionTrait, DbErr, QueryResult, prelude::DateTimeUtc};
use serde::{Deserialize, Serialize};

use super::{
    DEFAULT_TOP, OperationStats,
    ranking::{key, last, ranking},
};
use crate::{
    entity::Column,
    trail::{AuditQuery, AuditTrail},
};

/// What one user did, or what was done in nobody's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserActivity {
    /// Who; none for the entries that nobody is named in.
    pub user_id: Option<String>,
    /// How much.
    pub operations: OperationStats,
    /// When last.
    pub last: DateTimeUtc,
}

impl UserActivity {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            user_id: key(row, Column::UserId)?,
            operations: OperationStats::read(row)?,
            last: last(row)?,
        })
    }
}

impl AuditQuery {
    /// The users with the most of these entries: [`DEFAULT_TOP`] of them unless [`limit`](Self::limit) was
    /// called, from the place on that [`offset`](Self::offset) says, whatever the cursor. One statement.
    ///
    /// # Errors
    ///
    /// As [`operation_stats`](Self::operation_stats).
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn top_users<C: ConnectionTrait>(&self, db: &C) -> Result<Vec<UserActivity>, DbErr> {
        let rows = ranking(db, self, &[Column::UserId], DEFAULT_TOP).await?;
        rows.iter().map(UserActivity::read).collect()
    }
}

impl AuditTrail {
    /// The [`DEFAULT_TOP`] users with the most entries from one moment until before another, the busiest one
    /// first. What was done in nobody's name is among them, without a user. For more of them, or those of one
    /// table or the like, see [`AuditQuery::top_users`].
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
    /// use audit_seaorm::{AuditContext, AuditTrail, AuditUser, Change, Image};
    /// # use audit_migration::MigratorTrait;
    /// use chrono::{TimeDelta, Utc};
    /// # use sea_orm::{Database, DbErr};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let create = |id: &str| AuditTrail::record(&db, Change::create("book", id, Image::new()));
    /// AuditContext::new().user(AuditUser::new("ann")).scope(async {
    ///     create("1").await?;
    ///     create("2").await
    /// }).await?;
    /// create("3").await?;
    ///
    /// let soon = Utc::now() + TimeDelta::minutes(1);
    /// let users = AuditTrail::top_users(&db, soon - TimeDelta::days(1), soon).await?;
    /// assert_eq!(users[0].user_id.as_deref(), Some("ann"));
    /// assert_eq!(users[0].operations.creates, 2);
    /// assert_eq!(users[1].user_id, None);
    ///
    /// let busiest = AuditTrail::query().table("book").limit(1).top_users(&db).await?;
    /// assert_eq!(busiest[..], users[..1]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn top_users<C: ConnectionTrait>(
        db: &C,
        from: DateTimeUtc,
        to: DateTimeUtc,
    ) -> Result<Vec<UserActivity>, DbErr> {
        Self::query().from(from).to(to).top_users(db).await
    }
}
