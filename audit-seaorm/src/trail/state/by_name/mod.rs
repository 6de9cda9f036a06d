//! Records whose table is known by its name alone: what a page that shows any record goes by. What is hidden today is
//! not shown, though an older entry have it in the clear.

mod table;

use audit_core::{FieldRule, Image, REDACTED};
use sea_orm::{ConnectionTrait, DbErr, prelude::DateTimeUtc};
use serde_json::Value as Json;

pub(crate) use self::table::NamedTable;
pub(crate) use super::not_told::NotTold;
use super::{
    Blame, GapReason,
    as_of::Records,
    blame::{Search, last_set, shown},
};
use crate::trail::{AuditTrail, bring_up_to_date, entries::Pages};

/// A column of a record at a moment.
#[derive(Debug)]
pub(crate) struct ColumnThen {
    pub(crate) column: String,
    /// As it may be shown; none where no entry tells it.
    pub(crate) value: Option<Json>,
    /// Why the value is not known, or does not fit the entity of today.
    pub(crate) gap: Option<GapReason>,
}

/// As [`AuditTrail::blame`], of the columns of all entities of the table. If there is no entity, the columns are those
/// that the entries tell.
pub(crate) async fn blame<C: ConnectionTrait>(
    db: &C,
    table: &NamedTable,
    record_id: &str,
) -> Result<Vec<Blame>, DbErr> {
    let query = AuditTrail::query().table(&*table.name).record(record_id);
    let is_told = |column: &String| table.rule(column) != Some(FieldRule::Skip);
    let search = if table.entities.is_empty() {
        Search::of_any()
    } else {
        Search::among(
            table.renames(),
            table.columns.iter().filter(|column| is_told(column)).cloned(),
        )
    };
    let mut found = last_set(db, &query, search).await?;
    found.retain(|blame| is_told(&blame.column));
    Ok(shown(found, &table.redaction))
}

/// As [`AuditTrail::state_as_of`], of the columns of all entities of the table.
pub(crate) async fn as_of<C: ConnectionTrait>(
    db: &C,
    table: &NamedTable,
    record_id: &str,
    when: DateTimeUtc,
) -> Result<Option<Vec<ColumnThen>>, NotTold> {
    bring_up_to_date(db).await?;
    let pages = Pages::named(table.name.clone(), table.renames()).only(record_id).until(when);
    let image = Records::new(pages).next(db).await?.and_then(|(_, image)| image);
    Ok(image.map(|image| columns(table, image)))
}

/// In the order of the entities, with what they have not any more behind.
fn columns(table: &NamedTable, mut image: Image) -> Vec<ColumnThen> {
    let mut names = table.columns.clone();
    let of_today = names.len();
    names.extend(image.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    let gaps: Vec<_> = table.entities.iter().flat_map(|entity| entity.gaps(&image)).collect();
    let column = |(place, column): (usize, String)| {
        // Another entity may well have it.
        let is_told = |reason: &GapReason| place >= of_today || *reason != GapReason::NoColumn;
        let mut gaps = gaps.iter().filter(|gap| gap.column == column).map(|gap| &gap.reason);
        let gap = gaps.find(|reason| is_told(reason)).cloned();
        let value = image.remove(&column);
        let (value, gap) = match table.rule(&column) {
            Some(FieldRule::Skip) => (None, Some(GapReason::Skipped)),
            Some(FieldRule::Redact) => (value.map(|_| REDACTED.into()), gap),
            _ => (value, gap),
        };
        ColumnThen { column, value, gap }
    };
    names.into_iter().enumerate().map(column).collect()
}
