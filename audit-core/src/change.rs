use std::fmt;

use serde_json::{Map, Value};

use crate::Operation;

/// A record at one moment: its values as JSON, by column name.
pub type Image = Map<String, Value>;

/// One change of one record, before any policy has looked at it.
///
/// It holds values in the clear, so its `Debug` output names the columns and nothing else.
///
/// ```
/// use audit_core::{Change, Image};
/// use serde_json::json;
///
/// let image = |title: &str| Image::from_iter([("title".to_owned(), json!(title))]);
/// let change = Change::update("post", "42", image("secret"), image("new"));
/// assert_eq!(
///     format!("{change:?}"),
///     r#"Change { table: "post", record_id: "42", operation: Update, columns: ["title"], .. }"#
/// );
/// ```
#[derive(Clone, PartialEq)]
pub struct Change {
    table: String,
    record_id: String,
    images: Images,
}

/// The images that an operation has: no state with one too many or one missing can be written down.
#[derive(Clone, PartialEq)]
pub(crate) enum Images {
    Create { after: Image },
    Update { before: Image, after: Image },
    Delete { before: Image },
    Baseline { after: Image },
}

impl Change {
    /// The record came into being as `after`.
    #[must_use]
    pub fn create(table: impl Into<String>, record_id: impl Into<String>, after: Image) -> Self {
        Self::new(table, record_id, Images::Create { after })
    }

    /// The record stood as `before` and now stands as `after`, all columns in both.
    #[must_use]
    pub fn update(
        table: impl Into<String>,
        record_id: impl Into<String>,
        before: Image,
        after: Image,
    ) -> Self {
        Self::new(table, record_id, Images::Update { before, after })
    }

    /// The record stood as `before` and is gone.
    #[must_use]
    pub fn delete(table: impl Into<String>, record_id: impl Into<String>, before: Image) -> Self {
        Self::new(table, record_id, Images::Delete { before })
    }

    /// The record stands as `after`, all columns, and nothing has happened to it: it is older than the trail.
    /// `AuditTrail::baseline` makes these for a whole table.
    #[must_use]
    pub fn baseline(table: impl Into<String>, record_id: impl Into<String>, after: Image) -> Self {
        Self::new(table, record_id, Images::Baseline { after })
    }

    fn new(table: impl Into<String>, record_id: impl Into<String>, images: Images) -> Self {
        Self { table: table.into(), record_id: record_id.into(), images }
    }

    /// The audited table, `schema.table` where the entity names a schema.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The primary key as text.
    #[must_use]
    pub fn record_id(&self) -> &str {
        &self.record_id
    }

    /// What happened.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self.images {
            Images::Create { .. } => Operation::Create,
            Images::Update { .. } => Operation::Update,
            Images::Delete { .. } => Operation::Delete,
            Images::Baseline { .. } => Operation::Baseline,
        }
    }

    /// The record just before the change; of a baseline nobody knows it.
    #[must_use]
    pub fn before(&self) -> Option<&Image> {
        match &self.images {
            Images::Create { .. } | Images::Baseline { .. } => None,
            Images::Update { before, .. } | Images::Delete { before } => Some(before),
        }
    }

    /// The record just after the change.
    #[must_use]
    pub fn after(&self) -> Option<&Image> {
        match &self.images {
            Images::Delete { .. } => None,
            Images::Update { after, .. }
            | Images::Create { after }
            | Images::Baseline { after } => Some(after),
        }
    }

    pub(crate) fn into_parts(self) -> (String, String, Images) {
        (self.table, self.record_id, self.images)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> =
            self.after().or(self.before()).into_iter().flat_map(Image::keys).collect();
        f.debug_struct("Change")
            .field("table", &self.table)
            .field("record_id", &self.record_id)
            .field("operation", &self.operation())
            .field("columns", &columns)
            .finish_non_exhaustive()
    }
}
