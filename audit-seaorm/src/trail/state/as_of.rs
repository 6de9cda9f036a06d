use std::{collections::VecDeque, marker::PhantomData};

use audit_core::Image;
use futures_util::{Stream, TryStreamExt, stream};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, PrimaryKeyTrait, TryIntoModel, prelude::DateTimeUtc,
    sea_query::IntoValueTuple,
};

use super::{fold::Fold, known::State, not_told::NotTold};
use crate::{
    Auditable,
    error::AuditError,
    record,
    redaction::Redaction,
    trail::{
        AuditTrail, bring_up_to_date,
        entries::{Entry, Pages},
    },
};

impl AuditTrail {
    /// The record as it was at a moment: after what was written then and before; none if there was none. It
    /// may be gone since.
    ///
    /// Before its first entry there was none as far as the trail tells, even if that entry is no CREATE: of a record
    /// that is older than the trail nobody knows what it was then. [`baseline`](Self::baseline) makes it known from
    /// its own time on.
    ///
    /// The moment is one of the clock that entries have their times of: the database server's, on `SQLite` the
    /// machine's.
    ///
    /// # Errors
    ///
    /// Those of the database; an error that names them, if there are columns that the trail does not know, or that are
    /// redacted today: then [`state_as_of`](Self::state_as_of) tells the others.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// # use audit_seaorm::AuditTrail;
    /// # use sea_orm::{ActiveValue::Set, Database, DbErr};
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
    /// post.insert(&db).await?.delete(&db).await?;
    ///
    /// let [deleted, created] = &AuditTrail::find_for_record(&db, post::Entity, 1).await?[..] else {
    ///     panic!("two entries")
    /// };
    /// let then = AuditTrail::as_of(&db, post::Entity, 1, created.timestamp).await?;
    /// assert_eq!(then.unwrap().title, "Draft");
    /// assert_eq!(AuditTrail::as_of(&db, post::Entity, 1, deleted.timestamp).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn as_of<C, E, K>(
        db: &C,
        entity: E,
        key: K,
        when: DateTimeUtc,
    ) -> Result<Option<E::Model>, DbErr>
    where
        C: ConnectionTrait,
        E: Auditable<ActiveModel: TryIntoModel<<E as EntityTrait>::Model>>,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let state = Self::state_as_of(db, entity, key, when).await?;
        Ok(state.map(|state| state.model()).transpose()?)
    }

    /// As [`as_of`](Self::as_of), with what the trail does not know left open.
    ///
    /// # Errors
    ///
    /// Those of the database; an entry that cannot be read.
    pub async fn state_as_of<C, E, K>(
        db: &C,
        entity: E,
        key: K,
        when: DateTimeUtc,
    ) -> Result<Option<State<E::Model>>, DbErr>
    where
        C: ConnectionTrait,
        E: Auditable,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let _ = entity;
        bring_up_to_date(db).await?;
        let record_id = record::id_of_key::<E>(key.into().into_value_tuple())?;
        let mut records = Records::new(Pages::of_record::<E>(&record_id).until(when));
        let image = records.next(db).await?.and_then(|(_, image)| image);
        let redaction = Redaction::of(&record::table_name::<E>());
        Ok(image.map(|image| State::shown(image, &redaction)))
    }

    /// The records of a table as they were at a moment, those that are gone since included.
    ///
    /// ```
    /// # use audit_seaorm::AuditTrail;
    /// # use sea_orm::{ActiveValue::Set, Database, DbErr};
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
    /// let titled = |title: &str| post::ActiveModel { title: Set(title.to_owned()), ..Default::default() };
    /// let rows = ["Ants", "Bees", "Apes"].map(titled);
    /// post::Entity::audited().insert_many(rows).exec(&db).await?;
    /// let then = AuditTrail::query().all(&db).await?[0].timestamp;
    /// post::Entity::audited().delete_many().exec(&db).await?;
    ///
    /// let posts = AuditTrail::table_as_of(post::Entity, then)
    ///     .matching(|post| post.values()["title"].as_str().is_some_and(|title| title.starts_with('A')))
    ///     .all(&db)
    ///     .await?;
    /// let titles: Vec<_> = posts.iter().map(|(_, post)| post.model().unwrap().title).collect();
    /// assert_eq!(titles, ["Ants", "Apes"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn table_as_of<E: Auditable>(entity: E, when: DateTimeUtc) -> StatesAsOf<E> {
        let _ = entity;
        StatesAsOf { when, keys: None, matching: None, as_stored: false, entity: PhantomData }
    }
}

/// Whether a record is one of those that are looked for.
type Matching<M> = Box<dyn Fn(&State<M>) -> bool + Send + Sync>;

