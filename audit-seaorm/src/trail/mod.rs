//! Reading the trail, and writing to it by hand.

mod find;
mod record;

/// The trail of all audited tables.
#[derive(Clone, Copy, Debug)]
pub struct AuditTrail;
