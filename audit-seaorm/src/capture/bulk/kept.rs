use sea_orm::EntityTrait;

use super::keys::{Key, key_of};

/// What the caller wants to have of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Count,
    Rows,
}

/// What is left of the rows that were written.
pub(crate) struct Kept<E: EntityTrait> {
    keep: Keep,
    pub(crate) count: u64,
    pub(crate) rows: Vec<E::Model>,
    /// The first key that `MariaDB` made.
    pub(crate) generated: Option<Key>,
    pub(crate) last: Option<Key>,
}

impl<E: EntityTrait> Kept<E> {
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, count: 0, rows: Vec::new(), generated: None, last: None }
    }

    pub(super) fn keep(&self) -> Keep {
        self.keep
    }

    /// Rows that nobody has read.
    pub(super) fn add_unread(&mut self, count: u64, last: Option<Key>) {
        self.count += count;
        self.last = last.or(self.last.take());
    }

    pub(super) fn add(&mut self, rows: Vec<E::Model>) {
        self.count += rows.len() as u64;
        self.last = rows.last().map(key_of::<E>).or(self.last.take());
        if self.keep == Keep::Rows {
            self.rows.extend(rows);
        }
    }
}
