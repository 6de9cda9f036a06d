use audit_core::Image;

use crate::{Auditable, record};

/// The former names of an entity's columns, under which older entries know them.
pub(crate) struct Renames(Vec<(&'static str, String)>);

impl Renames {
    pub(super) fn of<E: Auditable>() -> Self {
        let names = E::RENAMED.iter().flat_map(|(column, former)| {
            former.iter().map(|former| (*former, record::name(*column)))
        });
        Self(names.collect())
    }

    /// Those of several entities of one table; none of a table that the program has no entity of.
    #[cfg(feature = "viewer")]
    pub(super) fn all(of: impl IntoIterator<Item = Self>) -> Self {
        Self(of.into_iter().flat_map(|Self(names)| names).collect())
    }

    /// The image under the names of today. A name that it has already is that column's.
    pub(super) fn apply(&self, mut image: Image) -> Image {
        for (former, name) in &self.0 {
            if !image.contains_key(name)
                && let Some(value) = image.remove(*former)
            {
                image.insert(name.clone(), value);
            }
        }
        image
    }

    /// All names of a column, today's first.
    pub(super) fn names<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a str> {
        let former = self.0.iter().filter(move |(_, name)| name == column);
        std::iter::once(column).chain(former.map(|(former, _)| *former))
    }
}
