use audit_core::FieldRule;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait,
    prelude::{DateTimeUtc, async_trait::async_trait},
};

use crate::audited::Audited;

/// An entity whose changes are recorded. Implemented by `#[derive(Auditable)]` on its `Model`.
///
/// The derive also makes the entity's writes record themselves; an implementation by hand does not.
pub trait Auditable: EntityTrait<ActiveModel: AuditHooks> {
    /// The columns that are not stored in the clear.
    const RULES: &'static [(Self::Column, FieldRule)];

    /// The columns that had other names once, with these: `#[auditable(renamed_from("a", "b"))]`. Entries keep the
    /// names of their time, and are read under those of today.
    const RENAMED: &'static [(Self::Column, &'static [FormerName])] = &[];

    /// The columns that a restore does not bring back as the others: `#[auditable(restore = "ignore")]`,
    /// `#[auditable(version)]`.
    const RESTORE: &'static [(Self::Column, RestoreRule)] = &[];

    /// The writes of `EntityTrait`, audited: see [`audited`](mod@crate::audited). The derive gives the
    /// entity a function of its own of this name, so that only generic code needs the trait.
    fn audited() -> Audited<Self> {
        Audited::new()
    }
}

/// A name that a column had once, made by `#[auditable(renamed_from = "..")]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerName {
    name: &'static str,
    until: Option<DateTimeUtc>,
}

impl FormerName {
    /// A name that no column has today. It counts wherever an entry does not have today's name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, until: None }
    }

    /// A name that the column had until a moment, in microseconds since 1970. Entries from then on mean the column that
    /// has the name today. A moment beyond the calendar is no limit.
    #[must_use]
    pub const fn until_micros(name: &'static str, micros: i64) -> Self {
        Self { name, until: DateTimeUtc::from_timestamp_micros(micros) }
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Until when the column had it, if that is known.
    #[must_use]
    pub const fn until(&self) -> Option<DateTimeUtc> {
        self.until
    }
}

/// How a restore treats a column that it does not bring back as the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreRule {
    /// It stays as it is in a record that is there, and a change of it is no conflict. A record that is made anew gets
    /// back the value that it had.
    Ignore,
    /// The entity uses it as optimistic lock: as [`Ignore`](Self::Ignore), and a restore raises it by one, so that nobody
    /// who read the record before can write it.
    Version,
}

/// The types that a version can have: those of whole numbers. Another one does not compile:
///
/// ```compile_fail,E0277
/// use sea_orm::entity::prelude::*;
///
/// #[sea_orm::model]
/// #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
/// #[sea_orm(table_name = "page")]
/// pub struct Model {
///     #[sea_orm(primary_key)]
///     pub id: i32,
///     #[auditable(version)]
///     pub etag: String,
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type for `#[auditable(version)]`",
    label = "a restore raises a version by one: it must be an integer"
)]
pub trait Version {}

macro_rules! versions {
    ($($ty:ty),*) => { $(impl Version for $ty {})* };
}

versions!(i8, i16, i32, i64, u8, u16, u32, u64);

/// Compiles for the type of a version alone.
pub const fn is_version<T: Version>() {}

/// The hooks of an entity that is audited, with the methods of `SeaORM`'s `ActiveModelBehavior`.
///
/// You do not implement it by hand: `#[audited]` on your `impl ActiveModelBehavior for ActiveModel`
/// turns that block into this, unchanged, and the derive on `Model` needs `#[auditable(hooks)]`.
/// Before-hooks run ahead of the capture and can still alter what is written; after-hooks run once
/// the entry is stored, with the connection that the caller passed.
///
/// ```
/// mod post {
///     use audit_seaorm::{Auditable, audited};
///     use sea_orm::{ActiveValue::Set, entity::prelude::*};
///
///     #[sea_orm::model]
///     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
///     #[sea_orm(table_name = "post")]
///     #[auditable(hooks)]
///     pub struct Model {
///         #[sea_orm(primary_key)]
///         pub id: i32,
///         pub title: String,
///     }
///
///     #[audited]
///     #[async_trait::async_trait]
///     impl ActiveModelBehavior for ActiveModel {
///         async fn before_save<C>(mut self, _db: &C, _insert: bool) -> Result<Self, DbErr>
///         where
///             C: ConnectionTrait,
///         {
///             if let Set(title) = &self.title {
///                 self.title = Set(title.trim().to_owned());
///             }
///             Ok(self)
///         }
///     }
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "the hooks of `{Self}` are not audited",
    label = "needs `#[audited]` on `impl ActiveModelBehavior for {Self}`",
    note = "`#[auditable(hooks)]` on Model says that the entity has hooks of its own: write `#[audited]` \
            above their impl block, or remove `hooks` and the block"
)]
#[async_trait]
pub trait AuditHooks: ActiveModelTrait {
    /// See `ActiveModelBehavior::new`.
    #[must_use]
    fn new() -> Self {
        <Self as ActiveModelTrait>::default()
    }

    /// See `ActiveModelBehavior::before_save`.
    ///
    /// # Errors
    ///
    /// An error aborts the write: nothing is written and nothing recorded.
    async fn before_save<C>(self, db: &C, insert: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        let _ = (db, insert);
        Ok(self)
    }

    /// See `ActiveModelBehavior::after_save`.
    ///
    /// # Errors
    ///
    /// As without auditing, an error reaches the caller and undoes nothing by itself.
    async fn after_save<C>(
        model: <Self::Entity as EntityTrait>::Model,
        db: &C,
        insert: bool,
    ) -> Result<<Self::Entity as EntityTrait>::Model, DbErr>
    where
        C: ConnectionTrait,
    {
        let _ = (db, insert);
        Ok(model)
    }

    /// See `ActiveModelBehavior::before_delete`.
    ///
    /// # Errors
    ///
    /// An error aborts the delete: nothing is deleted and nothing recorded.
    async fn before_delete<C>(self, db: &C) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        let _ = db;
        Ok(self)
    }

    /// See `ActiveModelBehavior::after_delete`.
    ///
    /// # Errors
    ///
    /// As without auditing, an error reaches the caller and undoes nothing by itself.
    async fn after_delete<C>(self, db: &C) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        let _ = db;
        Ok(self)
    }
}
