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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_beyond_the_names_are_counted() {
        let mut suspects = Suspects::default();
        for number in 0..MAX_NAMES + 50 {
            suspects.add(number.to_string(), None);
        }
        // One with a name and one without.
        suspects.clear_of_suspicion("7");
        suspects.clear_of_suspicion(&(MAX_NAMES + 7).to_string());
        let mut report = Verification::new("t".to_owned());
        suspects.report(&mut report);
        assert_eq!(report.count(FindingKind::RowMissing), MAX_NAMES as u64 + 48);
        assert!(report.findings().iter().all(|finding| finding.record_id != "7"));
    }
}
