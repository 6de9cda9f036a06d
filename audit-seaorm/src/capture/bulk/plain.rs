//! Inserts of which nothing is recorded, on connections that take statements of `SeaORM`'s alone: what
//! `SeaORM` itself would send, and what it would answer.

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, ExecResult, PrimaryKeyTrait, QueryFilter, TryFromU64,
    sea_query::{IntoValueTuple, OnConflict},
};

use super::{Keep, Kept, Rows, keys::Key};
use crate::{
    audited::Filter,
    capture::{Executor, returning},
    read_row,
};

/// Whether it has to be one.
pub(super) fn is_asked_for(recording: bool, db: Executor<'_>) -> bool {
    !recording && db.is_typed()
}

pub(super) async fn insert<E: EntityTrait>(
    db: Executor<'_>,
    rows: &Rows<E>,
    on_conflict: Option<&OnConflict>,
    kept: &mut Kept<E>,
) -> Result<(), DbErr> {
    let insert = rows.insert(on_conflict);
    if db.support_returning() {
        let rows = returning::inserted::<E>(db, insert).await?;
        kept.add(rows.into_iter().map(|row| row.model).collect());
        return Ok(());
    }
    if kept.keep() == Keep::Rows && rows.len() > 1 {
        let backend = db.get_database_backend();
        return Err(DbErr::BackendNotSupported { db: backend.as_str(), ctx: "INSERT RETURNING" });
    }
    let result = db.execute(&insert).await?;
    let key = last_key::<E>(rows, &result)?;
    if kept.keep() == Keep::Rows {
        let row = E::find().filter(Filter::key::<E>(key.into_iter().flatten()).condition());
        kept.add(read_row::all(&db, row).await?);
    } else {
        kept.add_unread(result.rows_affected(), key);
    }
    Ok(())
}

/// None if nothing was written.
fn last_key<E: EntityTrait>(rows: &Rows<E>, result: &ExecResult) -> Result<Option<Key>, DbErr> {
    if result.rows_affected() == 0 {
        return Ok(None);
    }
    if !E::PrimaryKey::auto_increment()
        && let Some(key) = rows.keys().next_back().flatten()
    {
        return Ok(Some(key));
    }
    match result.last_insert_id() {
        0 => Ok(None),
        id => {
            let key = <E::PrimaryKey as PrimaryKeyTrait>::ValueType::try_from_u64(id);
            let key = key.map_err(|_| DbErr::UnpackInsertId)?;
            Ok(Some(key.into_value_tuple().into_iter().collect()))
        }
    }
}
