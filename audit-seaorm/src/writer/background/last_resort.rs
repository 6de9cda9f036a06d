use std::{error::Error, fmt};

use audit_core::AuditEntry;
use serde::{Deserialize, Serialize};

/// Takes what the writer in the background cannot write: the last that stands between an entry and its loss.
///
/// [`JsonLinesFile`](crate::JsonLinesFile) is one, and so is any function of this form. It is called from the task
/// of the writer, or from that of a write whose writer has ended: it may take its time, but not for ever.
///
/// ```
/// use audit_seaorm::{AuditEntry, LastResort, Reason};
///
/// fn to_standard_error(entries: &[AuditEntry], reason: Reason) -> Result<(), std::io::Error> {
///     for entry in entries {
///         eprintln!("{reason}: {}", entry.id);
///     }
///     Ok(())
/// }
///
/// assert!(LastResort::keep(&to_standard_error, &[], Reason::GaveUp).is_ok());
/// ```
pub trait LastResort: Send + Sync + 'static {
    /// Keeps these entries.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way. The entries are lost then: they are counted, and an error is logged.
    fn keep(
        &self,
        entries: &[AuditEntry],
        reason: Reason,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl<F, E> LastResort for F
where
    F: Fn(&[AuditEntry], Reason) -> Result<(), E> + Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn keep(
        &self,
        entries: &[AuditEntry],
        reason: Reason,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self(entries, reason).map_err(Into::into)
    }
}

/// Why entries went to the last resort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The database refused them again and again, and took others meanwhile.
    Refused,
    /// None could be written for as long as the settings say.
    GaveUp,
    /// The writer ended before it could write them: its runtime was shut down.
    Ended,
    /// The answer to the `COMMIT` of their change was lost, and nothing tells whether it took place. They may tell
    /// of what never happened.
    InDoubt,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused by the database",
            Self::GaveUp => "none could be written for too long",
            Self::Ended => "the writer has ended",
            Self::InDoubt => "the commit is in doubt",
        })
    }
}
