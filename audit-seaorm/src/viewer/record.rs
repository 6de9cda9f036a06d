//! The life of one record, entry by entry.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use super::{
    Viewer,
    entry::{EntryShown, shown},
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
    Problem::of(&faults)?;
    let query = AuditTrail::query().table(subject.table).record(subject.id);
    let found = place.read(query, &viewer.db).await?;
    if found.entries.is_empty() && matches!(place, Place::Newest) {
        return Err(subject.unknown());
    }
    page(&Timeline {
        title: &viewer.title,
        entries: shown(&found.entries, usize::MAX),
        neighbours: found.neighbours("record", &subject.parameters(), &place),
        subject,
    })
}
