//! `#[audited]` on an item that is not a block.

use audit_seaorm::audited;

#[audited]
pub struct ActiveModel {
    pub id: i32,
}

fn main() {}
