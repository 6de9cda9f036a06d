use std::{fmt, marker::PhantomData};

use audit_core::{Image, Printable};
use sea_orm::{ActiveModelTrait, EntityTrait, IdenStatic, Iterable, ModelTrait, TryIntoModel};
use serde_json::Value as Json;

use crate::{
    Auditable,
    encode::{DecodeError, decode},
    error::AuditError,
    record,
    redaction::Redaction,
    rules,
};

/// A record at one moment, as far as the trail tells.
///
/// It is whole ([`model`](Self::model)) if the trail knows each of the entity's columns. What it does not know is
/// named ([`gaps`](Self::gaps)), and never made up.
#[derive(Clone, Debug, PartialEq)]
pub struct State<M> {
    values: Image,
    gaps: Vec<Gap>,
    model: PhantomData<fn() -> M>,
}

/// A column of which the trail does not know the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The column.
    pub column: String,
    /// Why it is not known.
    pub reason: GapReason,
}

/// Why the value of a column is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapReason {
    /// It was redacted when it was recorded, or is today.
    Redacted,
    /// An entity of the table skips the column.
    Skipped,
    /// No entry up to then tells it: the record is older than the trail, or the column younger than the entry.
    Untold,
    /// The entity has no such column any more, so that nothing can be written to it. [`State`] has it among its
    /// [unknown columns](State::unknown_columns); [`RestorePlan`](crate::RestorePlan) has it here.
    NoColumn,
    /// It is of a form that the column, as it is today, cannot hold.
    Unreadable(DecodeError),
}

/// A record of which the trail does not know every column, so that there is no typed form of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trail does not know all of this record of `{table}`: {}", told(gaps))]
#[non_exhaustive]
pub struct Incomplete {
    /// The table.
    pub table: String,
    /// What is not known.
    pub gaps: Vec<Gap>,
}

fn told(gaps: &[Gap]) -> String {
    gaps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", Printable(&self.column), self.reason)
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redacted => f.write_str("is redacted"),
            Self::Skipped => f.write_str("is skipped"),
            Self::Untold => f.write_str("is told by no entry up to then"),
            Self::NoColumn => f.write_str("is no column of the entity any more"),
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl From<Incomplete> for sea_orm::DbErr {
    fn from(incomplete: Incomplete) -> Self {
        AuditError::Incomplete(incomplete).into()
    }
}

impl<M> State<M>
where
    M: ModelTrait<Entity: Auditable>,
{
    /// `values` under the names that the columns have today.
    pub(in crate::trail) fn of(values: Image) -> Self {
        let told: Vec<_> = rules::told_columns::<M::Entity>().map(|told| told.as_str()).collect();
        let gaps = <M::Entity as EntityTrait>::Column::iter()
            .filter_map(|column| {
                let skipped = !told.contains(&column.as_str());
                let reason = if skipped { GapReason::Skipped } else { gap::<M>(column, &values)? };
                Some(Gap { column: record::name(column), reason })
            })
            .collect();
        Self { values, gaps, model: PhantomData }
    }

    /// As [`of`](Self::of), without what is hidden today.
    pub(in crate::trail) fn shown(mut values: Image, redaction: &Redaction) -> Self {
        redaction.hide(&mut values);
        Self::of(values)
    }

    /// The values that are known, as entries have them, by column: also those of columns that the entity has
    /// not any more, and the marks of redacted ones.
    #[must_use]
    pub fn values(&self) -> &Image {
        &self.values
    }

    /// The values under names that are none of the entity's columns.
    pub fn unknown_columns(&self) -> impl Iterator<Item = (&str, &Json)> {
        let known = |name: &str| {
            <M::Entity as EntityTrait>::Column::iter().any(|column| column.as_str() == name)
        };
        let values = self.values.iter().filter(move |(name, _)| !known(name));
        values.map(|(name, value)| (name.as_str(), value))
    }

    /// The columns of the entity that are not known; none if the record is known as a whole.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The record, if it is known as a whole.
    ///
    /// # Errors
    ///
    /// [`Incomplete`], with the columns that are not known.
    pub fn model(&self) -> Result<M, Incomplete>
    where
        <M::Entity as EntityTrait>::ActiveModel: TryIntoModel<M>,
    {
        if self.gaps.is_empty()
            && let Ok(model) = self.active_model().try_into_model()
        {
            return Ok(model);
        }
        let table = record::table_name::<M::Entity>();
        Err(Incomplete { table, gaps: self.gaps.clone() })
    }

    /// What is known of the record, set; what is not known is not set.
    #[must_use]
    pub fn active_model(&self) -> <M::Entity as EntityTrait>::ActiveModel {
        let mut row = <<M::Entity as EntityTrait>::ActiveModel as ActiveModelTrait>::default();
        for column in <M::Entity as EntityTrait>::Column::iter() {
            let value = self.values.get(column.as_str());
            if self.gaps.iter().all(|gap| gap.column != column.as_str())
                && let Some(Ok(value)) = value.map(|value| decode::<M::Entity>(column, value))
            {
                row.set(column, value);
            }
        }
        row
    }
}

fn gap<M>(column: <M::Entity as EntityTrait>::Column, values: &Image) -> Option<GapReason>
where
    M: ModelTrait<Entity: Auditable>,
{
    let Some(value) = values.get(column.as_str()) else {
        return Some(GapReason::Untold);
    };
    let value = match decode::<M::Entity>(column, value) {
        Ok(value) => value,
        Err(DecodeError::Redacted) => return Some(GapReason::Redacted),
        Err(error) => return Some(GapReason::Unreadable(error)),
    };
    let mut row = <<M::Entity as EntityTrait>::ActiveModel as ActiveModelTrait>::default();
    // `NULL` in a column that must have a value, or the name of a variant that is gone.
    row.try_set(column, value)
        .is_err()
        .then_some(GapReason::Unreadable(DecodeError::OutOfRange { expected: "the column's type" }))
}
