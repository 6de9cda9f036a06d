//! How much happened, when, and by whom.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use chrono::{Offset, TimeDelta, Utc};

use super::{
    Viewer,
    chart::Chart,
    known_tables,
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
    known_tables: Vec<String>,
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
    last: Option<Moment>,
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let (table, user) = (parameters.text("table"), parameters.text("user"));
    let asked = parameters.text("days").and_then(|days| days.parse().ok());
    let (days, _, bucket) = PERIODS.into_iter().find(|it| Some(it.0) == asked).unwrap_or(USUAL);
    let to = Moment::now();
    let [from, _] = to.around(TimeDelta::days(days.into()));
    let mut query = AuditTrail::query().from(from.0).to(to.0);
    query = table.into_iter().fold(query, AuditQuery::table);
    query = user.into_iter().fold(query, AuditQuery::user);

    let db = &viewer.db;
    let buckets = query.activity(db, bucket, Utc.fix()).await?;
    let users = query.clone().count_nobody().top_users(db).await?;
    let tables = query.clone().limit(DEFAULT_TOP).table_activity(db).await?;
    page(&Statistics {
        title: &viewer.title,
        known_tables: known_tables(),
        table: table.unwrap_or_default(),
        user: user.unwrap_or_default(),
        days,
        from,
        to,
        totals: query.operation_stats(db).await?,
        chart: Chart::of(&buckets, bucket),
        users: users.iter().map(|user| Rank::of_user(user, from)).collect(),
        tables: tables.iter().map(|table| Rank::of_table(table, from)).collect(),
    })
}

impl Rank {
    fn of_user(user: &UserActivity, from: Moment) -> Self {
        let name = user.user_id.as_deref().map(|id| Link::activity_since(from, "user", id));
        Self { name, operations: user.operations, last: user.last.map(Moment::new) }
    }

    fn of_table(table: &TableActivity, from: Moment) -> Self {
        let name = Some(Link::activity_since(from, "table", &table.table_name));
        Self { name, operations: table.operations, last: table.last.map(Moment::new) }
    }
}
