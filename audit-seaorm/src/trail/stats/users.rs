use sea_orm::{ConnectionTrait, DbErr, prelude::DateTimeUtc, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{
    DEFAULT_TOP, OperationStats,
    ranking::{Ranked, key, ranking},
};
use crate::{
    entity::Column,
    stored::Stored,
    trail::{AuditQuery, AuditTrail},
};

/// What one user did, or what was done in nobody's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UserActivity {
    /// Who; none for the entries that nobody is named in.
    pub user_id: Option<String>,
    /// The e-mail address that the user's newest entry has, whenever that was.
    pub user_email: Option<String>,
    /// How much.
    pub operations: OperationStats,
    /// When last; none if no time of these entries can be read.
    pub last: Option<DateTimeUtc>,
}

const EMAIL: &str = "newest_email";

/// One step in the index of users for each of them.
fn newest_email() -> Expr {
    Expr::cust(
        "(SELECT e.user_email FROM audit_trail e WHERE e.user_id = audit_trail.user_id \
         ORDER BY e.timestamp DESC, e.id DESC LIMIT 1)",
    )
}

impl UserActivity {
    fn read(line: &Ranked) -> Result<Self, DbErr> {
        let row = &line.row;
        Ok(Self {
            user_id: key(row, Column::UserId),
            user_email: Stored::read(row, EMAIL).map(Stored::into_text),
            operations: OperationStats::read(row)?,
            last: line.last,
        })
    }
}

impl AuditQuery {
    /// The users with the most of these entries: [`DEFAULT_TOP`] of them unless [`limit`](Self::limit) was
    /// called, from the place on that [`offset`](Self::offset) says, whatever the cursor. What was done in nobody's
    /// name is left out, unless [`count_nobody`](Self::count_nobody) or [`by_nobody`](Self::by_nobody) is called. One
    /// statement.
    ///
    /// # Errors
    ///
    /// As [`operation_stats`](Self::operation_stats).
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn top_users<C: ConnectionTrait>(&self, db: &C) -> Result<Vec<UserActivity>, DbErr> {
        let email = Some((EMAIL, newest_email()));
        let rows = ranking(db, &self.of_users(), &[Column::UserId], DEFAULT_TOP, email).await?;
        rows.iter().map(UserActivity::read).collect()
    }
}

impl AuditTrail {
    /// The [`DEFAULT_TOP`] users with the most entries from one moment until before another, the busiest one
    /// first. What was done in nobody's name is left out. For more of them, or those of one
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
    /// AuditContext::new().user(AuditUser::new("7").email("ann@example.com")).scope(async {
    ///     create("1").await?;
    ///     create("2").await
    /// }).await?;
    /// create("3").await?;
    ///
    /// let soon = Utc::now() + TimeDelta::minutes(1);
    /// let users = AuditTrail::top_users(&db, soon - TimeDelta::days(1), soon).await?;
    /// assert_eq!(users[0].user_id.as_deref(), Some("7"));
    /// assert_eq!(users[0].user_email.as_deref(), Some("ann@example.com"));
    /// assert_eq!(users[0].operations.creates, 2);
    /// assert_eq!(users.len(), 1);
    ///
    /// let all = AuditTrail::query().table("book").count_nobody().top_users(&db).await?;
    /// assert_eq!((&all[0], &all[1].user_id), (&users[0], &None));
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
