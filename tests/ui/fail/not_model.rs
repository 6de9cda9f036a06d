//! The derive on another struct than `Model`.

use audit_seaorm::Auditable;

#[derive(Auditable)]
pub struct Cake {
    pub id: i32,
}

fn main() {}
