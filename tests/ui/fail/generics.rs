//! A model with generics. (SeaORM has complaints of its own about them in an entity, so only the shape is here.)

use audit_seaorm::Auditable;

#[derive(Auditable)]
pub struct Model<T> {
    pub id: T,
}

fn main() {}
