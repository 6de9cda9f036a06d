use std::fmt;

use audit_core::{FieldChange, Image};
use sea_orm::{ConnectionTrait, DbErr, ModelTrait, PrimaryKeyTrait, prelude::DateTimeUtc};

use super::known::State;
use crate::{Auditable, trail::AuditTrail};

/// What became of a record between two moments.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Diff<M> {
    /// The record at the first moment; none if there was none.
    pub old: Option<State<M>>,
    /// The record at the second; none if there was none.
    pub new: Option<State<M>>,
}

impl<M> Diff<M>
where
    M: ModelTrait<Entity: Auditable>,
{
    /// The columns that differ. Redacted ones are not among them, for nobody knows.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldChange> {
        let none = Image::new();
        let image = |state: &Option<State<M>>| state.as_ref().map(|state| state.values().clone());
        let (old, new) = (image(&self.old), image(&self.new));
        FieldChange::between(old.as_ref().unwrap_or(&none), new.as_ref().unwrap_or(&none))
    }
}

/// A line for each column that differs.
impl<M> fmt::Display for Diff<M>
where
    M: ModelTrait<Entity: Auditable>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, change) in self.changes().iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            change.fmt(f)?;
        }
        Ok(())
    }
}

impl AuditTrail {
    /// What became of a record between two moments, in either order: see [`as_of`](Self::as_of).
    ///
    /// # Errors
    ///
    /// Those of the database; an entry that cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn diff<C, E, K>(
        db: &C,
        entity: E,
        key: K,
        from: DateTimeUtc,
        to: DateTimeUtc,
    ) -> Result<Diff<E::Model>, DbErr>
    where
        C: ConnectionTrait,
        E: Auditable,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType> + Clone,
    {
        let old = Self::state_as_of(db, entity, key.clone(), from).await?;
        let new = Self::state_as_of(db, entity, key, to).await?;
        Ok(Diff { old, new })
    }
}
