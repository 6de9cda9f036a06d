use std::collections::HashMap;

use audit_core::Image;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, ModelTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Value,
    sea_query::{Asterisk, Expr, Func, Query},
};

use super::{MAX_RECORDS, key::Keys};
use crate::{Auditable, record};

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
pub(super) async fn located<E: Auditable, C: ConnectionTrait>(
    db: &C,
    keys: &Keys,
    record_ids: &[&str],
) -> Result<HashMap<String, Row>, DbErr> {
    let named: Vec<_> = record_ids.iter().filter_map(|id| Some((*id, keys.parse(id)?))).collect();
    let found = find::<E, C>(db, &named).await?;
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
            if find::<E, C>(db, one).await?.iter().any(Result::is_err) {
                rows.insert((*id).to_owned(), None);
            }
        }
    }
    Ok(rows)
}

/// The rows with these keys, or why they do not fit the entity.
async fn find<E: EntityTrait, C: ConnectionTrait>(
    db: &C,
    named: &[(&str, Vec<Value>)],
) -> Result<Vec<Result<E::Model, DbErr>>, DbErr> {
    let Some((_, last)) = named.last() else {
        return Ok(Vec::new());
    };
    // Few SQL texts for the driver to keep: the numbers of keys are powers of two.
    let padding = named.len().next_power_of_two() - named.len();
    let keys = named.iter().map(|(_, key)| key).chain(std::iter::repeat_n(last, padding));
    let rows = db.query_all(&E::find().filter(any_of::<E>(keys)).into_query()).await?;
    Ok(rows.iter().map(|row| E::Model::from_query_result(row, "")).collect())
}

fn any_of<'a, E: EntityTrait>(keys: impl Iterator<Item = &'a Vec<Value>>) -> Condition {
    let columns: Vec<_> = record::key_columns::<E>().collect();
    if let [column] = columns[..] {
        return Condition::all().add(column.is_in(keys.flatten().cloned()));
    }
    keys.fold(Condition::any(), |any, key| {
        let parts = columns.iter().zip(key).map(|(column, value)| column.eq(value.clone()));
        any.add(parts.fold(Condition::all(), Condition::add))
    })
}

/// All rows in the order of the primary key, page by page.
#[derive(Default)]
pub(super) struct Pages {
    last: Option<Vec<Value>>,
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
        let models = rows.all(db).await?;
        self.ended = models.len() < MAX_RECORDS;
        self.last = models
            .last()
            .map(|model| record::key_columns::<E>().map(|column| model.get(column)).collect());
        let read = |model| Ok((record::id_of::<E>(model)?, record::image::<E>(model)?));
        models.iter().map(read).collect()
    }
}

/// The keys after this one: larger in one column and equal in those before it.
fn beyond<E: EntityTrait>(last: &[Value]) -> Condition {
    let parts: Vec<_> = record::key_columns::<E>().zip(last).collect();
    let larger = (0..parts.len()).map(|place| {
        let (column, value) = &parts[place];
        let equal = parts[..place].iter().map(|(column, value)| column.eq((*value).clone()));
        equal.fold(Condition::all().add(column.gt((*value).clone())), Condition::add)
    });
    let larger = larger.fold(Condition::any(), Condition::add);
    // Implied, and what lets a database enter its index.
    let from = parts.first().map(|(column, value)| column.gte((*value).clone()));
    Condition::all().add_option(from).add(larger)
}
