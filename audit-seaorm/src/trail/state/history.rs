use std::fmt;

use audit_core::{AuditEntry, FieldChange};
use futures_util::TryStreamExt;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, ModelTrait, PrimaryKeyTrait, TryIntoModel};
use serde_json::Value as Json;

use super::{
    fold::Fold,
    known::{Incomplete, State},
};
use crate::{
    Auditable,
    error::AuditError,
    record,
    redaction::Redaction,
    trail::{AuditTrail, entries::Event, renames::Renames},
};

/// One step in the life of a record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Revision<M> {
    /// Who, when, why, and the values as they were recorded.
    pub entry: AuditEntry,
    /// The record just before; none for a CREATE. For a BASELINE it is what the entries before tell, which may be
    /// nothing: the record was there, and nobody knows how it stood.
    pub old: Option<State<M>>,
    /// The record just after; none for a DELETE.
    pub new: Option<State<M>>,
}

impl<M> Revision<M>
where
    M: ModelTrait<Entity: Auditable>,
    <M::Entity as EntityTrait>::ActiveModel: TryIntoModel<M>,
{
    /// The record just before, all its columns; none for a CREATE.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] if the trail does not know all of them, as before a BASELINE. [`old`](Self::old) has what it knows.
    pub fn before(&self) -> Result<Option<M>, Incomplete> {
        self.old.as_ref().map(State::model).transpose()
    }

    /// The record just after, all its columns; none for a DELETE.
    ///
    /// # Errors
    ///
    /// [`Incomplete`] if the trail does not know all of them. [`new`](Self::new) has what it knows.
    pub fn after(&self) -> Result<Option<M>, Incomplete> {
        self.new.as_ref().map(State::model).transpose()
    }
}

impl<M> Revision<M> {
    /// What changed, column by column.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldChange> {
        self.entry.changes()
    }
}

/// As its entry; of a whole history there is a [`Listing`](crate::Listing).
impl<M> fmt::Display for Revision<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.fmt(f)
    }
}

impl AuditTrail {
    /// The life of one record, newest first, each step with the record before and after it.
    ///
    /// An entry tells what changed; the rest comes from the entries before it. So the record is not known as a whole
    /// where it is older than the trail, where a column is skipped or redacted, or where a column came later:
    /// see [`State`]. The same goes for what follows an entry that cannot be read
    /// ([`AuditEntry::unreadable`]), which stands in its place with no record before or after it. Columns that were renamed are found by `#[auditable(renamed_from = "…")]`.
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
    /// # use audit_seaorm::AuditTrail;
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
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let post = post::ActiveModel { title: Set("Draft".to_owned()), ..Default::default() };
    /// let mut post = post.insert(&db).await?.into_active_model();
    /// post.title = Set("Final".to_owned());
    /// post.update(&db).await?;
    ///
    /// let history = AuditTrail::history(&db, post::Entity, 1).await?;
    /// let [update, create] = &history[..] else { panic!("two steps") };
    /// assert_eq!(update.before()?.unwrap().title, "Draft");
    /// assert_eq!(update.after()?.unwrap().title, "Final");
    /// assert_eq!(update.changes()[0].to_string(), r#"title: "Draft" -> "Final""#);
    /// assert_eq!(create.before()?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history<C, E, K>(
        db: &C,
        entity: E,
        key: K,
    ) -> Result<Vec<Revision<E::Model>>, DbErr>
    where
        C: ConnectionTrait,
        E: Auditable,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let (renames, mut fold) = (Renames::of::<E>(), Fold::default());
        let redaction = Redaction::of(&record::table_name::<E>());
        let entries = Self::query().record_of(entity, key).oldest_first().stream(db);
        let mut entries = std::pin::pin!(entries);
        let mut revisions = Vec::new();
        while let Some(entry) = entries.try_next().await? {
            let (old, new) = if let Ok(event) = event(&entry, &renames) {
                fold.step(event)
            } else {
                // What it did nobody knows, so that from here on the record is known as far as later entries tell.
                fold = Fold::default();
                (None, None)
            };
            let [old, new] = [old, new].map(|it| it.map(|image| State::shown(image, &redaction)));
            revisions.push(Revision { entry, old, new });
        }
        revisions.reverse();
        Ok(revisions)
    }
}

/// What happened, under the names that the columns have today.
pub(in crate::trail) fn event(entry: &AuditEntry, renames: &Renames) -> Result<Event, AuditError> {
    let image = |values: &Option<Json>| match values {
        Some(Json::Object(image)) => Some(renames.apply(image.clone(), entry.timestamp)),
        _ => None,
    };
    let is_told = entry.unreadable.as_ref().is_none_or(|it| !it.hides_change());
    let event = Event::of(entry.operation, image(&entry.old_values), image(&entry.new_values));
    let event = event.filter(|_| is_told);
    event.ok_or(AuditError::EntryUnreadable { entry: Some(entry.id) })
}
