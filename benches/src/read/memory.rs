use std::fs;

use crate::report::rounded;

/// Watches the memory of this process, as Linux tells it.
pub(super) struct Watch {
    before: f64,
}

impl Watch {
    /// None where the system does not tell.
    pub(super) fn start() -> Option<Self> {
        // Forgets the peak so far.
        fs::write("/proc/self/clear_refs", "5").ok()?;
        Some(Self { before: megabytes("VmRSS:")? })
    }

    /// The most that the process has held at once beyond what it held at the start, in megabytes.
    pub(super) fn peak(&self) -> Option<f64> {
        Some(rounded(megabytes("VmHWM:")? - self.before, 2))
    }
}

fn megabytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
