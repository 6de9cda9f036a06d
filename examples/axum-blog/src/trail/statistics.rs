//! How much happened, by whom and where.

use audit_seaorm::{
    ActivityBucket, AuditTrail, Bucket, OperationStats, RecordActivity, TableActivity, UserActivity,
};
use axum::{Json, extract::State};
use chrono::{DateTime, Offset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::search::in_order;
use crate::{error::Error, extract::Query, store::Store};

/// The last thirty days, unless it is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
pub(super) struct Statistics {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    operations: OperationStats,
    users: Vec<UserActivity>,
    tables: Vec<TableActivity>,
    most_changed: Vec<RecordActivity>,
    days: Vec<ActivityBucket>,
}

const MOST_DAYS: i64 = 366;

/// `GET /trail/statistics`
pub(super) async fn show(
    State(store): State<Store>,
    Query(range): Query<Range>,
) -> Result<Json<Statistics>, Error> {
    let to = range.to.unwrap_or_else(Utc::now);
    let month = to.checked_sub_signed(TimeDelta::days(30));
    let from = range.from.or(month).ok_or_else(|| Error::invalid("`to` is out of the calendar"))?;
    in_order(from, to)?;
    if to - from > TimeDelta::days(MOST_DAYS) {
        return Err(Error::invalid(format!("at most {MOST_DAYS} days at once")));
    }
    let db = store.connection();
    Ok(Json(Statistics {
        from,
        to,
        operations: AuditTrail::operation_stats(db, from, to).await?,
        users: AuditTrail::top_users(db, from, to).await?,
        tables: AuditTrail::table_activity(db, from, to).await?,
        most_changed: AuditTrail::most_changed(db, from, to).await?,
        days: AuditTrail::activity(db, from, to, Bucket::Day, Utc.fix()).await?,
    }))
}
