//! A struct without names for its fields.

use audit_seaorm::Auditable;

#[derive(Auditable)]
pub struct Model(pub i32);

fn main() {}
