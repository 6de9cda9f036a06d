//! An enum.

use audit_seaorm::Auditable;

#[derive(Auditable)]
pub enum Model {
    Id,
}

fn main() {}
