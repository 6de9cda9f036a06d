//! The life of one record, entry by entry.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use super::{
    Viewer,
    entry::EntryShown,
    page::{Answer, Problem, page},
    paging::{Neighbours, Place},
    parameters::Parameters,
    subject::Subject,
};
use crate::AuditTrail;

#[derive(Template)]
#[template(path = "viewer/record.html")]
struct Timeline<'a> {
    title: &'a str,
    subject: Subject<'a>,
    entries: Vec<EntryShown>,
    neighbours: Neighbours,
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let subject = Subject::of(&parameters)?;
    let mut faults = Vec::new();
    let place = Place::of(&parameters, &mut faults);
    if let Some(fault) = faults.first() {
        return Err(Problem::invalid(format!("`{}` must be {}.", fault.name, fault.allowed)));
    }
    let query = AuditTrail::query().table(subject.table).record(subject.id);
    let found = place.read(query, &viewer.db).await?;
    if found.entries.is_empty() && matches!(place, Place::Newest) {
        return Err(subject.unknown());
    }
    page(&Timeline {
        title: &viewer.title,
        entries: found.entries.iter().map(|entry| EntryShown::of(entry, usize::MAX)).collect(),
        neighbours: found.neighbours("record", &subject.parameters(), place),
        subject,
    })
}
