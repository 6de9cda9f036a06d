//! Entries, page by page, newest first.

use audit_seaorm::{AuditEntry, AuditQuery, AuditTrail, Cursor, Operation};
use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::{
    error::Error,
    extract::{Path, Query},
    input::Text,
    store::Store,
};

/// Which entries one wants to read: those that meet all of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    table: Option<Text<200>>,
    user: Option<Text<200>>,
    request: Option<Text<200>>,
    operation: Option<Operation>,
    /// From this moment on.
    from: Option<DateTime<Utc>>,
    /// Until before this one.
    to: Option<DateTime<Utc>>,
    limit: Option<u64>,
    /// The `next` of the page before.
    after: Option<Cursor>,
}

/// Which page of a history one wants to read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    limit: Option<u64>,
    after: Option<Cursor>,
}

#[derive(Serialize)]
pub(super) struct Entries {
    entries: Vec<AuditEntry>,
    /// What to send as `after` for those behind them; null if these were the last.
    next: Option<Cursor>,
}

/// `GET /trail`
pub(super) async fn all(
    State(store): State<Store>,
    Query(filters): Query<Filters>,
) -> Result<Json<Entries>, Error> {
    let Filters { table, user, request, operation, from, to, limit, after } = filters;
    if let (Some(from), Some(to)) = (from, to) {
        in_order(from, to)?;
    }
    let query = AuditTrail::query();
    let query = with(query, table, AuditQuery::table);
    let query = with(query, user, AuditQuery::user);
    let query = with(query, request, AuditQuery::request_id);
    let query = with(query, operation, AuditQuery::operation);
    let query = with(query, from, AuditQuery::from);
    let query = with(query, to, AuditQuery::to);
    page(&store, query, Place { limit, after }).await
}

/// `GET /trail/{table}/{id}`
pub(super) async fn of_record(
    State(store): State<Store>,
    Path((table, id)): Path<(String, String)>,
    Query(place): Query<Place>,
) -> Result<Json<Entries>, Error> {
    page(&store, Record::read(&table, &id)?.entries(), place).await
}

/// Refuses a range of time that ends before it begins.
pub(super) fn in_order(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), Error> {
    if from > to { Err(Error::invalid("`from` is later than `to`")) } else { Ok(()) }
}

fn with<T>(
    query: AuditQuery,
    value: Option<T>,
    filter: fn(AuditQuery, T) -> AuditQuery,
) -> AuditQuery {
    match value {
        Some(value) => filter(query, value),
        None => query,
    }
}

async fn page(store: &Store, query: AuditQuery, place: Place) -> Result<Json<Entries>, Error> {
    let limit = place.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Error::invalid("`limit` is a number from 1 to 1000"));
    }
    let page = with(query.limit(limit), place.after, AuditQuery::after);
    let page = page.page(store.connection()).await?;
    Ok(Json(Entries { entries: page.entries, next: page.next }))
}