/// Records as they were at a moment, made by [`AuditTrail::table_as_of`].
#[must_use = "nothing is read until it is executed: `all`, `stream`"]
pub struct StatesAsOf<E: EntityTrait> {
    when: DateTimeUtc,
    keys: Option<Vec<Result<String, AuditError>>>,
    matching: Option<Matching<E::Model>>,
    as_stored: bool,
    entity: PhantomData<fn() -> E>,
}

impl<E: EntityTrait> std::fmt::Debug for StatesAsOf<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatesAsOf").field("when", &self.when).finish_non_exhaustive()
    }
}

impl<E: Auditable> StatesAsOf<E> {
    /// Only the records with these primary keys.
    pub fn among<K>(mut self, keys: impl IntoIterator<Item = K>) -> Self
    where
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let id = |key: K| record::id_of_key::<E>(key.into().into_value_tuple());
        self.keys = Some(keys.into_iter().map(id).collect());
        self
    }

    /// Only the records that were such then. Asked here and not in the database, which does not know what they
    /// were: all entries of the table, or of [`among`](Self::among), are read.
    pub fn matching<F>(mut self, matching: F) -> Self
    where
        F: Fn(&State<E::Model>) -> bool + Send + Sync + 'static,
    {
        self.matching = Some(Box::new(matching));
        self
    }

    /// Shows values as the trail stores them, also of columns that are redacted today and were not yet when they were
    /// recorded: see [`AuditQuery::as_stored`](crate::AuditQuery::as_stored). Defaults to not, so that such a column is
    /// a [gap](crate::GapReason::Redacted), [`matching`](Self::matching) included.
    pub fn as_stored(mut self) -> Self {
        self.as_stored = true;
        self
    }

    /// The records with their record ids, in the order of these as texts, or in that of the keys given.
    ///
    /// # Errors
    ///
    /// Those of the database; an entry that cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn all<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<(String, State<E::Model>)>, DbErr> {
        self.stream(db).try_collect().await
    }

    /// As [`all`](Self::all), one by one, a few hundred entries in memory.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all), as an item, which is the last one.
    pub fn stream<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> impl Stream<Item = Result<(String, State<E::Model>), DbErr>> + Send {
        let when = self.when;
        let sources: VecDeque<_> = match self.keys {
            None => VecDeque::from([Ok(Pages::of_table::<E>())]),
            Some(keys) => {
                keys.into_iter().map(|id| id.map(|id| Pages::of_record::<E>(&id))).collect()
            }
        };
        let sources = sources.into_iter().map(move |pages| pages.map(|pages| pages.until(when)));
        let reading = (sources.collect::<VecDeque<_>>(), None::<Records>, false);
        let records =
            stream::try_unfold(reading, move |(mut sources, mut open, begun)| async move {
                if !begun {
                    bring_up_to_date(db).await?;
                }
                loop {
                    if let Some(records) = &mut open
                        && let Some(record) = records.next(db).await?
                    {
                        return Ok::<_, DbErr>(Some((record, (sources, open, true))));
                    }
                    match sources.pop_front() {
                        Some(pages) => open = Some(Records::new(pages?)),
                        None => return Ok(None),
                    }
                }
            });
        let matching = self.matching;
        let redaction = (!self.as_stored).then(|| Redaction::of(&record::table_name::<E>()));
        records.try_filter_map(move |(id, image)| {
            let state = image.map(|image| match &redaction {
                Some(redaction) => State::shown(image, redaction),
                None => State::of(image),
            });
            let wanted =
                |state: &State<_>| matching.as_ref().is_none_or(|matching| matching(state));
            let found = state.filter(wanted).map(|state| (id, state));
            async move { Ok(found) }
        })
    }
}

/// Entries folded record by record.
pub(super) struct Records {
    pages: Pages,
    entries: VecDeque<Entry>,
}

impl Records {
    pub(super) fn new(pages: Pages) -> Self {
        Self { pages, entries: VecDeque::new() }
    }

    /// The next record, none in the place of its image if it is gone; none at the end.
    pub(super) async fn next<C: ConnectionTrait>(
        &mut self,
        db: &C,
    ) -> Result<Option<(String, Option<Image>)>, NotTold> {
        let mut fold = Fold::default();
        let mut record: Option<String> = None;
        while self.fill(db).await? {
            let goes_on =
                |entry: &mut Entry| record.as_ref().is_none_or(|id| *id == entry.record_id);
            let Some(entry) = self.entries.pop_front_if(goes_on) else { break };
            fold.apply(entry.event.ok_or(NotTold::Unreadable(entry.id))?);
            record = Some(entry.record_id);
        }
        Ok(record.map(|id| (id, fold.into_image())))
    }

    /// Whether there is another entry.
    async fn fill<C: ConnectionTrait>(&mut self, db: &C) -> Result<bool, DbErr> {
        if self.entries.is_empty() {
            self.entries = self.pages.next(db).await?.into();
        }
        Ok(!self.entries.is_empty())
    }
}
