use std::collections::BTreeMap;

use sea_orm::prelude::Uuid;

use super::report::{Finding, FindingKind, Verification};

/// How many records are kept by name.
const MAX_NAMES: usize = 4096;

/// Records that have no row, unless it shows up where their keys did not lead.
#[derive(Default)]
pub(super) struct Suspects {
    count: u64,
    names: BTreeMap<String, Option<Uuid>>,
}

impl Suspects {
    pub(super) fn add(&mut self, record_id: String, entry: Option<Uuid>) {
        self.count += 1;
        if self.names.len() < MAX_NAMES {
            self.names.insert(record_id, entry);
        }
    }

    pub(super) fn clear_of_suspicion(&mut self, record_id: &str) {
        self.count = self.count.saturating_sub(1);
        self.names.remove(record_id);
    }

    pub(super) fn report(self, report: &mut Verification) {
        let kind = FindingKind::RowMissing;
        let unnamed = self.count.saturating_sub(self.names.len() as u64);
        for (record_id, entry) in self.names {
            report.add(Finding { kind, record_id, entry, columns: Vec::new() });
        }
        report.add_unnamed(kind, unnamed);
    }
}
