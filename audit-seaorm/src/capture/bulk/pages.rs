use sea_orm::{DbErr, EntityTrait};

use super::{
    keys::{Key, key_of},
    page_size::PageSize,
    selection::Selection,
};
use crate::{
    capture::{Ground, Intent},
    found::Found,
    measure::{Step, added},
};

/// How many rows one statement names by their keys at most.
pub(super) const MAX_NAMED: usize = 1024;

/// The rows of a selection in the order of their keys, locked as they come.
pub(super) struct Pages<'a, E> {
    selection: &'a Selection<E>,
    ground: &'a Ground<'a>,
    intent: Intent,
    /// None if all rows have to be one page.
    size: Option<PageSize>,
    last: Option<Key>,
    done: bool,
}

impl<'a, E: EntityTrait> Pages<'a, E> {
    pub(super) fn new(
        selection: &'a Selection<E>,
        ground: &'a Ground<'a>,
        intent: Intent,
        in_pages: bool,
    ) -> Self {
        let size = in_pages.then(PageSize::default);
        Self { selection, ground, intent, size, last: None, done: false }
    }

    /// The next page in parts that one statement can name; none of them is empty, but the page is once
    /// there are no rows left.
    pub(super) async fn next(&mut self) -> Result<Vec<Vec<Found<E>>>, DbErr> {
        if self.done {
            return Ok(Vec::new());
        }
        let limit = self.size.as_ref().map(PageSize::rows);
        let mut rows = added(
            Step::Image,
            self.selection.locked(self.ground, self.intent, self.last.as_ref(), limit),
        )
        .await?;
        self.last = rows.last().map(|row| key_of::<E>(&row.model));
        self.done = limit.is_none_or(|limit| (rows.len() as u64) < limit);
        let mut parts = Vec::new();
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(MAX_NAMED));
            parts.push(std::mem::replace(&mut rows, rest));
        }
        Ok(parts)
    }

    /// Takes into account how much the entries of the page weigh.
    pub(super) fn weigh(&mut self, weight: usize) {
        if let Some(size) = &mut self.size {
            size.adapt(weight);
        }
    }
}
