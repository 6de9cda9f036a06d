use std::collections::BTreeMap;

use audit_core::{AuditEntry, Operation, Unreadable, UnreadableReason as Reason};
use sea_orm::{
    DbBackend, IdenStatic, QueryResult, TryGetable,
    prelude::{DateTimeUtc, Uuid},
};
use serde_json::Value as Json;

use super::{place::Place, time::Time, value::Stored};
use crate::entity::Column;

/// Reads a row of the trail column by column, and keeps in mind which cannot be read. The row must have been asked for by
/// [`select`](super::select).
pub(crate) struct Reader<'a> {
    row: &'a QueryResult,
    backend: DbBackend,
    faults: Faults,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(row: &'a QueryResult, backend: DbBackend) -> Self {
        Self { row, backend, faults: Faults::default() }
    }

    pub(crate) fn id(&mut self) -> Option<Uuid> {
        self.required(Column::Id, Reason::NotUuid)
    }

    pub(crate) fn uuid(&mut self, column: Column) -> Option<Uuid> {
        self.get(column, Reason::NotUuid)
    }

    /// As much of it as is text.
    pub(crate) fn text(&mut self, column: Column) -> Option<String> {
        if let Ok(text) = self.row.try_get("", column.as_str()) {
            return text;
        }
        self.faults.note(column, Reason::NotText);
        Stored::read(self.row, column.as_str()).map(Stored::into_text)
    }

    pub(crate) fn name(&mut self, column: Column) -> String {
        let text = self.text(column);
        text.unwrap_or_else(|| {
            self.faults.note(column, Reason::Missing);
            String::new()
        })
    }

    pub(crate) fn json(&mut self, column: Column) -> Option<Json> {
        let json = self.get(column, Reason::NotJson);
        self.faults.expect_object(column, json.as_ref());
        json.filter(|json: &Json| !json.is_null())
    }

    pub(crate) fn operation(&mut self) -> Operation {
        let text: Option<String> = self.get(Column::Operation, Reason::NotOperation);
        self.faults.operation(text.as_deref())
    }

    /// Before- and after-image of an entry of this operation.
    pub(crate) fn images(&mut self, operation: Operation) -> [Option<Json>; 2] {
        let images = [Column::OldValues, Column::NewValues].map(|column| self.json(column));
        self.faults.expect_images(operation, images.each_ref().map(Option::is_some));
        images
    }

    pub(crate) fn time(&mut self) -> Option<DateTimeUtc> {
        let (time, reason) = match Time::read(self.row, self.backend) {
            Time::Sound(at) => return Some(at),
            Time::OtherForm(at) => (Some(at), Reason::TimeForm),
            Time::None => (None, Reason::NotTime),
        };
        self.faults.note(Column::Timestamp, reason);
        time
    }

    /// Reads what stands beside the change.
    pub(crate) fn look_beside(&mut self) {
        for column in [Column::UserId, Column::UserEmail, Column::RequestId, Column::Reason] {
            self.text(column);
        }
        self.uuid(Column::TransactionId);
        self.json(Column::Metadata);
    }

    /// What could not be read.
    pub(crate) fn finish(self) -> Option<Unreadable> {
        let mut unreadable = self.faults.finish()?;
        let is_placed = |column: Column| unreadable.reason(column.as_str()).is_none();
        if !(is_placed(Column::Timestamp) && is_placed(Column::Id)) {
            unreadable.place = Some(Place::read(self.row, self.backend).to_string());
        }
        Some(unreadable)
    }

    fn get<T: TryGetable>(&mut self, column: Column, reason: Reason) -> Option<T> {
        self.row.try_get("", column.as_str()).unwrap_or_else(|_| {
            self.faults.note(column, reason);
            None
        })
    }

    fn required<T: TryGetable>(&mut self, column: Column, reason: Reason) -> Option<T> {
        let value = self.get(column, reason);
        if value.is_none() {
            self.faults.note_first(column, Reason::Missing);
        }
        value
    }
}

/// An entry, however much of it can be read. All columns must have been asked for.
pub(crate) fn entry(row: &QueryResult, backend: DbBackend) -> AuditEntry {
    let mut row = Reader::new(row, backend);
    let operation = row.operation();
    let [old_values, new_values] = row.images(operation);
    AuditEntry {
        id: row.id().unwrap_or_default(),
        table_name: row.name(Column::TableName),
        record_id: row.name(Column::RecordId),
        operation,
        old_values,
        new_values,
        user_id: row.text(Column::UserId),
        user_email: row.text(Column::UserEmail),
        request_id: row.text(Column::RequestId),
        transaction_id: row.uuid(Column::TransactionId),
        reason: row.text(Column::Reason),
        metadata: row.json(Column::Metadata),
        timestamp: row.time().unwrap_or_default(),
        unreadable: row.finish(),
    }
}

/// What of an entry cannot be read whose columns fit their types, with its operation.
pub(super) fn unreadable_of(
    operation: &str,
    json: [(Column, Option<&Json>); 3],
) -> (Operation, Option<Unreadable>) {
    let mut faults = Faults::default();
    let operation = faults.operation(Some(operation));
    for (column, json) in json {
        faults.expect_object(column, json);
    }
    let [old, new, _] = json.map(|(_, json)| json.is_some());
    faults.expect_images(operation, [old, new]);
    (operation, faults.finish())
}

#[derive(Default)]
struct Faults(BTreeMap<&'static str, Reason>);

impl Faults {
    fn note(&mut self, column: Column, reason: Reason) {
        self.0.insert(column.as_str(), reason);
    }

    fn note_first(&mut self, column: Column, reason: Reason) {
        self.0.entry(column.as_str()).or_insert(reason);
    }

    fn operation(&mut self, text: Option<&str>) -> Operation {
        text.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            self.note_first(Column::Operation, Reason::NotOperation);
            Operation::Unknown
        })
    }

    fn expect_object(&mut self, column: Column, json: Option<&Json>) {
        if json.is_some_and(|json| !json.is_object()) {
            self.note(column, Reason::NotObject);
        }
    }

    fn expect_images(&mut self, operation: Operation, found: [bool; 2]) {
        let expected = match operation {
            Operation::Create | Operation::Baseline => [false, true],
            Operation::Update => [true, true],
            Operation::Delete => [true, false],
            Operation::Unknown => return,
        };
        let columns = [Column::OldValues, Column::NewValues];
        for ((column, expected), found) in columns.into_iter().zip(expected).zip(found) {
            match (expected, found) {
                (true, false) => self.note_first(column, Reason::Missing),
                (false, true) => self.note_first(column, Reason::Unexpected),
                _ => {}
            }
        }
    }

    fn finish(self) -> Option<Unreadable> {
        (!self.0.is_empty()).then(|| Unreadable::new(self.0))
    }
}

/// The names of columns by which [`Unreadable::hides_change`] goes are those of the table.
#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_change_is_hidden_by_the_columns_that_tell_it() {
        let beside = [
            Column::UserId,
            Column::UserEmail,
            Column::RequestId,
            Column::TransactionId,
            Column::Reason,
            Column::Metadata,
        ];
        for column in Column::iter() {
            let unreadable = Unreadable::new([(column.as_str(), Reason::Missing)]);
            let is_beside = beside.iter().any(|it| it.as_str() == column.as_str());
            assert_eq!(unreadable.hides_change(), !is_beside, "{column:?}");
        }
    }
}
