use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit_core::AuditEntry;

use crate::writer::weight;

/// What a level keeps at most before it writes entries out: enough for few statements, little enough
/// for any packet and any memory.
const MAX_ENTRIES: usize = 1024;
const MAX_BYTES: usize = 1 << 20;

/// The levels of nesting that are open on the connection, the outermost first, each with the entries of the
/// changes that were made while it was the innermost.
///
/// A change belongs to the innermost level, whichever handle made it: that is the savepoint in which the database
/// has it. `SQLx` counts its savepoints just so.
#[derive(Debug)]
pub(super) struct Levels(Mutex<Vec<Level>>);

#[derive(Debug, Default)]
struct Level {
    entries: Vec<AuditEntry>,
    bytes: usize,
    /// Entries of the levels further out that were written inside of this one, by their level. They come back
    /// when it is rolled back.
    lent: Vec<(usize, Vec<AuditEntry>)>,
}

/// A level that has begun. It is rolled back unless it is released.
#[derive(Debug)]
pub(super) struct OpenLevel(Option<Arc<Levels>>);

impl OpenLevel {
    /// The outermost level has been there from the beginning.
    pub(super) const fn outermost() -> Self {
        Self(None)
    }

    /// A savepoint has been made.
    pub(super) fn nested(levels: &Arc<Levels>) -> Self {
        levels.levels().push(Level::default());
        Self(Some(Arc::clone(levels)))
    }

    /// The innermost savepoint has been released: what it has is the next level's.
    pub(super) fn release(mut self) {
        if let Some(levels) = self.0.take() {
            levels.release();
        }
    }
}

impl Drop for OpenLevel {
    fn drop(&mut self) {
        if let Some(levels) = self.0.take() {
            levels.roll_back();
        }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self(Mutex::new(vec![Level::default()]))
    }
}

impl Levels {
    /// Adds an entry, and tells whether it is time to write those of its level out.
    pub(super) fn push(&self, entry: AuditEntry) -> bool {
        let mut levels = self.levels();
        let Some(level) = levels.last_mut() else { return false };
        level.add(entry);
        level.is_full()
    }

    /// Takes the entries of the innermost level, which are about to be written.
    pub(super) fn take(&self) -> Vec<AuditEntry> {
        self.levels().last_mut().map(Level::take).unwrap_or_default()
    }

    /// Takes the entries of all levels, which are about to be written inside of the innermost one.
    pub(super) fn take_all(&self) -> Vec<AuditEntry> {
        let mut levels = self.levels();
        let Some((innermost, outer)) = levels.split_last_mut() else { return Vec::new() };
        let mut all = Vec::new();
        for (place, level) in outer.iter_mut().enumerate() {
            let entries = level.take();
            if !entries.is_empty() {
                innermost.lent.push((place, entries.clone()));
                all.extend(entries);
            }
        }
        all.extend(innermost.take());
        all
    }

    /// Takes the entries of the innermost level if the one around it has no room for them.
    pub(super) fn take_excess(&self) -> Vec<AuditEntry> {
        let mut levels = self.levels();
        let [.., outer, inner] = &mut levels[..] else { return Vec::new() };
        let fits = outer.entries.len() + inner.entries.len() < MAX_ENTRIES
            && outer.bytes + inner.bytes < MAX_BYTES;
        if fits { Vec::new() } else { inner.take() }
    }

    fn release(&self) {
        let mut levels = self.levels();
        let Some(inner) = levels.pop() else { return };
        let place = levels.len().saturating_sub(1);
        if let Some(outer) = levels.last_mut() {
            for entry in inner.entries {
                outer.add(entry);
            }
            outer.lent.extend(inner.lent.into_iter().filter(|(of, _)| *of < place));
        }
    }

    fn roll_back(&self) {
        let mut levels = self.levels();
        let Some(inner) = levels.pop() else { return };
        for (place, mut entries) in inner.lent {
            if let Some(level) = levels.get_mut(place) {
                entries.append(&mut level.entries);
                level.bytes = 0;
                for entry in entries {
                    level.add(entry);
                }
            }
        }
    }

    fn levels(&self) -> MutexGuard<'_, Vec<Level>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Level {
    fn add(&mut self, entry: AuditEntry) {
        self.bytes += weight::of(&entry);
        self.entries.push(entry);
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MAX_ENTRIES || self.bytes >= MAX_BYTES
    }

    fn take(&mut self) -> Vec<AuditEntry> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }
}
