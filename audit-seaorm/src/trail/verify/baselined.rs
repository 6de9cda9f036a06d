use audit_core::Operation;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::DateTimeUtc,
};

use crate::{
    entity::{Column, Entity},
    search_path,
    trail::{entries::get, first_rows::first_rows},
};

/// When the table was last baselined; asked for when it first matters.
#[derive(Default)]
pub(super) struct Baselined {
    asked: bool,
    last: Option<DateTimeUtc>,
}

impl Baselined {
    /// Whether a record whose entries begin then, with no CREATE, is accounted for: it was changed while the trail
    /// did not vouch for the table yet.
    pub(super) async fn covers<C: ConnectionTrait>(
        &mut self,
        db: &C,
        table: &str,
        at: Option<DateTimeUtc>,
    ) -> Result<bool, DbErr> {
        if !self.asked {
            self.last = last_baseline(db, table).await?;
            self.asked = true;
        }
        Ok(at.zip(self.last).is_some_and(|(at, last)| at <= last))
    }
}

/// The time of the last BASELINE entry of a table.
pub(in crate::trail) async fn last_baseline<C: ConnectionTrait>(
    db: &C,
    table: &str,
) -> Result<Option<DateTimeUtc>, DbErr> {
    let last = Entity::find()
        .select_only()
        .column(Column::Timestamp)
        .filter(Column::Operation.eq(Operation::Baseline.as_str()))
        .filter(search_path::is_table(db.get_database_backend(), table))
        .order_by_desc(Column::Timestamp)
        .order_by_desc(Column::Id);
    let rows = first_rows(db, last, 1).await?;
    // A time that cannot be read is a finding of its own, and no baseline.
    Ok(rows.first().and_then(|row| get(row, Column::Timestamp).ok()))
}
