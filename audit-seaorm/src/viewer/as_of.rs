//! A record as it was at a moment.

use std::sync::Arc;

use askama::Template;
use audit_core::{AuditEntry, Operation};
use axum::extract::State;
use sea_orm::{DatabaseConnection, DbErr, prelude::DateTimeUtc};
use serde_json::Value as Json;

use super::{
    Viewer,
    entry::Who,
    link::whole,
    moment::Moment,
    page::{Answer, Problem, page},
    parameters::Parameters,
    subject::Subject,
    value::Shown,
};
use crate::{
    AuditQuery, AuditTrail, GapReason,
    trail::by_name::{self, ColumnThen, NamedTable, NotTold},
};

#[derive(Template)]
#[template(path = "viewer/as_of.html")]
struct AsOf<'a> {
    title: &'a str,
    subject: Subject<'a>,
    when: Moment,
    /// None if there was no record.
    columns: Option<Vec<Then>>,
    /// Whether nobody knows, because of an entry that cannot be read.
    is_unreadable: bool,
    /// The entry that made it so.
    last: Option<Last>,
    earlier: Option<String>,
    later: Option<String>,
}

/// What was done last.
struct Last {
    operation: Operation,
    at: Option<Moment>,
    who: Who,
}

/// A column as it was.
struct Then {
    column: String,
    value: Option<Shown>,
    /// Why it is not known, or not as it seems.
    gap: Option<String>,
    /// What it is by now, if that is something else.
    since: Option<Shown>,
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let subject = Subject::of(&parameters)?;
    let mut faults = Vec::new();
    let when = parameters.moment("when", &mut faults);
    Problem::of(&faults)?;
    let when = when.unwrap_or_else(Moment::now);
    let [last, next] = around(&viewer.db, subject, when).await?;
    if last.is_none() && next.is_none() {
        return Err(subject.unknown());
    }
    let (columns, is_unreadable) = match columns(&viewer.db, subject, when, next.is_some()).await {
        Ok(columns) => (columns, false),
        Err(NotTold::Unreadable(_)) => (None, true),
        Err(NotTold::Database(error)) => return Err(error.into()),
    };
    let last = last.map(Last::from);
    page(&AsOf {
        title: &viewer.title,
        subject,
        when,
        columns,
        is_unreadable,
        earlier: last.as_ref().and_then(|last| Some(subject.at(&last.at?.before().exact()))),
        later: next.and_then(|next| Some(subject.at(&Moment::new(next.time()?).exact()))),
        last,
    })
}

/// The entries before and after a moment.
async fn around(
    db: &DatabaseConnection,
    subject: Subject<'_>,
    when: Moment,
) -> Result<[Option<AuditEntry>; 2], DbErr> {
    let entries = || AuditTrail::query().table(subject.table).record(subject.id).limit(1);
    let first = async |query: AuditQuery| Ok::<_, DbErr>(query.all(db).await?.pop());
    let last = first(entries().to(when.next())).await?;
    let next = first(entries().from(when.next()).oldest_first()).await?;
    Ok([last, next])
}

async fn columns(
    db: &DatabaseConnection,
    subject: Subject<'_>,
    when: Moment,
    has_changed: bool,
) -> Result<Option<Vec<Then>>, NotTold> {
    let table = NamedTable::new(subject.table);
    let at = async |when| by_name::as_of(db, &table, subject.id, when).await;
    let Some(then) = at(when.0).await? else { return Ok(None) };
    let now = match if has_changed { at(DateTimeUtc::MAX_UTC).await } else { Ok(None) } {
        Err(NotTold::Unreadable(_)) => None,
        now => now?,
    };
    let columns = then.iter().map(|then| Then::of(then, now.as_deref(), &table));
    Ok(Some(columns.collect()))
}

impl From<AuditEntry> for Last {
    fn from(entry: AuditEntry) -> Self {
        let who = Who::of_entry(&entry);
        Self { operation: entry.operation, at: entry.time().map(Moment::new), who }
    }
}

impl Then {
    fn of(then: &ColumnThen, now: Option<&[ColumnThen]>, table: &NamedTable) -> Self {
        let now = now.and_then(|now| now.iter().find(|now| now.column == then.column));
        let differs = |since: &&Json| {
            then.value.as_ref().is_none_or(|value| !table.same(&then.column, value, since))
        };
        // That it is redacted stands in the place of its value.
        let gap = then.gap.as_ref().filter(|gap| **gap != GapReason::Redacted);
        Self {
            column: whole(&then.column),
            value: then.value.as_ref().map(Shown::of),
            gap: gap.map(ToString::to_string),
            since: now.and_then(|now| now.value.as_ref()).filter(differs).map(Shown::of),
        }
    }
}
