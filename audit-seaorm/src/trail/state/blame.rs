use std::fmt;

use audit_core::{AuditEntry, FieldChange, Operation, Printable};
use futures_util::TryStreamExt;
use sea_orm::{
    ConnectionTrait, DbErr, PrimaryKeyTrait,
    prelude::{DateTimeUtc, Uuid},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Auditable, record,
    trail::{AuditTrail, renames::Renames},
};

/// Who last set a column of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Blame {
    /// The column, under the name that it has today.
    pub column: String,
    /// The value before; none if the record was made then.
    pub old: Option<Json>,
    /// The value since; none if the record was deleted.
    pub new: Option<Json>,
    /// The entry that set it.
    pub entry_id: Uuid,
    /// What happened then.
    pub operation: Operation,
    /// Who did it.
    pub user_id: Option<String>,
    /// That user's e-mail address at that time.
    pub user_email: Option<String>,
    /// The request in which it happened.
    pub request_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub timestamp: DateTimeUtc,
}

impl Blame {
    fn new(column: String, change: FieldChange, entry: &AuditEntry) -> Self {
        Self {
            column,
            old: change.old,
            new: change.new,
            entry_id: entry.id,
            operation: entry.operation,
            user_id: entry.user_id.clone(),
            user_email: entry.user_email.clone(),
            request_id: entry.request_id.clone(),
            reason: entry.reason.clone(),
            timestamp: entry.timestamp,
        }
    }
}

/// `title: "Draft" -> "Final", UPDATE by 42 at 2026-11-24T09:00:00.000000Z`
impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (self.old.clone(), self.new.clone());
        FieldChange::new(self.column.clone(), old, new).fmt(f)?;
        write!(f, ", {} by ", self.operation)?;
        match &self.user_id {
            Some(user_id) => Printable(user_id).fmt(f)?,
            None => f.write_str("nobody")?,
        }
        write!(f, " at {}", self.timestamp.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

impl AuditTrail {
    /// For each column of a record, the entry that last set it, in the order of the entity's columns. If the
    /// record is gone that is the entry that deleted it. Columns that no entry sets, as those of a record
    /// that is older than the trail, and skipped ones are left out.
    ///
    /// It reads from the newest entry back until each column is found.
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// # use audit_seaorm::{AuditContext, AuditTrail, AuditUser};
    /// # use sea_orm::{ActiveValue::Set, Database, DbErr, IntoActiveModel};
    /// # use audit_migration::MigratorTrait;
    /// # mod post {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    /// #     #[sea_orm(table_name = "post")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub title: String,
    /// #         pub text: String,
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// # let by = |user: &str| AuditContext::new().user(AuditUser::new(user));
    /// let post = post::ActiveModel { title: Set("T".into()), text: Set("t".into()), ..Default::default() };
    /// let mut post = by("ann").scope(post.insert(&db)).await?.into_active_model();
    /// post.title = Set("Title".to_owned());
    /// by("bob").scope(post.update(&db)).await?;
    ///
    /// let blame = AuditTrail::blame(&db, post::Entity, 1).await?;
    /// let users: Vec<_> =
    ///     blame.iter().map(|it| (&*it.column, it.user_id.as_deref().unwrap())).collect();
    /// assert_eq!(users, [("id", "ann"), ("title", "bob"), ("text", "ann")]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn blame<C, E, K>(db: &C, entity: E, key: K) -> Result<Vec<Blame>, DbErr>
    where
        C: ConnectionTrait,
        E: Auditable,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let renames = Renames::of::<E>();
        let mut columns: Vec<_> =
            record::recorded_columns::<E>().map(|column| (record::name(column), None)).collect();
        let entries = Self::query().record_of(entity, key).limit(u64::MAX).stream(db);
        let mut entries = std::pin::pin!(entries);
        while let Some(entry) = entries.try_next().await? {
            let mut changes = entry.changes();
            for (column, found) in columns.iter_mut().filter(|(_, found)| found.is_none()) {
                let names =
                    |change: &FieldChange| renames.names(column).any(|name| name == change.column);
                if let Some(place) = changes.iter().position(names) {
                    *found = Some(Blame::new(column.clone(), changes.swap_remove(place), &entry));
                }
            }
            // What was before is another life.
            if entry.operation != Operation::Update || columns.iter().all(|(_, it)| it.is_some()) {
                break;
            }
        }
        Ok(columns.into_iter().filter_map(|(_, found)| found).collect())
    }
}
