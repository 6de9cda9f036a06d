//! Searching the trail.

mod cursor;
mod filter;
mod json;
mod read;
mod shown;

use std::sync::Arc;

use audit_core::{AuditEntry, Operation};
use sea_orm::{
    EntityTrait, PrimaryKeyTrait, Value,
    prelude::{DateTimeUtc, Uuid},
    sea_query::IntoValueTuple,
};
use serde_json::Value as Json;

use self::filter::Filter;
#[cfg(feature = "viewer")]
pub(crate) use self::filter::is_searchable;
pub use self::{
    cursor::{Cursor, ParseCursorError},
    read::Page,
};
use super::AuditTrail;
use crate::{encode::encode, entity::Column, error::AuditError, record};

/// How many entries are read unless [`AuditQuery::limit`] says otherwise.
pub const DEFAULT_LIMIT: u64 = 100;

/// A search of the trail, made by [`AuditTrail::query`].
///
/// An entry is found if it meets every filter. Texts are compared exactly, to the case and to the last
/// blank; nothing in them is a wildcard.
///
/// # What is fast
///
/// A record (with its table), a user, [nobody](Self::by_nobody), an operation and a range of time are found by an index of `audit_trail`,
/// in the order of reading, however long the trail is. [`transaction`] reads from the time on at which the
/// transaction began. The other filters look at each entry that these leave, in the order of time, until
/// there are enough: put one of the fast ones beside [`table`] without a record, [`user_email`], [`by_system`],
/// [`on_behalf_of`], [`request_id`], [`changed`], [`old_value`], [`new_value`] and [`metadata`].
///
/// [`transaction`]: Self::transaction
/// [`table`]: Self::table
/// [`user_email`]: Self::user_email
/// [`by_system`]: Self::by_system
/// [`on_behalf_of`]: Self::on_behalf_of
/// [`request_id`]: Self::request_id
/// [`changed`]: Self::changed
/// [`old_value`]: Self::old_value
/// [`new_value`]: Self::new_value
/// [`metadata`]: Self::metadata
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is read until it is executed: `all`, `page`, `count`, `stream`"]
pub struct AuditQuery {
    filters: Vec<Filter>,
    from: Option<DateTimeUtc>,
    to: Option<DateTimeUtc>,
    /// When the transaction began that is searched for: no bound of the caller's, so it cannot be at odds with one.
    begun: Option<DateTimeUtc>,
    after: Option<Cursor>,
    oldest_first: bool,
    counts_nobody: bool,
    as_stored: bool,
    limit: Option<u64>,
    offset: u64,
    /// Why it cannot be asked: told when it is.
    fault: Option<Arc<AuditError>>,
}

impl AuditTrail {
    /// A search of all entries, newest first. See [`AuditQuery`].
    ///
    /// ```
    /// use audit_seaorm::{AuditContext, AuditTrail, AuditUser, Change, Image, Operation};
    /// use audit_migration::MigratorTrait;
    /// use sea_orm::{Database, DbErr};
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// # let image = |price: i32| Image::from_iter([("price".to_owned(), json!(price))]);
    /// # AuditContext::new().user(AuditUser::new("42")).scope(async {
    /// #     AuditTrail::record(&db, Change::create("book", "1", image(10))).await?;
    /// #     AuditTrail::record(&db, Change::update("book", "1", image(10), image(12))).await
    /// # }).await?;
    /// let changes = AuditTrail::query()
    ///     .table("book")
    ///     .user("42")
    ///     .operation(Operation::Update)
    ///     .changed("price")
    ///     .limit(20);
    ///
    /// assert_eq!(changes.count(&db).await?, 1);
    /// let page = changes.page(&db).await?;
    /// assert_eq!(page.entries[0].new_values, Some(json!({"price": 12})));
    /// assert!(page.next.is_none(), "that was all");
    /// # Ok(())
    /// # }
    /// ```
    pub fn query() -> AuditQuery {
        AuditQuery::default()
    }
}

impl AuditQuery {
    /// Entries of a table, `schema.table` where the entity names a schema.
    ///
    /// On `PostgreSQL` a name without a schema means the table that the connection finds under it. An entry names
    /// the schema as well if that is another one than the trail's: with a schema for each tenant and one trail, each
    /// tenant's connection finds the entries of its own table.
    pub fn table(self, table: impl Into<String>) -> Self {
        self.with(Filter::table(table.into()))
    }

    /// Entries of the table of an entity.
    pub fn entity<E: EntityTrait>(self, _entity: E) -> Self {
        self.table(record::table_name::<E>())
    }

    /// Entries of the record with this [`record_id`](crate::AuditEntry::record_id), as an entry tells it. For
    /// a primary key there is [`record_of`](Self::record_of).
    pub fn record(self, record_id: impl Into<String>) -> Self {
        self.with(Filter::text(Column::RecordId, record_id.into()))
    }

