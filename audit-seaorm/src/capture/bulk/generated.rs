use audit_core::Operation;
use sea_orm::{DbBackend, EntityTrait, PrimaryKeyTrait};

use super::{
    Rows, Written,
    keys::{Key, key_of},
};

/// The keys that rows bring along where the database may make others and tell of the first of these, as
/// `MariaDB` does.
pub(super) struct GivenKeys(Option<Vec<Option<Key>>>);

impl GivenKeys {
    pub(super) fn of<E: EntityTrait>(rows: &Rows<E>, backend: DbBackend) -> Self {
        let may_be_made = backend == DbBackend::MySql && E::PrimaryKey::auto_increment();
        Self(may_be_made.then(|| rows.keys().collect()))
    }

    /// The first key of a created row that no row brought along. (Zero brings none.)
    pub(super) fn first_other<E: EntityTrait>(&self, written: &Written<E>) -> Option<Key> {
        let given = self.0.as_ref()?;
        let is_given =
            |place: usize, key: &Option<Key>| given.get(place) == Some(key) || given.contains(key);
        let (changes, rows) = written;
        let created = changes.iter().zip(rows).enumerate().filter(|(_, (noticed, _))| {
            noticed.as_ref().is_ok_and(|noticed| noticed.change.operation() == Operation::Create)
        });
        let mut keys = created.map(|(place, (_, row))| (place, Some(key_of::<E>(row))));
        keys.find(|(place, key)| !is_given(*place, key)).and_then(|(_, key)| key)
    }
}
