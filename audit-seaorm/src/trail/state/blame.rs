use std::{collections::BTreeSet, fmt};

use audit_core::{FieldChange, Image, Operation, Printable, REDACTED, Unreadable};
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, PrimaryKeyTrait, QueryResult,
    prelude::{DateTimeUtc, Uuid},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Auditable,
    entity::Column,
    record,
    redaction::Redaction,
    rules,
    stored::{self, Place, Reader},
    trail::{
        AuditQuery, AuditTrail, Cursor, entries::image, first_rows::first_rows, renames::Renames,
    },
};

/// Who last set a column of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// What of the entry cannot be read; none of a sound one. If that hides the change
    /// ([`Unreadable::hides_change`](crate::Unreadable::hides_change)), the entry is the last one that may have set the column,
    /// and nobody knows whether it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

impl Blame {
    /// What an entry tells, of no column so far.
    fn of(entry: &QueryResult, backend: DbBackend) -> Self {
        let mut row = Reader::new(entry, backend);
        let operation = row.operation();
        row.images(operation);
        Self {
            column: String::new(),
            old: None,
            new: None,
            entry_id: row.id().unwrap_or_default(),
            operation,
            user_id: row.text(Column::UserId),
            user_email: row.text(Column::UserEmail),
            request_id: row.text(Column::RequestId),
            reason: row.text(Column::Reason),
            timestamp: row.time().unwrap_or_default(),
            unreadable: row.finish(),
        }
    }

    #[cfg(feature = "viewer")]
    pub(crate) fn time(&self) -> Option<DateTimeUtc> {
        let is_told = self.unreadable.as_ref().is_none_or(Unreadable::tells_time);
        is_told.then_some(self.timestamp)
    }

    fn set(self, change: FieldChange) -> Self {
        Self { column: change.column, old: change.old, new: change.new, ..self }
    }
}

/// `title: "Draft" -> "Final", UPDATE by 42 at 2026-11-24T09:00:00.000000Z`
impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (self.old.clone(), self.new.clone());
        FieldChange::new(self.column.clone(), old, new).fmt(f)?;
        if let Some(unreadable) = &self.unreadable {
            write!(f, ", unreadable: {unreadable}")?;
        }
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
    /// that is older than the trail, and skipped ones are left out. Values of a column that is redacted today are
    /// `"[REDACTED]"`.
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
        let query = Self::query().record_of(entity, key);
        let found = last_set(db, &query, Search::of::<E>()).await?;
        Ok(shown(found, &Redaction::of(&record::table_name::<E>())))
    }
}

/// Without what is hidden today. What was set is decided by what is stored: all that is hidden is alike.
pub(super) fn shown(mut found: Vec<Blame>, redaction: &Redaction) -> Vec<Blame> {
    for blame in found.iter_mut().filter(|blame| redaction.rule(&blame.column).is_some()) {
        let sides = [&mut blame.old, &mut blame.new].into_iter().flatten();
        sides.for_each(|value| *value = REDACTED.into());
    }
    found
}

/// Reads the entries of a record from the newest back.
pub(super) async fn last_set<C: ConnectionTrait>(
    db: &C,
    query: &AuditQuery,
    mut search: Search,
) -> Result<Vec<Blame>, DbErr> {
    let query = query.prepared(db).await?;
    let (backend, mut after) = (db.get_database_backend(), None);
    loop {
        let entries = stored::select(query.in_order(db, after.as_ref())?, backend, COLUMNS);
        let entries = first_rows(db, entries, PAGE).await?;
        if entries.iter().any(|entry| search.is_done_by(entry, backend)) {
            return Ok(search.found());
        }
        match entries.last() {
            Some(last) if entries.len() as u64 == PAGE => {
                after = Some(Cursor::new(Place::read(last, backend)));
            }
            _ => return Ok(search.found()),
        }
    }
}

/// A usual history, and no more than so many large images.
const PAGE: u64 = 128;

const COLUMNS: [Column; 9] = [
    Column::Id,
    Column::Operation,
    Column::OldValues,
    Column::NewValues,
    Column::UserId,
    Column::UserEmail,
    Column::RequestId,
    Column::Reason,
    Column::Timestamp,
];

/// The columns, and who set those that are found already.
pub(super) struct Search {
    renames: Renames,
    columns: Vec<(String, Option<Blame>)>,
    /// Whether other columns than these are looked for, too.
    any: bool,
    /// The newest entry that cannot be read: whatever is older may not be what set a column last.
    unclear: Option<Blame>,
}

impl Search {
    fn of<E: Auditable>() -> Self {
        Self::among(Renames::of::<E>(), rules::told_columns::<E>().map(record::name))
    }

    pub(super) fn among(renames: Renames, columns: impl Iterator<Item = String>) -> Self {
        let columns = columns.map(|column| (column, None)).collect();
        Self { renames, columns, any: false, unclear: None }
    }

    /// For whatever columns there are.
    #[cfg(feature = "viewer")]
    pub(super) fn of_any() -> Self {
        Self { any: true, ..Self::among(Renames::all([]), std::iter::empty()) }
    }

    /// Looks at the next older entry. Of most, which tell only what later ones told, no more than the images is read.
    fn is_done_by(&mut self, entry: &QueryResult, backend: DbBackend) -> bool {
        let mut row = Reader::new(entry, backend);
        let (operation, at) = (row.operation(), row.time());
        let images = row.images(operation);
        row.id();
        if row.finish().is_some_and(|it| it.hides_change()) {
            self.unclear.get_or_insert_with(|| Blame::of(entry, backend));
            return false;
        }
        if operation == Operation::Baseline {
            // It sets nothing, and the life goes on before it.
            return false;
        }
        let [old, new] = images.map(|json| {
            self.renames.apply(image(json).unwrap_or_default(), at.unwrap_or_default())
        });
        if self.any {
            let is_new = |name: &&String| self.columns.iter().all(|(column, _)| column != *name);
            let names: BTreeSet<_> = old.keys().chain(new.keys()).filter(is_new).cloned().collect();
            self.columns.extend(names.into_iter().map(|name| (name, None)));
        }
        for (column, found) in self.columns.iter_mut().filter(|(_, found)| found.is_none()) {
            if let Some(change) = change(column, &old, &new) {
                *found = Some(match &self.unclear {
                    Some(unclear) => Blame { column: column.clone(), ..unclear.clone() },
                    None => Blame::of(entry, backend).set(change),
                });
            }
        }
        // What was before is another life.
        let all = !self.any && self.columns.iter().all(|(_, found)| found.is_some());
        operation != Operation::Update || all
    }

    fn found(self) -> Vec<Blame> {
        self.columns.into_iter().filter_map(|(_, found)| found).collect()
    }
}

/// What an entry with these images changed in a column.
fn change(name: &str, old: &Image, new: &Image) -> Option<FieldChange> {
    let told = old.contains_key(name) || new.contains_key(name);
    told.then(|| FieldChange::recorded(old, new))?.into_iter().find(|it| it.column == name)
}
