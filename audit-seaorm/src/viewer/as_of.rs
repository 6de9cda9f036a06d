//! A record as it was at a moment.

use std::sync::Arc;

use askama::Template;
use audit_core::{Printable, same_json};
use axum::extract::State;
use chrono::Utc;
use sea_orm::{DatabaseConnection, DbErr, prelude::DateTimeUtc};

use super::{
    Viewer,
    entry::EntryShown,
    moment::Moment,
    page::{Answer, Problem, page},
    parameters::Parameters,
    subject::Subject,
    value::Shown,
};
use crate::{
    AuditQuery, AuditTrail,
    trail::by_name::{self, ColumnThen},
};

#[derive(Template)]
#[template(path = "viewer/as_of.html")]
struct AsOf<'a> {
    title: &'a str,
    subject: Subject<'a>,
    when: Moment,
    /// None if there was no record.
    columns: Option<Vec<Then>>,
    /// The entry that made it so.
    last: Option<EntryShown>,
    earlier: Option<String>,
    later: Option<String>,
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
    if let Some(fault) = faults.first() {
        return Err(Problem::invalid(format!("`{}` must be {}.", fault.name, fault.allowed)));
    }
    let when = Moment(when.unwrap_or_else(Utc::now));
    let (last, next) = around(&viewer.db, subject, when).await?;
    if last.is_none() && next.is_none() {
        return Err(subject.unknown());
    }
    let columns = columns(&viewer.db, subject, when, next.is_some()).await?;
    page(&AsOf {
        title: &viewer.title,
        when,
        columns,
        earlier: last.as_ref().map(|last| subject.at(&last.at.before().exact())),
        later: next.as_ref().map(|next| subject.at(&next.at.exact())),
        last,
        subject,
    })
}

/// The entries before and after a moment.
async fn around(
    db: &DatabaseConnection,
    subject: Subject<'_>,
    when: Moment,
) -> Result<(Option<EntryShown>, Option<EntryShown>), DbErr> {
    let entries = || AuditTrail::query().table(subject.table).record(subject.id).limit(1);
    let first = async |query: AuditQuery| {
        Ok::<_, DbErr>(query.all(db).await?.first().map(|entry| EntryShown::of(entry, 0)))
    };
    let last = first(entries().to(when.next())).await?;
    let next = first(entries().from(when.next()).oldest_first()).await?;
    Ok((last, next))
}

async fn columns(
    db: &DatabaseConnection,
    subject: Subject<'_>,
    when: Moment,
    has_changed: bool,
) -> Result<Option<Vec<Then>>, DbErr> {
    let at = async |when| by_name::as_of(db, subject.table, subject.id, when).await;
    let Some(then) = at(when.0).await? else { return Ok(None) };
    let now = if has_changed { at(DateTimeUtc::MAX_UTC).await? } else { None };
    let columns = then.into_iter().map(|then| Then::of(&then, now.as_deref()));
    Ok(Some(columns.collect()))
}

impl Then {
    fn of(then: &ColumnThen, now: Option<&[ColumnThen]>) -> Self {
        let now = now.and_then(|now| now.iter().find(|now| now.column == then.column));
        let since = now.and_then(|now| now.value.as_ref());
        let same = |since: &&serde_json::Value| {
            then.value.as_ref().is_some_and(|then| same_json(then, since))
        };
        Self {
            column: Printable(&then.column).to_string(),
            value: Shown::maybe(then.value.as_ref()),
            gap: then.gap.as_ref().map(ToString::to_string),
            since: since.filter(|since| !same(since)).map(Shown::of),
        }
    }
}
