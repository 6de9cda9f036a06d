use audit_core::Stamp;
use chrono::SecondsFormat;
use sea_orm::{
    prelude::{DateTimeUtc, Uuid},
    sqlx::types::Json,
};
use serde_json::{Map, Value};

use super::Post;

type Image = Map<String, Value>;

/// What goes into the columns of the trail that are not empty here.
pub(in crate::write) struct Entry {
    pub(super) id: Uuid,
    pub(super) record_id: String,
    pub(super) operation: &'static str,
    pub(super) old_values: Option<Json<Image>>,
    pub(super) new_values: Option<Json<Image>>,
    pub(super) transaction_id: Option<Uuid>,
    pub(super) timestamp: DateTimeUtc,
}

/// The columns of a statement that stores entries, in the order in which the drivers bind them.
pub(super) const COLUMNS: &str = "id, table_name, record_id, operation, old_values, new_values, \
                                  user_id, user_email, request_id, transaction_id, timestamp";
pub(super) const TABLE: &str = "post";

impl Entry {
    pub(super) fn created(post: &Post, group: Option<Uuid>) -> Self {
        Self::new(post, "CREATE", None, Some(image(post)), group)
    }

    /// With the changed columns alone.
    pub(super) fn updated((before, after): &(Post, Post), group: Option<Uuid>) -> Self {
        let (mut old, new) = (image(before), image(after));
        let mut changed = Image::new();
        for (column, value) in new {
            if old.get(&column) == Some(&value) {
                old.remove(&column);
            } else {
                changed.insert(column, value);
            }
        }
        Self::new(before, "UPDATE", Some(old), Some(changed), group)
    }

    pub(super) fn deleted(post: &Post, group: Option<Uuid>) -> Self {
        Self::new(post, "DELETE", Some(image(post)), None, group)
    }

    fn new(
        post: &Post,
        operation: &'static str,
        old_values: Option<Image>,
        new_values: Option<Image>,
        transaction_id: Option<Uuid>,
    ) -> Self {
        let Stamp { at: timestamp, id } = Stamp::next();
        Self {
            id,
            record_id: post.id.to_string(),
            operation,
            old_values: old_values.map(Json),
            new_values: new_values.map(Json),
            transaction_id,
            timestamp,
        }
    }
}

fn image(post: &Post) -> Image {
    let created_at = post.created_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let columns = [
        ("id", post.id.into()),
        ("author_id", post.author_id.into()),
        ("title", post.title.clone().into()),
        ("body", post.body.clone().into()),
        ("views", post.views.into()),
        ("published", post.published.into()),
        ("created_at", created_at.into()),
    ];
    columns.into_iter().map(|(column, value)| (column.to_owned(), value)).collect()
}
