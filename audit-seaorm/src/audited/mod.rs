//! The writes of [`EntityTrait`](sea_orm::EntityTrait), audited: put `audited()` behind the entity, and the rest of the call
//! stays as it is.
//!
//! ```
//! use audit_seaorm::{AuditTrail, Auditable};
//! use sea_orm::{ActiveValue::Set, Database, DbErr, ExprTrait, QueryFilter, entity::prelude::*};
//! # use audit_migration::MigratorTrait;
//! # mod post {
//! #     use sea_orm::entity::prelude::*;
//! #     #[sea_orm::model]
//! #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
//! #     #[sea_orm(table_name = "post")]
//! #     pub struct Model {
//! #         #[sea_orm(primary_key)]
//! #         pub id: i32,
//! #         pub title: String,
//! #         pub likes: i32,
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
//! # let db = Database::connect("sqlite::memory:").await?;
//! # db.get_schema_builder().register(post::Entity).apply(&db).await?;
//! # audit_migration::Migrator::up(&db, None).await?;
//! let posts = ["one", "two", "three"].map(|title| post::ActiveModel {
//!     title: Set(title.to_owned()),
//!     likes: Set(0),
//!     ..Default::default()
//! });
//! post::Entity::audited().insert_many(posts).exec(&db).await?;
//!
//! let updated = post::Entity::audited()
//!     .update_many()
//!     .col_expr(post::Column::Likes, post::Column::Likes.into_expr().add(1))
//!     .filter(post::Column::Title.ne("two"))
//!     .exec(&db)
//!     .await?;
//! assert_eq!(updated.rows_affected, 2);
//! post::Entity::audited().delete_by_id(3).exec(&db).await?;
//!
//! let trail = AuditTrail::find_for_record(&db, post::Entity, 3).await?;
//! assert_eq!(trail.len(), 3);
//! assert_eq!(trail[0].old_values.as_ref().unwrap()["likes"], 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What they do
//!
//! As `EntityTrait`'s own, they run no hooks of the entity. Each is one transaction (a savepoint inside
//! of one): it locks its rows and reads their before-images in the order of the primary keys, writes, and
//! stores the entries. So two that write the same rows wait for each other.
//!
//! `update_many`, `delete_many` and `insert_many` send one statement that writes, as `SeaORM` does: a
//! constraint that is `DEFERRABLE`, or a trigger `FOR EACH STATEMENT`, notices no difference. (They send none
//! where no row is found.) An insert is cut only where the database takes no more values or bytes at once.
//!
//! Memory stays bounded whatever the number of rows. The before-images of 128 rows and more are set aside in a
//! temporary table, `audit_before`, which no other session can read, and which is dropped before the
//! transaction ends. All images are in memory at once if the role may make no temporary table (`TEMP` on
//! `PostgreSQL`, `CREATE TEMPORARY TABLES` on `MariaDB`), on `SeaORM`'s restricted connections, and if the name of
//! a column is longer than 61 bytes.
//!
//! An upsert is tried and taken back to learn which rows it is about; ids that a sequence gives are used
//! up twice.
//!
//! `exec_with_returning` works on every backend. On MariaDB inserts need `RETURNING`, which it has since
//! 10.5.
//!
//! # Where SeaORM's answers cannot be given
//!
//! `SeaORM`'s `InsertResult` cannot be made outside of it, so there are [`InsertResult`] and
//! [`InsertManyResult`] here, with the same field. `TryInsert` tells a conflict truly on `MariaDB`,
//! too, and for every way to execute it.
//!
//! Of `SeaORM`'s [`QueryTrait`](sea_orm::QueryTrait) there is `apply_if` alone. `build`, `as_query` and
//! `into_query` would give one statement: there is none that does what these do, and one executed by hand
//! would pass the trail by. What `SeaORM` has deprecated is left out.
//!
//! # Cancel safety
//!
//! On a pool or an [`AuditTransaction`](crate::AuditTransaction) a write that has begun comes to its end
//! even if its future is dropped. On a `DatabaseTransaction`, roll back after dropping one.

mod delete;
mod filter;
mod insert;
mod result;
mod try_insert;
mod update;

