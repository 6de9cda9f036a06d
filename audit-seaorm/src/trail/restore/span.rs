use std::collections::BTreeSet;

use audit_core::{FieldChange, Image, REDACTED};
use serde_json::Value as Json;

use super::plan::FieldRestore;
use crate::trail::{columns::Columns, entries::Event};

/// Some of the entries of one record, in their order: the record before all of them and after.
#[derive(Default)]
pub(super) struct Span {
    ends: Option<Ends>,
    /// Whether the record is still the one that was there before the first entry.
    first_life: bool,
    /// The columns that an entry changed.
    pub(super) touched: BTreeSet<String>,
    /// What others changed between two entries.
    pub(super) between: Vec<FieldRestore>,
}

/// A record at the two ends of a span, as far as its entries tell; none where there was none.
#[derive(Clone, Default)]
pub(super) struct Ends {
    pub(super) then: Option<Image>,
    pub(super) since: Option<Image>,
}

impl Span {
    /// Takes the next entry.
    pub(super) fn apply(&mut self, event: Event, columns: &Columns) {
        let is_update = matches!(event, Event::Update { .. } | Event::Baseline { .. });
        let is_baseline = matches!(event, Event::Baseline { .. });
        let (before, after) = match event {
            Event::Create { after } => (None, Some(after)),
            Event::Update { before, after } => (Some(before), Some(after)),
            Event::Delete { before } => (Some(before), None),
            // No change: it found what it leaves.
            Event::Baseline { after } => (Some(after.clone()), Some(after)),
        };
        if !is_baseline {
            self.touch(before.as_ref(), after.as_ref());
        }
        let Some(ends) = &mut self.ends else {
            self.first_life = is_update;
            self.ends = Some(Ends { then: before, since: after });
            return;
        };
        self.between.extend(differences(ends, before.as_ref(), columns));
        if self.first_life
            && let (Some(then), Some(before)) = (&mut ends.then, before)
        {
            for (column, value) in before {
                then.entry(column).or_insert(value);
            }
        }
        self.first_life &= is_update;
        ends.since = match (ends.since.take(), after) {
            (Some(mut since), Some(after)) => {
                since.extend(after);
                Some(since)
            }
            (_, after) => after,
        };
    }

    /// The ends; none if there was no entry.
    pub(super) fn ends(&self) -> Option<&Ends> {
        self.ends.as_ref()
    }

    fn touch(&mut self, before: Option<&Image>, after: Option<&Image>) {
        let none = Image::new();
        let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
        self.touched.extend(FieldChange::recorded(before, after).into_iter().map(|it| it.column));
    }
}

/// Where the record as an entry found it is not as the entry before had left it.
fn differences(left: &Ends, found: Option<&Image>, columns: &Columns) -> Vec<FieldRestore> {
    let mut names: BTreeSet<&String> = BTreeSet::new();
    match (&left.since, found) {
        (Some(since), Some(found)) => {
            names.extend(found.keys().filter(|name| since.contains_key(*name)));
        }
        (since, found) => names.extend(since.iter().chain(found).flat_map(Image::keys)),
    }
    let differs = |name: &&String| {
        let (since, now) = (value(left.since.as_ref(), name), value(found, name));
        let hidden = [since, now].contains(&Some(&Json::from(REDACTED)));
        !hidden && !columns.same(name, since, now)
    };
    let differing = names.into_iter().filter(differs).map(|name| FieldRestore {
        column: name.clone(),
        then: value(left.then.as_ref(), name).cloned(),
        since: value(left.since.as_ref(), name).cloned(),
        now: value(found, name).cloned(),
        conflict: true,
    });
    differing.collect()
}

pub(super) fn value<'a>(image: Option<&'a Image>, column: &str) -> Option<&'a Json> {
    image.and_then(|image| image.get(column))
}
