//! Who last set each column of a record.

use std::sync::Arc;

use askama::Template;
use audit_core::Operation;
use axum::extract::State;

use super::{
    Viewer,
    entry::Who,
    link::{Link, whole},
    moment::Moment,
    page::{Answer, page},
    parameters::Parameters,
    subject::Subject,
    value::Shown,
};
use crate::{
    AuditTrail, Blame,
    trail::by_name::{self, NamedTable},
};

#[derive(Template)]
#[template(path = "viewer/blame.html")]
struct BlamePage<'a> {
    title: &'a str,
    subject: Subject<'a>,
    columns: Vec<Setter>,
}

/// A column, and who set it.
struct Setter {
    column: String,
    /// As it is; as it was, if the record is gone.
    value: Option<Shown>,
    operation: Operation,
    who: Who,
    /// None if it cannot be read.
    at: Option<Moment>,
    as_of: String,
    /// What of the entry cannot be read, and why.
    unreadable: Option<String>,
    request: Option<Link>,
    reason: Option<Shown>,
}

impl Setter {
    fn of(blame: &Blame, subject: Subject<'_>) -> Self {
        let at = blame.time().map(Moment::new);
        let around = |id: &str| match at {
            Some(at) => Link::activity_around(at, "request", id),
            None => Link::activity("request", id),
        };
        Self {
            column: whole(&blame.column),
            value: blame.new.as_ref().or(blame.old.as_ref()).map(Shown::of),
            operation: blame.operation,
            who: Who::of(blame.user_id.as_deref(), blame.user_email.as_deref()),
            as_of: at.map_or_else(|| subject.on("as-of"), |at| subject.at(&at.exact())),
            at,
            unreadable: blame.unreadable.as_ref().map(ToString::to_string),
            request: blame.request_id.as_deref().map(around),
            reason: blame.reason.as_deref().map(Shown::text),
        }
    }
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let subject = Subject::of(&parameters)?;
    let blame = by_name::blame(&viewer.db, &NamedTable::new(subject.table), subject.id).await?;
    if blame.is_empty() {
        // A record that a baseline found has entries, and nobody who set a column.
        let entries = AuditTrail::query().table(subject.table).record(subject.id).limit(1);
        if entries.all(&viewer.db).await?.is_empty() {
            return Err(subject.unknown());
        }
    }
    let columns = blame.iter().map(|blame| Setter::of(blame, subject)).collect();
    page(&BlamePage { title: &viewer.title, subject, columns })
}
