//! A union.

use audit_seaorm::Auditable;

#[derive(Auditable)]
pub union Model {
    pub id: i32,
}

fn main() {}
