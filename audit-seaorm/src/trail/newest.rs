use sea_orm::{ConnectionTrait, DbErr, QueryFilter, QueryOrder, Select, prelude::DateTimeUtc};

use super::first_rows::first_rows;
use crate::{
    entity::{Column, Entity},
    stored::{Place, Reader, in_calendar, select},
};

/// How many entries whose time cannot be read are passed at once.
const PAGE: u64 = 64;

/// The newest time of these entries that can be read. Where others stand behind it, they say nothing of time.
pub(crate) async fn newest_time<C: ConnectionTrait>(
    db: &C,
    entries: Select<Entity>,
) -> Result<Option<DateTimeUtc>, DbErr> {
    let backend = db.get_database_backend();
    let entries = entries
        .filter(in_calendar(backend))
        .order_by_desc(Column::Timestamp)
        .order_by_desc(Column::Id);
    let entries = select(entries, backend, [Column::Timestamp, Column::Id]);
    let mut rows = first_rows(db, entries.clone(), 1).await?;
    while let Some(last) = rows.last() {
        let newest = rows.iter().find_map(|row| Reader::new(row, backend).time());
        if newest.is_some() {
            return Ok(newest);
        }
        let earlier = Place::read(last, backend).earlier(backend);
        rows = first_rows(db, entries.clone().filter(earlier), PAGE).await?;
    }
    Ok(None)
}
