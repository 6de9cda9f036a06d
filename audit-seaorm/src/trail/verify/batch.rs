use sea_orm::prelude::Uuid;

use super::fold::Fold;
use crate::{
    trail::{MAX_BYTES, rows::MAX_RECORDS},
    writer::weight,
};

/// A record and what has been read of it.
pub(super) struct Record {
    pub(super) id: String,
    pub(super) fold: Fold,
    pub(super) last_entry: Option<Uuid>,
    /// The first entry, if it is no CREATE and nothing has accounted for that so far.
    pub(super) groundless: Option<Uuid>,
}

impl Record {
    pub(super) fn new(id: String) -> Self {
        Self { id, fold: Fold::default(), last_entry: None, groundless: None }
    }
}

/// Records that wait to be held against their rows. The last one may have more entries to come.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// Of all but the last.
    weight: usize,
}

impl Batch {
    pub(super) fn is_of(&self, record_id: &str) -> bool {
        self.records.last().is_some_and(|record| record.id == record_id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= MAX_RECORDS || self.weight + self.last_weight() >= MAX_BYTES
    }

    pub(super) fn begin(&mut self, record_id: String) {
        self.weight += self.last_weight();
        self.records.push(Record::new(record_id));
    }

    pub(super) fn take(&mut self) -> Vec<Record> {
        self.weight = 0;
        std::mem::take(&mut self.records)
    }

    fn last_weight(&self) -> usize {
        self.records.last().map_or(0, |record| weight::of_image(record.fold.known()))
    }
}
