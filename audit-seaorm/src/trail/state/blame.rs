use std::{collections::BTreeSet, fmt};

use audit_core::{FieldChange, Image, Operation, Printable, REDACTED};
use sea_orm::{
    ConnectionTrait, DbErr, PrimaryKeyTrait, QueryResult, QuerySelect,
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
    trail::{
        AuditQuery, AuditTrail, Cursor,
        entries::{get, image},
        first_rows::first_rows,
        renames::Renames,
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
}

impl Blame {
    fn new(
        column: String,
        change: FieldChange,
        operation: Operation,
        entry: &QueryResult,
    ) -> Result<Self, DbErr> {
        Ok(Self {
            column,
            old: change.old,
            new: change.new,
            entry_id: get(entry, Column::Id)?,
            operation,
            user_id: get(entry, Column::UserId)?,
            user_email: get(entry, Column::UserEmail)?,
            request_id: get(entry, Column::RequestId)?,
            reason: get(entry, Column::Reason)?,
            timestamp: get(entry, Column::Timestamp)?,
        })
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
    let mut after = None;
    loop {
        let entries = query.in_order(db, after)?.select_only().columns(COLUMNS);
        let entries = first_rows(db, entries, PAGE).await?;
        query.check_first(after, entries.first().map(place).transpose()?)?;
        for entry in &entries {
            if search.is_done_by(entry)? {
                return Ok(search.found());
            }
        }
        match entries.last() {
            Some(last) if entries.len() as u64 == PAGE => {
                after = Some(place(last)?);
            }
            _ => return Ok(search.found()),
        }
    }
}

fn place(entry: &QueryResult) -> Result<Cursor, DbErr> {
    Ok(Cursor::new(get(entry, Column::Timestamp)?, get(entry, Column::Id)?))
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
}

impl Search {
    fn of<E: Auditable>() -> Self {
        Self::among(Renames::of::<E>(), rules::told_columns::<E>().map(record::name))
    }

    pub(super) fn among(renames: Renames, columns: impl Iterator<Item = String>) -> Self {
        Self { renames, columns: columns.map(|column| (column, None)).collect(), any: false }
    }

    /// For whatever columns there are.
    #[cfg(feature = "viewer")]
    pub(super) fn of_any() -> Self {
        Self { renames: Renames::all([]), columns: Vec::new(), any: true }
    }

    /// Looks at the next older entry. Of most, which tell only what later ones told, no more than the images is read.
    fn is_done_by(&mut self, entry: &QueryResult) -> Result<bool, DbErr> {
        let operation = get::<String>(entry, Column::Operation)?;
        let operation =
            operation.parse::<Operation>().map_err(|error| DbErr::Type(error.to_string()))?;
        if operation == Operation::Baseline {
            // It sets nothing, and the life goes on before it.
            return Ok(false);
        }
        let at = get(entry, Column::Timestamp)?;
        let side = |column| {
            image(entry, column).map(|image| self.renames.apply(image.unwrap_or_default(), at))
        };
        let (old, new) = (side(Column::OldValues)?, side(Column::NewValues)?);
        if self.any {
            let is_new = |name: &&String| self.columns.iter().all(|(column, _)| column != *name);
            let names: BTreeSet<_> = old.keys().chain(new.keys()).filter(is_new).cloned().collect();
            self.columns.extend(names.into_iter().map(|name| (name, None)));
        }
        for (column, found) in self.columns.iter_mut().filter(|(_, found)| found.is_none()) {
            if let Some(change) = change(column, &old, &new) {
                *found = Some(Blame::new(column.clone(), change, operation, entry)?);
            }
        }
        // What was before is another life.
        let all = !self.any && self.columns.iter().all(|(_, found)| found.is_some());
        Ok(operation != Operation::Update || all)
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
