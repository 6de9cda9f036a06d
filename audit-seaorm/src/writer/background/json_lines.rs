use std::{
    error::Error,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use audit_core::AuditEntry;
use serde::{Deserialize, Serialize};

use super::{
    last_resort::{LastResort, Reason},
    secret_file,
};

/// A file that takes entries which cannot be written, one on each line as JSON, each synced to disk. It holds what the
/// entries hold, where redacted values are redacted, and so is opened as a file of secrets is: see [`open`](Self::open).
///
/// [`replay`](Self::replay) writes them into the trail. The same file must not be written by two processes at
/// once; two writers of one process share one `JsonLinesFile`.
///
/// ```
/// use audit_seaorm::{JsonLinesFile, LastResort, Reason};
///
/// let path = std::env::temp_dir().join(format!("audit-rest-{}.jsonl", std::process::id()));
/// let file = JsonLinesFile::open(&path)?;
/// file.keep(&[], Reason::GaveUp)?;
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct JsonLinesFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// A line of such a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<E> {
    pub(super) reason: Reason,
    pub(super) entry: E,
}

impl JsonLinesFile {
    /// Opens the file at this path, to which lines are added, and makes it if there is none: at the start of the
    /// application, so that what is wrong with it is known before an entry needs it.
    ///
    /// On Unix it is for its owner alone (mode 0600); one that others could read or write is narrowed to that. Symbolic
    /// links are not followed. If the file is moved away, the next entries go to a new one at this path. On Windows it
    /// has the rights that its folder gives.
    ///
    /// # Errors
    ///
    /// Those of the file system. On Unix also if it is no regular file, belongs to another user or has a second name,
    /// and if others can put another file in its place: the folder must be the user's own, or root's, and not be
    /// writable by others unless it is sticky, as `/tmp` is.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let file = Mutex::new(secret_file::open(&path)?);
        Ok(Self { path, file })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl LastResort for JsonLinesFile {
    fn keep(
        &self,
        entries: &[AuditEntry],
        reason: Reason,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, &Line { reason, entry })?;
            lines.push(b'\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.find_again(&mut file)?;
        // What failed half-way left half a line, after which the next must begin anew.
        if !ends_with_a_line(&mut file)? {
            lines.insert(0, b'\n');
        }
        file.write_all(&lines)?;
        file.sync_data()?;
        Ok(())
    }
}

impl JsonLinesFile {
    /// Makes the file anew if it was moved away or removed. Where that is refused, entries go to the one that was moved, for
    /// as long as it is to be found.
    fn find_again(&self, file: &mut File) -> io::Result<()> {
        if secret_file::is_at(&self.path, file) {
            return Ok(());
        }
        match secret_file::open(&self.path) {
            Ok(anew) => *file = anew,
            Err(error) if secret_file::has_a_name(file) => {
                let path = self.path.display();
                tracing::error!(%path, %error, "audit: entries go to the file that was there before");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// A process that was killed may have left half a line.
fn ends_with_a_line(file: &mut File) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};

    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
