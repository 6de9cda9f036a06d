//! Writes of many rows, or by condition: what [`Entity::audited()`](crate::audited) does.
//!
//! A statement of the user's stays one statement: lock the rows and read their before-images in the order of their keys,
//! write, take the after-images, store the entries. So writers of the same rows wait for each other instead of locking
//! crosswise. Few rows are in memory meanwhile; many are set [`aside`] in the database, and are read page by page, so
//! memory stays bounded whatever their number.

mod aside;
mod delete;
mod generated;
mod insert;
mod kept;
pub(crate) mod keys;
mod met;
mod page_size;
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
