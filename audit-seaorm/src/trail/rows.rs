use std::collections::HashMap;

use audit_core::Image;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Asterisk, Expr, Func, Query},
};

use super::keys::Keys;
use crate::{
    Auditable,
    capture::{
        Intent,
        bulk::keys::{Key, among, beyond, key_of},
    },
    read_row, record,
};

/// How many rows are read at once.
pub(super) const MAX_RECORDS: usize = 128;

/// A row as it stands, or none if it does not fit the entity.
pub(super) type Row = Option<Image>;

/// How many rows the table has.
pub(super) async fn count<E: EntityTrait, C: ConnectionTrait>(db: &C) -> Result<u64, DbErr> {
    let count = Query::select()
        .expr(Func::count(Expr::col(Asterisk)))
        .from(E::default().table_ref())
        .take();
    let row = db.query_one(&count).await?;
    let rows: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

/// The rows with these record ids, as far as their keys lead to them. A row that is there may yet not be
/// found: `SQLite` compares a moment as the text that it was stored as, with an offset or without.
///
/// They are locked, if that is asked for.
pub(super) async fn located<E: Auditable, C: ConnectionTrait>(
    db: &C,
    keys: &Keys,
    record_ids: &[&str],
    lock: Option<Intent>,
) -> Result<HashMap<String, Row>, DbErr> {
    let named: Vec<_> = record_ids.iter().filter_map(|id| Some((*id, keys.parse(id)?))).collect();
    let found = find::<E, C>(db, &named, lock).await?;
    let mut rows = HashMap::with_capacity(found.len());
    let mut misfit = false;
    for model in found {
        match model {
            Ok(model) => {
                rows.insert(record::id_of::<E>(&model)?, Some(record::image::<E>(&model)?));
            }
            Err(_) => misfit = true,
        }
    }
    if misfit {
        // One by one, to learn which it is.
        for one in named.chunks(1) {
            let [(id, _)] = one else { continue };
            if find::<E, C>(db, one, lock).await?.iter().any(Result::is_err) {
                rows.insert((*id).to_owned(), None);
            }
        }
    }
    Ok(rows)
}

/// The rows with these keys, or why they do not fit the entity.
async fn find<E: EntityTrait, C: ConnectionTrait>(
    db: &C,
    named: &[(&str, Key)],
    lock: Option<Intent>,
) -> Result<Vec<Result<E::Model, DbErr>>, DbErr> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Key> = named.iter().map(|(_, key)| key.clone()).collect();
    let backend = db.get_database_backend();
    let mut select = E::find().filter(among::<E>(&keys, backend));
    if let Some(intent) = lock {
        select = select.lock(intent.lock(backend));
    }
    let rows = db.query_all(&select.into_query()).await?;
    Ok(rows.iter().map(|row| read_row::read::<E>(row, "")).collect())
}

/// All rows in the order of the primary key, page by page.
#[derive(Default)]
pub(super) struct Pages {
    last: Option<Key>,
    ended: bool,
}

impl Pages {
    /// The next rows with their record ids; none at the end.
    pub(super) async fn next<E: Auditable, C: ConnectionTrait>(
        &mut self,
        db: &C,
    ) -> Result<Vec<(String, Image)>, DbErr> {
        if self.ended {
            return Ok(Vec::new());
        }
        let mut rows = E::find().limit(MAX_RECORDS as u64);
        for column in record::key_columns::<E>() {
            rows = rows.order_by_asc(column);
        }
        if let Some(last) = &self.last {
            rows = rows.filter(beyond::<E>(last));
        }
        let models = read_row::all(db, rows).await?;
        self.ended = models.len() < MAX_RECORDS;
        self.last = models.last().map(key_of::<E>);
        let read = |model| Ok((record::id_of::<E>(model)?, record::image::<E>(model)?));
        models.iter().map(read).collect()
    }
}
