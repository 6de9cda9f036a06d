//! Entries as a page shows them.

use std::collections::HashMap;

use audit_core::{AuditEntry, FieldChange, FieldRule, Image, Operation};
use sea_orm::prelude::Uuid;
use serde_json::Value as Json;

use super::{
    link::{Link, address, whole},
    moment::Moment,
    value::Shown,
};
use crate::{Cursor, stored::Place, trail::by_name::NamedTable};

/// An entry to be shown.
#[derive(Debug)]
pub(super) struct EntryShown {
    pub(super) operation: Operation,
    /// None if it cannot be read.
    pub(super) at: Option<Moment>,
    pub(super) record: Link,
    /// How the record was then.
    pub(super) as_of: String,
    /// What of the entry cannot be read, and why.
    pub(super) unreadable: Option<String>,
    pub(super) who: Who,
    pub(super) request: Option<Link>,
    pub(super) transaction: Option<Link>,
    pub(super) reason: Option<Shown>,
    pub(super) metadata: Vec<(String, Shown)>,
    pub(super) changes: Vec<ChangeShown>,
    /// How many changes are left out, and where they are.
    pub(super) more: Option<(usize, String)>,
}

/// A column of an entry.
#[derive(Debug)]
pub(super) struct ChangeShown {
    pub(super) column: String,
    pub(super) old: Option<Shown>,
    pub(super) new: Option<Shown>,
    /// That it changed is all that is known.
    pub(super) is_hidden: bool,
    /// The value was found, and not set.
    pub(super) is_found: bool,
}

/// Who did something; nobody, perhaps.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) user: Option<Link>,
    pub(super) email: Option<String>,
    pub(super) is_system: bool,
    /// For whom it was done, if that was somebody else.
    pub(super) principal: Option<String>,
}

impl Who {
    pub(super) fn of(user_id: Option<&str>, email: Option<&str>) -> Self {
        let user = user_id.map(|id| Link::activity("user", id));
        Self { user, email: email.map(whole), is_system: false, principal: None }
    }

    pub(super) fn of_entry(entry: &AuditEntry) -> Self {
        Self {
            is_system: entry.is_by_system(),
            principal: entry.on_behalf_of().map(|user| whole(user.id())),
            ..Self::of(entry.user_id.as_deref(), entry.user_email.as_deref())
        }
    }
}

/// Entries, with so many changes each, at most.
pub(super) fn shown(entries: &[AuditEntry], changes: usize) -> Vec<EntryShown> {
    let mut tables = HashMap::new();
    let shown = |entry: &AuditEntry| {
        let name = &*entry.table_name;
        let table = tables.entry(name.to_owned()).or_insert_with(|| NamedTable::new(name));
        EntryShown::of(entry, table, changes)
    };
    entries.iter().map(shown).collect()
}

impl EntryShown {
    fn of(entry: &AuditEntry, table: &NamedTable, most: usize) -> Self {
        let rule = |change: &FieldChange| table.rule_then(&change.column, entry.timestamp);
        let is_told = |change: &FieldChange| rule(change) != Some(FieldRule::Skip);
        let all: Vec<_> = changes_of(entry).into_iter().filter(is_told).collect();
        let is_found = entry.operation == Operation::Baseline;
        let change = |change| ChangeShown::of(change, rule(change), is_found);
        let left = all.len().saturating_sub(most);
        let (name, id) = (&*entry.table_name, &*entry.record_id);
        let at = entry.time().map(Moment::new);
        let around = |parameter, value: &str| match at {
            Some(at) => Link::activity_around(at, parameter, value),
            None => Link::activity(parameter, value),
        };
        let exact = at.map(Moment::exact);
        let when = exact.as_deref().map(|exact| ("when", exact));
        let transaction = entry.transaction_id.map(|id| id.to_string());
        Self {
            operation: entry.operation,
            at,
            record: Link::record(name, id),
            as_of: address("as-of", [("table", name), ("id", id)].into_iter().chain(when)),
            who: Who::of_entry(entry),
            unreadable: entry.unreadable.as_ref().map(ToString::to_string),
            request: entry.request_id.as_deref().map(|id| around("request", id)),
            transaction: transaction.map(|id| around("transaction", &id)),
            reason: entry.reason.as_deref().map(Shown::text),
            metadata: entry.metadata.as_ref().and_then(Json::as_object).map_or_else(Vec::new, told),
            changes: all.iter().take(most).map(change).collect(),
            more: (left > 0).then(|| (left, with_the_rest(name, id, entry))),
        }
    }
}

impl ChangeShown {
    fn of(change: &FieldChange, rule: Option<FieldRule>, is_found: bool) -> Self {
        let [old, new] = [&change.old, &change.new].map(|it| Shown::under(rule, it.as_ref()));
        let is_redacted = |value: &Option<Shown>| value.as_ref().is_some_and(|it| it.redacted);
        Self {
            column: whole(&change.column),
            is_hidden: is_redacted(&old) && is_redacted(&new),
            old,
            new,
            is_found,
        }
    }
}

/// What a BASELINE found is shown like what a CREATE set.
fn changes_of(entry: &AuditEntry) -> Vec<FieldChange> {
    if entry.operation != Operation::Baseline {
        return entry.changes();
    }
    let found = entry.new_values.as_ref().and_then(Json::as_object).into_iter().flatten();
    found.map(|(column, value)| FieldChange::new(column, None, Some(value.clone()))).collect()
}

/// The timeline of a record from what was at the moment of this entry on.
fn with_the_rest(table: &str, id: &str, entry: &AuditEntry) -> String {
    let at = entry.time().map(|at| Place::new(Moment::new(at).next(), Uuid::nil()));
    let place = at.map_or_else(|| Cursor::of(entry), Cursor::new).to_string();
    address("record", [("table", table), ("id", id), ("after", &place)])
}

fn told(metadata: &Image) -> Vec<(String, Shown)> {
    let told = |(name, value): (&String, &Json)| {
        let value = match value {
            Json::String(text) => Shown::text(text),
            other => Shown::of(other),
        };
        (whole(name), value)
    };
    metadata.iter().map(told).collect()
}
