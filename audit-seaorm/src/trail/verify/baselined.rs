use audit_core::Operation;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, prelude::DateTimeUtc,
};

use crate::{
    entity::{Column, Entity},
    trail::newest_time,
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
    let baselines = Entity::find()
        .filter(Column::Operation.eq(Operation::Baseline.as_str()))
        .filter(Column::TableName.eq(table));
    newest_time(db, baselines).await
}
