//! Taking changes back. What that writes is on record, too.

use audit_seaorm::{AuditTrail, Restore, RestorePlan};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::{error::Error, extract, input::Text, store::Store};

/// How to go about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manner {
    /// Why, for the trail.
    reason: Text<500>,
    /// Only tells what would be written.
    #[serde(default)]
    dry_run: bool,
    /// Takes back nothing that is newer: the `until` of the dry run's plan.
    until: Option<DateTime<Utc>>,
    /// Also takes back what others wrote since.
    #[serde(default)]
    overwrite: bool,
    /// Goes on where the trail does not know a value, such as a password.
    #[serde(default)]
    accept_gaps: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    to: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct Restored {
    /// Whether it has been written.
    done: bool,
    plan: RestorePlan,
    /// The plan in words.
    text: String,
}

/// `POST /trail/{table}/{id}/restore?to=`: a record as it was at a moment.
pub(super) async fn record(
    State(store): State<Store>,
    extract::Path((table, id)): extract::Path<(String, String)>,
    extract::Query(moment): extract::Query<Moment>,
    extract::Json(manner): extract::Json<Manner>,
) -> Result<Json<Restored>, Error> {
    let restore = Record::read(&table, &id)?.restore(moment.to);
    carry_out(&store, restore, manner).await
}

/// `POST /trail/requests/{request}/undo`: all that one request changed as it was before.
///
/// Clients choose their request ids, and may choose that of another request: the dry run tells what goes by it.
pub(super) async fn request(
    State(store): State<Store>,
    extract::Path(request): extract::Path<Text<128>>,
    extract::Json(manner): extract::Json<Manner>,
) -> Result<Json<Restored>, Error> {
    carry_out(&store, AuditTrail::restore_request(request), manner).await
}

/// `POST /trail/transactions/{transaction}/undo`: likewise, of what was committed together. Nobody chooses that id.
pub(super) async fn transaction(
    State(store): State<Store>,
    extract::Path(transaction): extract::Path<Uuid>,
    extract::Json(manner): extract::Json<Manner>,
) -> Result<Json<Restored>, Error> {
    carry_out(&store, AuditTrail::restore_transaction(transaction), manner).await
}

async fn carry_out(
    store: &Store,
    restore: Restore,
    manner: Manner,
) -> Result<Json<Restored>, Error> {
    let restore = restore.reason(manner.reason);
    let restore = restore.overwrite(manner.overwrite).accept_gaps(manner.accept_gaps);
    let restore = match manner.until {
        Some(until) => restore.until(until),
        None => restore,
    };
    let db = store.connection();
    let plan = if manner.dry_run { restore.plan(db).await? } else { restore.exec(db).await? };
    Ok(Json(Restored { done: !manner.dry_run, text: plan.to_string(), plan }))
}
