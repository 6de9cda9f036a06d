//! Bringing records back to what they were, as ordinary recorded writes.
//!
//! The entries that are to be undone are read ([`gather`]), held against the rows ([`examine`]), and undone by writes of
//! the entities ([`carry_out`]).

mod carry_out;
mod error;
mod examine;
mod exceptions;
mod gather;
mod generated;
mod plan;
mod run;
mod span;
mod table;

use std::sync::Arc;

use sea_orm::{
    PrimaryKeyTrait,
    prelude::{DateTimeUtc, Uuid},
    sea_query::IntoValueTuple,
};

pub(crate) use self::table::{Of, Table};
pub use self::{
    error::RestoreError,
    plan::{FieldRestore, RecordRestore, RestorePlan},
};
use super::AuditTrail;
use crate::{Auditable, error::AuditError, record, registry};

impl AuditTrail {
    /// Brings one record back to what it was at a moment: after what was written then and before. A record that
    /// is gone is made anew, and one that there was not is deleted.
    ///
    /// Of a column that no entry up to then tells, as where the record is older than the trail, it is what the first later
    /// entry found, a [baseline](AuditTrail::baseline) too: what was changed before the trail began, nobody knows.
    ///
    /// See [`Restore`] for what is written, what is refused, and the dry run.
    ///
    /// ```
    /// # use audit_seaorm::{AuditContext, AuditTrail};
    /// # use sea_orm::{ActiveValue::Set, Database, DbErr, EntityTrait, IntoActiveModel};
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
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let post = post::ActiveModel { title: Set("Draft".to_owned()), ..Default::default() };
    /// let mut post = post.insert(&db).await?.into_active_model();
    /// let then = AuditTrail::find_for_record(&db, post::Entity, 1).await?[0].timestamp;
    /// post.title = Set("Final".to_owned());
    /// post.update(&db).await?;
    ///
    /// let restore = AuditTrail::restore(post::Entity, 1, then).reason("ticket 7");
    /// let plan = restore.plan(&db).await?;
    /// assert_eq!(plan.to_string(), "UPDATE post 1\n  title: \"Final\" -> \"Draft\"");
    ///
    /// restore.until(plan.until).exec(&db).await?;
    /// assert_eq!(post::Entity::find_by_id(1).one(&db).await?.unwrap().title, "Draft");
    /// let newest = &AuditTrail::find_for_record(&db, post::Entity, 1).await?[0];
    /// assert_eq!(newest.reason.as_deref(), Some("ticket 7"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn restore<E, K>(entity: E, key: K, when: DateTimeUtc) -> Restore
    where
        E: Auditable,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let _ = entity;
        let record_id = record::id_of_key::<E>(key.into().into_value_tuple()).map_err(Arc::new);
        Restore::of(What::Record { table: registry::table_of::<E>(), record_id, when })
    }

    /// Undoes everything that one request changed, whichever records and tables these are: brings them back to what
    /// they were just before it. What others changed in other columns stays.
    ///
    /// The entries of a request are found by a scan of the trail: see [`AuditQuery`](crate::AuditQuery).
    ///
    /// ```
    /// # use audit_seaorm::{AuditContext, AuditTrail, Auditable};
    /// # use sea_orm::{ActiveValue::Set, Database, DbErr, EntityTrait, PaginatorTrait};
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
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let post = |title: &str| post::ActiveModel { title: Set(title.to_owned()), ..Default::default() };
    /// post::Entity::audited().insert_many([post("one"), post("two")]).exec(&db).await?;
    /// let slip = AuditContext::new().request_id("req-1");
    /// slip.scope(post::Entity::audited().delete_many().exec(&db)).await?;
    ///
    /// AuditTrail::restore_request("req-1").exec(&db).await?;
    /// assert_eq!(post::Entity::find().count(&db).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn restore_request(request_id: impl Into<String>) -> Restore {
        Restore::of(What::Request(request_id.into()))
    }

    /// As [`restore_request`](Self::restore_request), for what was committed together:
    /// [`AuditEntry::transaction_id`](crate::AuditEntry::transaction_id).
    pub fn restore_transaction(transaction_id: Uuid) -> Restore {
        Restore::of(What::Transaction(transaction_id))
    }
}

