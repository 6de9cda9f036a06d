//! Records whose table is known by its name alone: what a page that shows any record goes by.

use audit_core::Image;
use sea_orm::{ConnectionTrait, DbErr, prelude::DateTimeUtc};
use serde_json::Value as Json;

use super::{
    Blame, GapReason,
    as_of::Records,
    blame::{Search, last_set},
};
use crate::{
    registry,
    trail::{AuditTrail, bring_up_to_date, entries::Pages, renames::Renames, restore::Table},
};

/// A column of a record at a moment.
#[derive(Debug)]
pub(crate) struct ColumnThen {
    pub(crate) column: String,
    /// As the trail has it; none where no entry tells it.
    pub(crate) value: Option<Json>,
    /// Why the value is not known, or does not fit the entity of today.
    pub(crate) gap: Option<GapReason>,
}

/// As [`AuditTrail::blame`]. Of a table that the program has no entity of, the columns are those that the entries
/// tell.
pub(crate) async fn blame<C: ConnectionTrait>(
    db: &C,
    table: &str,
    record_id: &str,
) -> Result<Vec<Blame>, DbErr> {
    let query = AuditTrail::query().table(table).record(record_id);
    let search = match widest(table) {
        Some(entity) => {
            let hidden = entity.hidden();
            let names = entity.names().into_iter().filter(|name| !hidden.is_skipped(name));
            Search::among(entity.renames(), names)
        }
        None => Search::of_any(),
    };
    last_set(db, &query, search).await
}

/// As [`AuditTrail::state_as_of`].
pub(crate) async fn as_of<C: ConnectionTrait>(
    db: &C,
    table: &str,
    record_id: &str,
    when: DateTimeUtc,
) -> Result<Option<Vec<ColumnThen>>, DbErr> {
    bring_up_to_date(db).await?;
    let entity = widest(table);
    let renames = entity.map_or_else(Renames::none, Table::renames);
    let pages = Pages::named(table.to_owned(), renames).only(record_id).until(when);
    let image = Records::new(pages).next(db).await?.and_then(|(_, image)| image);
    Ok(image.map(|image| columns(entity, image)))
}

/// The entity with the most columns: others may be for a part of them.
fn widest(table: &str) -> Option<&'static dyn Table> {
    registry::tables(table).max_by_key(|table| (table.names().len(), table.entity()))
}

/// In the order of the entity, with what it has not any more behind.
fn columns(entity: Option<&dyn Table>, mut image: Image) -> Vec<ColumnThen> {
    let gaps = entity.map(|entity| entity.gaps(&image)).unwrap_or_default();
    let mut names = entity.map(Table::names).unwrap_or_default();
    names.extend(image.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    let column = |column: String| ColumnThen {
        value: image.remove(&column),
        gap: gaps.iter().find(|gap| gap.column == column).map(|gap| gap.reason.clone()),
        column,
    };
    names.into_iter().map(column).collect()
}
