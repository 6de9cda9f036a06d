//! The names of a before-image where a statement gives it back beside the row as it is.

use sea_orm::{EntityTrait, IdenStatic, Iterable};

/// What stands for the row as it was, and what the names of its columns begin with.
pub(super) const BEFORE: &str = "b$";
/// `PostgreSQL` cuts names off that are longer, in bytes.
const MAX_NAME: usize = 63;

/// Whether no name becomes too long.
pub(super) fn has_names<E: EntityTrait>() -> bool {
    E::Column::iter().all(|column| column.as_str().len() + BEFORE.len() <= MAX_NAME)
}

pub(super) fn named<C: IdenStatic>(column: C) -> String {
    format!("{BEFORE}{}", column.as_str())
}