/// Brings records back to what they were, made by [`AuditTrail::restore`], [`AuditTrail::restore_request`] and
/// [`AuditTrail::restore_transaction`].
///
/// # What is written
///
/// Ordinary writes of the entities, in one transaction, recorded as any other: with the user of the context, a reason,
/// and what was restored under the key `restored` of the metadata. So a restore can itself be restored from. As the
/// builders of `Entity::audited()` they run no hooks of the entity, which might make something else of the values.
///
/// Changes are taken back from the newest to the oldest, so that on its way the database is nowhere but where it has
/// been: foreign keys and unique columns allow it as they did then.
///
/// # What is refused
///
/// Unless it is told to, it overwrites nothing that others wrote since ([`overwrite`](Self::overwrite)), and restores no
/// record in part ([`accept_gaps`](Self::accept_gaps)). [`plan`](Self::plan) tells of both, and of all that would be
/// written, and writes nothing.
///
/// # What is written in another way
///
/// A column that the database computes, or that is `GENERATED ALWAYS AS IDENTITY`, gets what the database would have there:
/// its catalogue is asked, once for each table. `#[auditable(restore = "ignore")]` and
/// [`ignore_columns`](Self::ignore_columns) leave a column as it is, and a change of it is no conflict: that of an
/// `updated_at`, say. `#[auditable(version)]` names the column that an entity uses as optimistic lock: it is no conflict
/// either, and a restore raises it by one, or above the last value of a record that was deleted, so that nobody who read the
/// record before the restore can overwrite it.
///
/// # Which entity writes
///
/// [`AuditTrail::restore`] is told. Otherwise it is the entity of the entry's table; if the program has several of that
/// name, as for two databases, the smallest one that has the columns of the entries.
///
/// # Memory
///
/// The entries that are undone, of all records, are in memory at once.
#[derive(Clone, Debug)]
#[must_use = "nothing is restored until it is executed: `plan`, `exec`"]
pub struct Restore {
    what: What,
    until: Option<DateTimeUtc>,
    overwrite: bool,
    accept_gaps: bool,
    ignored: Vec<String>,
    reason: Option<String>,
}

#[derive(Clone, Debug)]
enum What {
    Record {
        table: Option<&'static dyn Table>,
        record_id: Result<String, Arc<AuditError>>,
        when: DateTimeUtc,
    },
    Request(String),
    Transaction(Uuid),
}

impl Restore {
    fn of(what: What) -> Self {
        Self {
            what,
            until: None,
            overwrite: false,
            accept_gaps: false,
            ignored: Vec::new(),
            reason: None,
        }
    }

    /// Undoes nothing that was written later than at this moment, that of a [`RestorePlan`]: it is a conflict then.
    pub fn until(mut self, until: DateTimeUtc) -> Self {
        self.until = Some(until);
        self
    }

    /// Whether columns that others changed since are restored as well. Defaults to false: then nothing is, and the
    /// error has the plan.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Whether to go on where the trail does not know what a column was: it is left as it is, or to the table's default
    /// in a record that is made anew. Defaults to false: then nothing is restored, and the error has the plan.
    pub fn accept_gaps(mut self, accept: bool) -> Self {
        self.accept_gaps = accept;
        self
    }

    /// Leaves these columns as they are in records that are there, and takes a change of them for no conflict, as
    /// `#[auditable(restore = "ignore")]` does for good: a time of the last update, say. A record that is made anew gets
    /// back the values that it had. Of a request or a transaction it counts for each table that has such a column.
    ///
    /// ```
    /// # use audit_seaorm::AuditTrail;
    /// # use sea_orm::{DatabaseConnection, DbErr};
    /// # async fn undo(db: &DatabaseConnection) -> Result<(), DbErr> {
    /// AuditTrail::restore_request("req-1").ignore_columns(["updated_at"]).exec(db).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ignore_columns<I>(mut self, columns: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.ignored.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Why, for the entries. Defaults to the reason of the context, or to words such as `restore of request req-1`.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
