use std::collections::BTreeSet;

use audit_core::Image;
use sea_orm::DbErr;
use serde_json::Value as Json;

use super::{generated::Generated, table::Table};
use crate::{AuditTransaction, RestoreRule};

/// The columns of a table that a restore does not bring back as the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Exceptions {
    generated: Generated,
    ignored: BTreeSet<String>,
    versions: BTreeSet<String>,
}

impl Exceptions {
    /// Those of the database, of the entity and of the call.
    pub(super) async fn of(
        txn: &AuditTransaction,
        table: &dyn Table,
        ignored: &[String],
    ) -> Result<Self, DbErr> {
        let generated = Generated::of(txn, table.name_in_database(), &table.names()).await?;
        let mut exceptions =
            Self { generated, ignored: ignored.iter().cloned().collect(), ..Self::default() };
        for (column, rule) in table.restore_rules() {
            match rule {
                RestoreRule::Ignore => exceptions.ignored.insert(column),
                RestoreRule::Version => exceptions.versions.insert(column),
            };
        }
        Ok(exceptions)
    }

    /// Whether the database alone fills it.
    pub(super) fn is_computed(&self, column: &str) -> bool {
        self.generated.computed.contains(column)
    }

    /// Whether it is left as it is in a record that is there.
    pub(super) fn is_left_out(&self, column: &str) -> bool {
        self.is_computed(column)
            || self.generated.identities.contains(column)
            || self.ignored.contains(column)
            || self.versions.contains(column)
    }

    /// Whether a record can be made anew though nobody knows its value.
    pub(super) fn may_be_unknown(&self, column: &str) -> bool {
        self.is_computed(column) || self.ignored.contains(column)
    }

    /// What a record that is made anew gets: nothing where the database fills it, and a version above all that it had.
    pub(super) fn of_new(&self, mut values: Image, known: &[&Image]) -> Image {
        values.retain(|column, _| !self.is_computed(column));
        for column in &self.versions {
            let known =
                known.iter().filter_map(|image| image.get(column)).chain(values.get(column));
            if let Some(version) = known.filter_map(number).max().and_then(above) {
                values.insert(column.clone(), version);
            }
        }
        values
    }

    /// Whether one of these columns takes a value only if it is told to.
    pub(super) fn override_an_identity(&self, values: &Image) -> bool {
        self.generated.identities.iter().any(|column| values.contains_key(column))
    }
}

fn number(version: &Json) -> Option<i128> {
    version.as_i64().map(i128::from).or(version.as_u64().map(i128::from))
}

fn above(last: i128) -> Option<Json> {
    let next = last.checked_add(1)?;
    i64::try_from(next).map(Json::from).or(u64::try_from(next).map(Json::from)).ok()
}
