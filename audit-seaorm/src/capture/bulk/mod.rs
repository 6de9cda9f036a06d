//! Writes of many rows, or by condition: what [`Entity::audited()`](crate::audited) does.
//!
//! A write goes through its rows page by page in the order of their keys: lock and read the
//! before-images, write, take the after-images, store the entries. So memory stays bounded, whatever
//! the number of rows, and writers of the same rows wait for each other instead of locking crosswise.

mod delete;
mod generated;
mod insert;
mod kept;
pub(crate) mod keys;
mod page_size;
mod pages;
mod plain;
mod rows;
mod selection;
mod update;
mod upsert;

pub(crate) use delete::DeleteMany;
pub(crate) use insert::InsertMany;
pub(crate) use kept::{Keep, Kept};
pub(crate) use keys::{Key, key_of};
pub(crate) use rows::Rows;
pub(crate) use update::UpdateMany;

use sea_orm::EntityTrait;

use crate::{error::AuditError, found::Noticed};

/// What happened to the rows, and the rows as they stand now.
type Written<E> = (Vec<Result<Noticed, AuditError>>, Vec<<E as EntityTrait>::Model>);
