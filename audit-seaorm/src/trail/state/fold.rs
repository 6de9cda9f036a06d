use audit_core::Image;

use crate::trail::entries::Event;

/// A record while its entries are read in order.
#[derive(Default)]
pub(in crate::trail) struct Fold(Option<Image>);

/// The record before and after an entry; none where there was none.
pub(in crate::trail) type BeforeAfter = (Option<Image>, Option<Image>);

impl Fold {
    /// Takes the next entry.
    pub(in crate::trail) fn apply(&mut self, event: Event) -> BeforeAfter {
        match event {
            Event::Create { after } => {
                self.0 = Some(after.clone());
                (None, Some(after))
            }
            Event::Update { before, after } => {
                let mut known = self.0.take().unwrap_or_default();
                known.extend(before);
                let former = known.clone();
                known.extend(after);
                self.0 = Some(known.clone());
                (Some(former), Some(known))
            }
            Event::Delete { before } => {
                let mut known = self.0.take().unwrap_or_default();
                known.extend(before);
                (Some(known), None)
            }
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
