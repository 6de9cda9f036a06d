use sea_orm::{
    DbBackend, EntityTrait, PrimaryKeyTrait,
    sea_query::{FromValueTuple, ValueTuple},
};

use crate::capture::bulk::{Kept, Key, key_of};

pub(super) type KeyOf<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// As `SeaORM`'s own [`InsertResult`](sea_orm::InsertResult).
#[derive(Debug)]
#[non_exhaustive]
pub struct InsertResult<E: EntityTrait> {
    /// The primary key of the row; of several rows the last one's, on `MariaDB` the first one's of those to which
    /// it gave a key.
    pub last_insert_id: KeyOf<E>,
}

/// As `SeaORM`'s own [`InsertManyResult`](sea_orm::InsertManyResult).
#[derive(Debug)]
#[non_exhaustive]
pub struct InsertManyResult<E: EntityTrait> {
    /// The primary key of the last row, on `MariaDB` of the first one to which it gave a key, if there is one; none
    /// if there was no row to insert.
    pub last_insert_id: Option<KeyOf<E>>,
}

/// None if nothing was written.
pub(super) fn last_insert_id<E: EntityTrait>(kept: Kept<E>) -> Option<KeyOf<E>> {
    kept.generated.or(kept.last).map(key_value::<E>)
}

/// The row that stands for several: the first one, where `SeaORM` has no better way than
/// `last_insert_id` the one that it names.
pub(super) fn one_of<E: EntityTrait>(kept: Kept<E>, backend: DbBackend) -> Option<E::Model> {
    let Kept { rows, generated, last, .. } = kept;
    let mut rows = rows.into_iter();
    if backend != DbBackend::MySql {
        return rows.next();
    }
    let key = generated.or(last)?;
    rows.find(|row| key_of::<E>(row) == key)
}

pub(super) fn key_value<E: EntityTrait>(key: Key) -> KeyOf<E> {
    let mut values = key.into_iter();
    FromValueTuple::from_value_tuple(
        match (values.next(), values.next(), values.next(), values.next()) {
            (Some(one), None, ..) => ValueTuple::One(one),
            (Some(one), Some(two), None, _) => ValueTuple::Two(one, two),
            (Some(one), Some(two), Some(three), None) => ValueTuple::Three(one, two, three),
            (one, two, three, four) => ValueTuple::Many(
                [one, two, three, four].into_iter().flatten().chain(values).collect(),
            ),
        },
    )
}