use std::{fmt, marker::PhantomData};

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, PrimaryKeyTrait, sea_query::IntoValueTuple,
};

pub use delete::{DeleteMany, DeleteOne};
pub use filter::Filter;
pub use insert::{Insert, InsertMany};
pub use result::{InsertManyResult, InsertResult};
pub use try_insert::TryInsert;
pub use update::{UpdateMany, UpdateOne};

use crate::{
    Auditable,
    capture::{Sent, Write, perform},
    writer::Recorder,
};

/// The audited writes of an entity: what `Entity::audited()` gives.
#[must_use]
pub struct Audited<E>(PhantomData<fn() -> E>);

impl<E> Audited<E> {
    /// Without a bound, so that a mistake in an entity is told once.
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E: Auditable> Audited<E> {
    /// As [`sea_orm::EntityTrait::insert`].
    pub fn insert<A: ActiveModelTrait<Entity = E>>(self, row: A) -> Insert<E> {
        Insert::new([row])
    }

    /// As [`sea_orm::EntityTrait::insert_many`]. It takes any number of rows: they go into several statements of one
    /// transaction where one cannot take them all.
    pub fn insert_many<A, I>(self, rows: I) -> InsertMany<E>
    where
        A: ActiveModelTrait<Entity = E>,
        I: IntoIterator<Item = A>,
    {
        InsertMany::new(rows)
    }

    /// As [`sea_orm::EntityTrait::update`].
    #[expect(clippy::needless_pass_by_value, reason = "as SeaORM's own")]
    pub fn update<A: ActiveModelTrait<Entity = E>>(self, row: A) -> UpdateOne<E> {
        UpdateOne::new(&row)
    }

    /// As [`sea_orm::EntityTrait::update_many`].
    pub fn update_many(self) -> UpdateMany<E> {
        UpdateMany::new()
    }

    /// As [`sea_orm::EntityTrait::delete`].
    #[expect(clippy::needless_pass_by_value, reason = "as SeaORM's own")]
    pub fn delete<A: ActiveModelTrait<Entity = E>>(self, row: A) -> DeleteOne<E> {
        DeleteOne::new(row.get_primary_key_value())
    }

    /// As [`sea_orm::EntityTrait::delete_by_id`].
    pub fn delete_by_id<K>(self, key: K) -> DeleteOne<E>
    where
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        DeleteOne::new(Some(key.into().into_value_tuple()))
    }

    /// As [`sea_orm::EntityTrait::delete_many`].
    pub fn delete_many(self) -> DeleteMany<E> {
        DeleteMany::new()
    }
}

impl<E> fmt::Debug for Audited<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audited")
    }
}

/// What the derive's `Entity::audited()` calls.
#[doc(hidden)]
pub fn of<E>() -> Audited<E> {
    Audited::new()
}

/// Without values, of which some may be secret.
macro_rules! debug_without_values {
    ($($name:ident),+) => {$(
        impl<E: Auditable> fmt::Debug for $name<E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let table = crate::record::table_name::<E>();
                f.debug_struct(stringify!($name)).field("table", &table).finish_non_exhaustive()
            }
        }
    )+};
}

debug_without_values!(Insert, InsertMany, TryInsert, UpdateOne, UpdateMany, DeleteOne, DeleteMany);

macro_rules! apply_if {
    ($($name:ident),+) => {$(
        impl<E: Auditable> $name<E> {
            /// Changes this by a value, if there is one: as [`sea_orm::QueryTrait::apply_if`].
            pub fn apply_if<T, F>(self, value: Option<T>, if_some: F) -> Self
            where
                F: FnOnce(Self, T) -> Self,
            {
                match value {
                    Some(value) => if_some(self, value),
                    None => self,
                }
            }
        }
    )+};
}

apply_if!(Insert, InsertMany, TryInsert, UpdateOne, UpdateMany, DeleteOne, DeleteMany);

async fn run<W: Write, C: ConnectionTrait>(
    write: W,
    sent: Sent,
    db: &C,
) -> Result<W::Output, DbErr> {
    perform(write, Recorder::current(), sent, db).await
}
