use std::{
    error::Error,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use audit_core::AuditEntry;
use serde::{Deserialize, Serialize};

use super::last_resort::{LastResort, Reason};

/// A file that takes entries which cannot be written, one on each line as JSON, each synced to disk. The file is
/// made when it is first needed, for its owner alone (mode 0600 on Unix); it holds what the entries hold, where
/// redacted values are redacted.
///
/// [`replay`](Self::replay) writes them into the trail. The same file must not be written by two processes at
/// once; two writers of one process share one `JsonLinesFile`.
///
/// ```
/// use audit_seaorm::{JsonLinesFile, LastResort, Reason};
///
/// let path = std::env::temp_dir().join(format!("audit-rest-{}.jsonl", std::process::id()));
/// let file = JsonLinesFile::new(&path);
/// assert!(!path.exists());
/// file.keep(&[], Reason::GaveUp)?;
/// assert!(path.exists());
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Debug)]
pub struct JsonLinesFile {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

/// A line of such a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Line<E> {
    pub(super) reason: Reason,
    pub(super) entry: E,
}

impl JsonLinesFile {
    /// The file at this path, to which lines are added.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: Mutex::default() }
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
        let mut kept = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // What fails half-way leaves half a line, after which the next must begin anew.
        let mut file = kept.take().map_or_else(|| open(&self.path), Ok)?;
        file.write_all(&lines)?;
        file.sync_data()?;
        *kept = Some(file);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if !ends_with_a_line(&mut file)? {
        file.write_all(b"\n")?;
    }
    Ok(file)
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
