use audit_core::Image;

use crate::trail::entries::Event;

/// A record while its entries are read in order.
#[derive(Default)]
pub(in crate::trail) struct Fold(Option<Image>);

/// The record before and after an entry; none where there was none.
pub(super) type BeforeAfter = (Option<Image>, Option<Image>);

impl Fold {
    /// Takes the next entry.
    pub(in crate::trail) fn apply(&mut self, event: Event) {
        let after = self.look_back(event);
        self.go_on(after);
    }

    /// Takes the next entry and shows the record around it, for which it is copied twice.
    pub(super) fn step(&mut self, event: Event) -> BeforeAfter {
        let after = self.look_back(event);
        let before = self.0.clone();
        self.go_on(after);
        (before, self.0.clone())
    }

    /// To just before the entry, of which it gives what it says of after; none where the record goes.
    fn look_back(&mut self, event: Event) -> Option<Image> {
        let (before, after) = match event {
            Event::Create { after } => {
                self.0 = None;
                return Some(after);
            }
            Event::Update { before, after } => (before, Some(after)),
            Event::Delete { before } => (before, None),
            // It was there, and of how it stood nobody knows more than the entries before tell.
            Event::Baseline { after } => (Image::new(), Some(after)),
        };
        self.0.get_or_insert_default().extend(before);
        after
    }

    fn go_on(&mut self, after: Option<Image>) {
        match after {
            Some(after) => self.0.get_or_insert_default().extend(after),
            None => self.0 = None,
        }
    }

    /// The record after the last entry so far.
    pub(in crate::trail) fn image(&self) -> Option<&Image> {
        self.0.as_ref()
    }

    /// The record after the last entry.
    pub(in crate::trail) fn into_image(self) -> Option<Image> {
        self.0
    }
}
