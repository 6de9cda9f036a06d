//! Who last set each column of a record.

use std::sync::Arc;

use askama::Template;
use audit_core::{Operation, Printable};
use axum::extract::State;

use super::{
    Viewer,
    entry::Who,
    link::Link,
    moment::Moment,
    page::{Answer, page},
    parameters::Parameters,
    subject::Subject,
    value::Shown,
};
use crate::{AuditTrail, Blame, trail::by_name};

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
    at: Moment,
    as_of: String,
    request: Option<Link>,
    reason: Option<String>,
}

impl Setter {
    fn of(blame: &Blame, subject: Subject<'_>) -> Self {
        let at = Moment(blame.timestamp);
        Self {
            column: Printable(&blame.column).to_string(),
            value: Shown::maybe(blame.new.as_ref().or(blame.old.as_ref())),
            operation: blame.operation,
            who: Who::of(blame.user_id.as_deref(), blame.user_email.as_deref()),
            as_of: subject.at(&at.exact()),
            at,
            request: blame.request_id.as_deref().map(|id| Link::activity("request", id)),
            reason: blame.reason.as_ref().map(|reason| format!("{:#}", Printable(reason))),
        }
    }
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let subject = Subject::of(&parameters)?;
    let blame = by_name::blame(&viewer.db, subject.table, subject.id).await?;
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
