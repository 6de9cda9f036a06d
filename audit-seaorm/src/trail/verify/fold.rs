use audit_core::Image;

use super::report::FindingKind;
use crate::trail::{columns::Columns, entries::Event};

/// What the entries of one record, read in order, say of it.
#[derive(Default)]
pub(super) struct Fold {
    life: Life,
    known: Image,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Life {
    /// No entry yet.
    #[default]
    Unborn,
    Present,
    Absent,
    /// An entry could not be read, so that nothing is known for sure.
    Unclear,
}

/// What is wrong with an entry, and the columns in which it shows.
pub(super) type Flaw = (FindingKind, Vec<String>);

impl Fold {
    pub(super) fn life(&self) -> Life {
        self.life
    }

    /// The columns whose last value is known; the others were never told.
    pub(super) fn known(&self) -> &Image {
        &self.known
    }

    /// Takes the next entry, which stands from here on even if it is flawed: one damage is one finding.
    pub(super) fn apply(&mut self, event: Option<Event>, columns: &Columns) -> Option<Flaw> {
        let Some(event) = event else {
            self.enter(Life::Unclear, Image::new());
            return Some((FindingKind::EntryUnreadable, Vec::new()));
        };
        match event {
            Event::Create { after } => {
                let twice = self.life == Life::Present;
                self.enter(Life::Present, after);
                twice.then(|| (FindingKind::CreatedTwice, Vec::new()))
            }
            Event::Update { before, after } => {
                let flaw = self.check(&before, columns);
                self.known.retain(|column, _| !before.contains_key(column));
                self.known.extend(after);
                self.life = Life::Present;
                flaw
            }
            Event::Delete { before } => {
                let flaw = self.check(&before, columns);
                self.enter(Life::Absent, Image::new());
                flaw
            }
            Event::Baseline { after } => {
                let flaw = self.check_baseline(&after, columns);
                self.enter(Life::Present, after);
                flaw
            }
        }
    }

    fn enter(&mut self, life: Life, known: Image) {
        *self = Self { life, known };
    }

    fn check(&self, before: &Image, columns: &Columns) -> Option<Flaw> {
        match self.life {
            Life::Unclear => None,
            Life::Unborn => Some((FindingKind::BeganBeforeTrail, Vec::new())),
            Life::Absent => Some((FindingKind::ChangedAfterDelete, Vec::new())),
            Life::Present => {
                let differing = columns.differing(&self.known, before);
                (!differing.is_empty()).then_some((FindingKind::BeforeImageDiffers, differing))
            }
        }
    }

    fn check_baseline(&self, found: &Image, columns: &Columns) -> Option<Flaw> {
        match self.life {
            // It says itself that it does not know what was before.
            Life::Unclear | Life::Unborn => None,
            Life::Absent => Some((FindingKind::BaselineAfterDelete, Vec::new())),
            Life::Present => {
                let differing = columns.differing(&self.known, found);
                (!differing.is_empty()).then_some((FindingKind::BaselineDiffers, differing))
            }
        }
    }
}
