//! What happened last, to whatever record.

use std::sync::Arc;

use askama::Template;
use audit_core::Operation;
use axum::{extract::State, http::StatusCode};
use sea_orm::DbBackend;

use super::{
    Viewer,
    entry::{EntryShown, shown},
    known_tables,
    moment::{self, Moment},
    page::{Answer, page, page_with},
    paging::{Neighbours, Place},
    parameters::{Fault, Parameters},
};
use crate::{AuditQuery, AuditTrail, trail::is_searchable};

/// How many changes of an entry are shown here; its record has all.
const CHANGES: usize = 6;

/// The parameters that filter, and not those of the place.
const FILTERS: [&str; 9] =
    ["table", "record", "user", "operation", "column", "request", "transaction", "from", "to"];

#[derive(Template)]
#[template(path = "viewer/activity.html")]
struct Activity<'a> {
    title: &'a str,
    parameters: &'a Parameters,
    tables: Vec<String>,
    operations: [Operation; 4],
    faults: Vec<Fault>,
    is_filtered: bool,
    entries: Vec<EntryShown>,
    neighbours: Neighbours,
}

impl Activity<'_> {
    /// What stands in a field of the form.
    fn given(&self, name: &str) -> &str {
        self.parameters.text(name).unwrap_or_default()
    }

    /// As a picker takes it.
    fn given_moment(&self, name: &str) -> String {
        let given = self.given(name);
        let picked = if name == "from" { Moment::picked } else { Moment::picked_up };
        moment::parse(given).map_or_else(|| given.to_owned(), picked)
    }

    fn fault(&self, name: &str) -> Option<&'static str> {
        self.faults.iter().find(|fault| fault.name == name).map(|fault| fault.allowed)
    }
}

pub(super) async fn show(State(viewer): State<Arc<Viewer>>, parameters: Parameters) -> Answer {
    let mut faults = Vec::new();
    let place = Place::of(&parameters, &mut faults);
    let query = query(&parameters, viewer.db.get_database_backend(), &mut faults);
    let list: Vec<_> =
        FILTERS.iter().filter_map(|name| Some((*name, parameters.text(name)?))).collect();
    let mut activity = Activity {
        title: &viewer.title,
        parameters: &parameters,
        tables: known_tables(),
        operations: [Operation::Create, Operation::Update, Operation::Delete, Operation::Baseline],
        faults,
        is_filtered: !list.is_empty(),
        entries: Vec::new(),
        neighbours: Neighbours::default(),
    };
    if !activity.faults.is_empty() {
        return page_with(StatusCode::BAD_REQUEST, &activity);
    }
    let found = place.read(query, &viewer.db).await?;
    activity.entries = shown(&found.entries, CHANGES);
    activity.neighbours = found.neighbours("activity", &list, &place);
    page(&activity)
}

fn query(parameters: &Parameters, backend: DbBackend, faults: &mut Vec<Fault>) -> AuditQuery {
    let (from, to) = (parameters.moment("from", faults), parameters.moment("to", faults));
    if from.zip(to).is_some_and(|(from, to)| to.0 < from.0) {
        faults.push(Fault { name: "to", allowed: "a moment that is not before the first one" });
    }
    if parameters.text("record").is_some() && parameters.text("table").is_none() {
        faults.push(Fault { name: "table", allowed: "the table of the record, as a name" });
    }
    let column = parameters.text("column");
    if column.is_some_and(|column| !is_searchable(column, backend)) {
        let allowed = "a name that does not begin with `-`, which this database cannot search for";
        faults.push(Fault { name: "column", allowed });
    }
    let (operation, transaction) = (parameters.operation(faults), parameters.transaction(faults));

    let mut query = AuditTrail::query();
    query = parameters.text("table").into_iter().fold(query, AuditQuery::table);
    query = parameters.text("record").into_iter().fold(query, AuditQuery::record);
    query = parameters.text("user").into_iter().fold(query, AuditQuery::user);
    query = column.into_iter().fold(query, AuditQuery::changed);
    query = parameters.text("request").into_iter().fold(query, AuditQuery::request_id);
    query = operation.into_iter().fold(query, AuditQuery::operation);
    query = transaction.into_iter().fold(query, AuditQuery::transaction);
    query = from.into_iter().fold(query, |query, from| query.from(from.0));
    to.into_iter().fold(query, |query, to| query.to(to.0))
}
