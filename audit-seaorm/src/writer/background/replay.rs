use std::{
    io::{BufRead, BufReader},
    path::Path,
    sync::Arc,
};

use audit_core::AuditEntry;
use sea_orm::{DatabaseConnection, DbErr};

use super::{
    json_lines::{JsonLinesFile, Line},
    last_resort::Reason,
    queue::Batch,
    secret_file,
    store::store,
};
use crate::{AuditPool, redaction, writer::AuditCounters};

/// What became of the lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Entries that were written.
    pub written: u64,
    /// Entries that the trail had already.
    pub present: u64,
    /// Lines, counted from 1, of entries whose change may not have taken place ([`Reason::InDoubt`]). They are not
    /// written: look at each, and at the record.
    pub in_doubt: Vec<u64>,
    /// Lines that are no entry of this version, as one that a full disk has cut off, or one with a field that only a
    /// newer version knows.
    pub unreadable: Vec<u64>,
    /// Lines of entries that the database refuses.
    pub refused: Vec<u64>,
}

impl Replayed {
    /// Whether the trail has all that the file has, so that the file can go.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.in_doubt.is_empty() && self.unreadable.is_empty() && self.refused.is_empty()
    }
}

/// How many lines are read before they are written.
const LINES: usize = 256;

impl JsonLinesFile {
    /// Writes the entries of a file into the trail, each that is not there yet; so it can be run again, and after it
    /// has failed. Columns that are redacted by now are written so. The file stays as it is: remove it once [`is_complete`](Replayed::is_complete).
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is a symbolic link or one that others can write to, whose entries may be
    /// anybody's (on Unix); or if the database cannot be written to at all. What was written until then stays.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, some entries are written and others are not; run it again.
    ///
    /// ```
    /// use audit_seaorm::{JsonLinesFile, Replayed};
    /// use sea_orm::{Database, DbErr};
    /// # use audit_migration::MigratorTrait;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// # let path = std::env::temp_dir().join(format!("audit-replay-{}.jsonl", std::process::id()));
    /// # std::fs::write(&path, "cut of").unwrap();
    /// let replayed = JsonLinesFile::replay(&path, &db).await?;
    /// assert_eq!(replayed.written, 0);
    /// assert_eq!(replayed.unreadable, [1]);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn replay(path: impl AsRef<Path>, db: &impl AuditPool) -> Result<Replayed, DbErr> {
        let db = db.guarded().into_inner();
        let unreadable = |error: std::io::Error| {
            DbErr::Custom(format!("audit: {}: {error}", path.as_ref().display()))
        };
        let mut lines = BufReader::new(secret_file::read(path.as_ref()).map_err(unreadable)?);
        let mut replayed = Replayed::default();
        let (mut number, mut batch) = (0, Vec::new());
        let mut line = Vec::new();
        loop {
            line.clear();
            let more = lines.read_until(b'\n', &mut line).map_err(unreadable)? > 0;
            if more {
                number += 1;
                replayed.sort(number, &line, &mut batch);
            }
            if batch.len() == LINES || !more {
                replayed.write(&db, std::mem::take(&mut batch)).await?;
            }
            if !more {
                return Ok(replayed);
            }
        }
    }
}

impl Replayed {
    fn sort(&mut self, number: u64, line: &[u8], batch: &mut Batch) {
        if line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<Line<AuditEntry>>(line) {
            Ok(Line { reason: Reason::InDoubt, .. }) => self.in_doubt.push(number),
            // Twice in the file, as one that was given up and written all the same.
            Ok(Line { entry, .. }) if batch.iter().any(|(_, known)| known.id == entry.id) => {
                self.present += 1;
            }
            Ok(Line { mut entry, .. }) => {
                // What is hidden by now goes into no table any more.
                redaction::hide_in_all(std::slice::from_mut(&mut entry));
                batch.push((number, Arc::new(entry)));
            }
            Err(_) => self.unreadable.push(number),
        }
    }

    async fn write(&mut self, db: &DatabaseConnection, batch: Batch) -> Result<(), DbErr> {
        if batch.is_empty() {
            return Ok(());
        }
        let tried = batch.len();
        let there = super::store::present(db, batch.iter().map(|(_, entry)| &**entry)).await?;
        let present = there.len() as u64;
        let attempt = store(db, batch, true).await;
        let written = (attempt.written.len() as u64).saturating_sub(present);
        AuditCounters::count_written(usize::try_from(written).unwrap_or_default());
        self.written += written;
        self.present += present;
        let all = attempt.written.len() + attempt.refused.len() == tried;
        self.refused.extend(attempt.refused);
        match attempt.error {
            Some(error) if !all => Err(error),
            _ => Ok(()),
        }
    }
}
