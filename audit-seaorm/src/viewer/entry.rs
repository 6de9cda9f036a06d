//! Entries as a page shows them.

use audit_core::{AuditEntry, FieldChange, Image, Operation, Printable};
use serde_json::Value as Json;

use super::{
    link::{Link, address},
    moment::Moment,
    value::Shown,
};

/// An entry to be shown.
#[derive(Debug)]
pub(super) struct EntryShown {
    pub(super) operation: Operation,
    pub(super) at: Moment,
    pub(super) record: Link,
    /// How the record was then.
    pub(super) as_of: String,
    pub(super) who: Who,
    pub(super) request: Option<Link>,
    pub(super) transaction: Option<Link>,
    pub(super) reason: Option<String>,
    pub(super) metadata: Vec<(String, String)>,
    pub(super) changes: Vec<ChangeShown>,
    /// How many changes are left out.
    pub(super) more: usize,
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
}

impl Who {
    pub(super) fn of(user_id: Option<&str>, email: Option<&str>) -> Self {
        Self {
            user: user_id.map(|id| Link::activity("user", id)),
            email: email.map(|email| Printable(email).to_string()),
        }
    }
}

impl EntryShown {
    /// With so many changes at most.
    pub(super) fn of(entry: &AuditEntry, changes: usize) -> Self {
        let all = changes_of(entry);
        let more = all.len().saturating_sub(changes);
        let (table, id) = (&*entry.table_name, &*entry.record_id);
        let at = Moment(entry.timestamp);
        Self {
            operation: entry.operation,
            at,
            record: Link::record(table, id),
            as_of: address("as-of", [("table", table), ("id", id), ("when", &at.exact())]),
            who: Who::of(entry.user_id.as_deref(), entry.user_email.as_deref()),
            request: entry.request_id.as_deref().map(|id| Link::activity("request", id)),
            transaction: entry
                .transaction_id
                .map(|id| Link::activity("transaction", &id.to_string())),
            reason: entry.reason.as_ref().map(|reason| format!("{:#}", Printable(reason))),
            metadata: entry.metadata.as_ref().and_then(Json::as_object).map_or_else(Vec::new, told),
            changes: all.into_iter().take(changes).collect(),
            more,
        }
    }
}

impl From<&FieldChange> for ChangeShown {
    fn from(change: &FieldChange) -> Self {
        let [old, new] = [&change.old, &change.new].map(|value| Shown::maybe(value.as_ref()));
        let is_redacted = |value: &Option<Shown>| value.as_ref().is_some_and(|it| it.redacted);
        Self {
            column: Printable(&change.column).to_string(),
            is_hidden: is_redacted(&old) && is_redacted(&new),
            old,
            new,
            is_found: false,
        }
    }
}

fn changes_of(entry: &AuditEntry) -> Vec<ChangeShown> {
    if entry.operation != Operation::Baseline {
        return entry.changes().iter().map(ChangeShown::from).collect();
    }
    let found = entry.new_values.as_ref().and_then(Json::as_object);
    let found = found.into_iter().flatten().map(|(column, value)| ChangeShown {
        column: Printable(column).to_string(),
        old: None,
        new: Some(Shown::of(value)),
        is_hidden: false,
        is_found: true,
    });
    found.collect()
}

fn told(metadata: &Image) -> Vec<(String, String)> {
    let told = |(name, value): (&String, &Json)| {
        let value = match value {
            Json::String(text) => format!("{:#}", Printable(text)),
            other => Shown::of(other).text,
        };
        (Printable(name).to_string(), value)
    };
    metadata.iter().map(told).collect()
}