    /// Entries of one record of an entity, by its primary key.
    pub fn record_of<E, K>(mut self, entity: E, key: K) -> Self
    where
        E: EntityTrait,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        match record::id_of_key::<E>(key.into().into_value_tuple()) {
            Ok(record_id) => self.entity(entity).record(record_id),
            Err(fault) => {
                self.fault = Some(Arc::new(fault));
                self
            }
        }
    }

    /// Entries in the name of this user.
    pub fn user(self, user_id: impl Into<String>) -> Self {
        self.with(Filter::text(Column::UserId, user_id.into()))
    }

    /// Entries that name no user.
    pub fn by_nobody(mut self) -> Self {
        self.counts_nobody = true;
        self.with(Filter::Missing(Column::UserId))
    }

    /// Entries of what the application did by itself: those of [`AuditUser::system`](crate::AuditUser::system).
    pub fn by_system(self) -> Self {
        self.metadata(AuditEntry::ACTOR, AuditEntry::SYSTEM)
    }

    /// Entries of what others did for this user: see [`AuditUser::on_behalf_of`](crate::AuditUser::on_behalf_of).
    pub fn on_behalf_of(self, user_id: impl Into<String>) -> Self {
        self.metadata(AuditEntry::ON_BEHALF_OF, user_id.into())
    }

    /// Lets [`top_users`](Self::top_users) count what was done in nobody's name, too, as one more user that is `None`.
    /// It filters nothing. Defaults to not, unless [`by_nobody`](Self::by_nobody) is called.
    pub fn count_nobody(mut self) -> Self {
        self.counts_nobody = true;
        self
    }

    /// Those of entries that `top_users` counts.
    pub(in crate::trail) fn of_users(&self) -> Self {
        let mut query = self.clone();
        if !query.counts_nobody {
            query.filters.push(Filter::Present(Column::UserId));
        }
        query
    }

    /// Entries of users who had this e-mail address then.
    pub fn user_email(self, email: impl Into<String>) -> Self {
        self.with(Filter::text(Column::UserEmail, email.into()))
    }

    /// Entries of one operation.
    pub fn operation(self, operation: Operation) -> Self {
        self.with(Filter::text(Column::Operation, operation.as_str().to_owned()))
    }

    /// Entries of one of these operations; of none, if there are none.
    pub fn operations(self, operations: impl IntoIterator<Item = Operation>) -> Self {
        let names = operations.into_iter().map(|operation| operation.as_str().into());
        self.with(Filter::OneOf(Column::Operation, names.collect()))
    }

    /// Entries of one request.
    pub fn request_id(self, request_id: impl Into<String>) -> Self {
        self.with(Filter::text(Column::RequestId, request_id.into()))
    }

    /// Entries of one transaction. The id tells when it began, and no entry is older.
    pub fn transaction(self, transaction_id: Uuid) -> Self {
        let mut query = self.with(Filter::uuid(Column::TransactionId, transaction_id));
        query.begun = query.begun.max(began(transaction_id));
        query
    }

    /// Entries of this moment and later.
    pub fn from(mut self, from: DateTimeUtc) -> Self {
        self.from = self.from.max(Some(from));
        self
    }

    /// Entries from before this moment.
    pub fn to(mut self, to: DateTimeUtc) -> Self {
        self.to = Some(self.to.map_or(to, |former| former.min(to)));
        self
    }

    /// Entries that gave a column another value. A record that comes into being had `NULL` in every column
    /// before, and one that goes has it after.
    ///
    /// A redacted value cannot be told from another: where both sides have the mark it counts as changed,
    /// which with [`full_record`](crate::AuditConfig::full_record) is so in every update.
    ///
    /// A BASELINE changes nothing.
    ///
    /// With [`table`](Self::table) or [`entity`](Self::entity), a column that was renamed is found under its former names
    /// as well (`#[auditable(renamed_from = "..")]`); without, under this one alone.
    pub fn changed(self, column: impl Into<String>) -> Self {
        self.with(Filter::changed(column.into()))
    }

    /// Entries whose before-image has this value in a column: those that changed or deleted it. Pass it in the
    /// type that the column has; `None::<T>` is `NULL`.
    ///
    /// On `SQLite` integers beyond `i64` are compared as floats, and JSON columns by their text. A column that was renamed is
    /// found as by [`changed`](Self::changed).
    pub fn old_value(self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.image(Column::OldValues, column.into(), &value.into())
    }

    /// Entries whose after-image has this value in a column: those that set it. As
    /// [`old_value`](Self::old_value).
    pub fn new_value(self, column: impl Into<String>, value: impl Into<Value>) -> Self {
        self.image(Column::NewValues, column.into(), &value.into())
    }

    /// Entries whose metadata has this value under a key.
    pub fn metadata(self, key: impl Into<String>, value: impl Into<Json>) -> Self {
        self.with(Filter::metadata(key.into(), value.into()))
    }

    /// Begins with the oldest entry. Entries of the same time are read in the order in which they were
    /// written, or the other way round.
    pub fn oldest_first(mut self) -> Self {
        self.oldest_first = true;
        self
    }

    /// Shows values as the trail stores them, also of columns that are redacted or skipped today and were not yet when they
    /// were recorded. For whoever has to see those; what was redacted when it was recorded is not known to anybody.
    ///
    /// Defaults to not: a column that an entity or the [`AuditConfig`](crate::AuditConfig) in force hides
    /// is `"[REDACTED]"` in every entry, and none of its values is found by [`old_value`](Self::old_value) and
    /// [`new_value`](Self::new_value).
    pub fn as_stored(mut self) -> Self {
        self.as_stored = true;
        self
    }

    /// Goes on behind a cursor, in the direction of this query.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// At most so many entries; [`DEFAULT_LIMIT`] unless it is said.
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out the first entries. The database reads them all the same: for page after page there are
    /// cursors ([`page`](Self::page)).
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    fn image(mut self, side: Column, name: String, value: &Value) -> Self {
        match encode(value) {
            Ok(json) => self.with(Filter::value(side, name, json)),
            Err(source) => {
                self.fault = Some(Arc::new(AuditError::Unsearchable { column: name, source }));
                self
            }
        }
    }

    fn with(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }
}

/// Whole milliseconds of a version 7 UUID.
fn began(transaction_id: Uuid) -> Option<DateTimeUtc> {
    let (seconds, nanos) = transaction_id.get_timestamp()?.to_unix();
    let whole = DateTimeUtc::from_timestamp(seconds.try_into().ok()?, nanos);
    whole.filter(|_| transaction_id.get_version_num() == 7)
}
