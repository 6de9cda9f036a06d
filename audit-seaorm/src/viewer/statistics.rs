//! How much happened, when, and by whom.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use chrono::{Offset, TimeDelta, Utc};

use super::{
    Viewer,
    chart::Chart,
    link::Link,
    moment::Moment,
    page::{Answer, page},
    parameters::Parameters,
};
use crate::{
    AuditQuery, AuditTrail, Bucket, DEFAULT_TOP, OperationStats, TableActivity, UserActivity,
};

/// How far back one can look, in days, and by which stretch of time it is counted.
const PERIODS: [(u16, &str, Bucket); 5] = [
    (1, "24 hours", Bucket::Hour),
    (7, "7 days", Bucket::Day),
    (30, "30 days", Bucket::Day),
    (90, "90 days", Bucket::Day),
    (365, "a year", Bucket::Week),
];
const USUAL: (u16, &str, Bucket) = PERIODS[2];

#[derive(Template)]
#[template(path = "viewer/statistics.html")]
struct Statistics<'a> {
    title: &'a str,
    known_tables: Vec<&'static str>,
    table: &'a str,
    user: &'a str,
    days: u16,
    from: Moment,
    to: Moment,
    totals: OperationStats,
    chart: Chart,
    users: Vec<Rank>,
    tables: Vec<Rank>,
}

/// A line of a ranking.
struct Rank {
    name: Option<Link>,
    operations: OperationStats,
    last: Moment,
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let (table, user) = (parameters.text("table"), parameters.text("user"));
    let asked = parameters.text("days").and_then(|days| days.parse().ok());
    let (days, _, bucket) = PERIODS.into_iter().find(|it| Some(it.0) == asked).unwrap_or(USUAL);
    let now = Utc::now();
    let from = now - TimeDelta::days(days.into());
    let mut query = AuditTrail::query().from(from).to(now);
    query = table.into_iter().fold(query, AuditQuery::table);
    query = user.into_iter().fold(query, AuditQuery::user);

    let db = &viewer.db;
    let buckets = query.activity(db, bucket, Utc.fix()).await?;
    page(&Statistics {
        title: &viewer.title,
        known_tables: viewer.tables(),
        table: table.unwrap_or_default(),
        user: user.unwrap_or_default(),
        days,
        from: Moment(from),
        to: Moment(now),
        totals: query.operation_stats(db).await?,
        chart: Chart::of(&buckets, bucket),
        users: query.top_users(db).await?.into_iter().map(Rank::from).collect(),
        tables: query
            .limit(DEFAULT_TOP)
            .table_activity(db)
            .await?
            .into_iter()
            .map(Rank::from)
            .collect(),
    })
}

impl From<UserActivity> for Rank {
    fn from(user: UserActivity) -> Self {
        let name = user.user_id.as_deref().map(|id| Link::activity("user", id));
        Self { name, operations: user.operations, last: Moment(user.last) }
    }
}

impl From<TableActivity> for Rank {
    fn from(table: TableActivity) -> Self {
        let name = Some(Link::activity("table", &table.table_name));
        Self { name, operations: table.operations, last: Moment(table.last) }
    }
}
