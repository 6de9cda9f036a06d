use std::fmt;

/// Entries, or revisions, one below the other.
///
/// ```
/// use audit_core::{AuditEntry, Listing};
///
/// fn print(entries: &[AuditEntry]) {
///     println!("{}", Listing(entries));
/// }
/// # assert_eq!(Listing::<AuditEntry>(&[]).to_string(), "(no entries)");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a, T>(pub &'a [T]);

impl<T: fmt::Display> fmt::Display for Listing<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.0.split_first() else {
            return f.write_str("(no entries)");
        };
        first.fmt(f)?;
        for other in others {
            writeln!(f)?;
            other.fmt(f)?;
        }
        Ok(())
    }
}
