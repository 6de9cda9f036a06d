//! What is made of rows.

use audit_seaorm::{AuditEntry, Operation};
use sea_orm::{
    Iden as _, Iterable as _,
    prelude::{DateTimeUtc, Json, Uuid},
};
use serde_json::Map;

use super::Blamed;
use crate::{Result, read::article};

type Text = Option<String>;
type Values = Option<Json>;

pub(super) type EntryRow = (
    Uuid,
    String,
    String,
    String,
    Values,
    Values,
    Text,
    Text,
    Text,
    Option<Uuid>,
    Text,
    Values,
    DateTimeUtc,
);

/// An entry without its record.
pub(super) type ChangeRow = (Uuid, String, Values, Values, Text, Text, Text, Text, DateTimeUtc);

/// The operation and both images.
pub(super) type ImageRow = (String, Values, Values);

pub(super) fn entry(row: EntryRow) -> Result<AuditEntry> {
    Ok(AuditEntry {
        unreadable: None,
        id: row.0,
        table_name: row.1,
        record_id: row.2,
        operation: row.3.parse()?,
        old_values: row.4,
        new_values: row.5,
        user_id: row.6,
        user_email: row.7,
        request_id: row.8,
        transaction_id: row.9,
        reason: row.10,
        metadata: row.11,
        timestamp: row.12,
    })
}

/// Who set each column last, from entries that hold changed columns alone, newest first.
pub(super) fn blame(rows: Vec<ChangeRow>) -> Result<Vec<Blamed>> {
    let mut columns: Vec<_> =
        article::Column::iter().map(|column| (column.unquoted().to_owned(), None)).collect();
    for (id, operation, mut old, mut new, user_id, user_email, request_id, reason, timestamp) in
        rows
    {
        let operation: Operation = operation.parse()?;
        for (column, found) in columns.iter_mut().filter(|(_, found)| found.is_none()) {
            let (old, new) = (take(&mut old, column), take(&mut new, column));
            if old.is_none() && new.is_none() {
                continue;
            }
            *found = Some(Blamed {
                column: column.clone(),
                old,
                new,
                entry_id: id,
                operation,
                user_id: user_id.clone(),
                user_email: user_email.clone(),
                request_id: request_id.clone(),
                reason: reason.clone(),
                timestamp,
            });
        }
        if operation != Operation::Update {
            break;
        }
    }
    Ok(columns.into_iter().filter_map(|(_, found)| found).collect())
}

/// The record after all these, oldest first.
pub(super) fn fold(rows: Vec<ImageRow>) -> Result<Option<article::Model>> {
    let mut record = None;
    for (operation, old, new) in rows {
        record = match (operation.parse()?, old, new) {
            (Operation::Create, _, Some(Json::Object(new))) => Some(new),
            (Operation::Update, Some(Json::Object(old)), Some(Json::Object(new))) => {
                let mut known: Map<_, _> = record.unwrap_or_default();
                known.extend(old);
                known.extend(new);
                Some(known)
            }
            _ => None,
        };
    }
    record.map(|image| model(image).ok_or_else(|| "a column is missing".into())).transpose()
}

fn model(mut image: Map<String, Json>) -> Option<article::Model> {
    Some(article::Model {
        id: image.get("id")?.as_i64()?,
        author_id: image.get("author_id")?.as_i64()?,
        title: text(image.remove("title")?)?,
        body: text(image.remove("body")?)?,
        status: text(image.remove("status")?)?,
        price: image.get("price")?.as_i64()?,
        views: image.get("views")?.as_i64()?,
        published: image.get("published")?.as_bool()?,
        created_at: image.get("created_at")?.as_str()?.parse().ok()?,
        updated_at: image.get("updated_at")?.as_str()?.parse().ok()?,
    })
}

fn text(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

fn take(image: &mut Values, column: &str) -> Option<Json> {
    image.as_mut()?.as_object_mut()?.remove(column)
}
