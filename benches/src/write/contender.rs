use super::case::Write;
use crate::{Result, meter::Meter};

/// One way of doing what a case asks for. Numbers are those of the posts, from 1.
pub(super) trait Contender {
    async fn on_pool(&self, write: Write, number: i64) -> Result<()>;

    /// Begins and commits a transaction, and meters what lies between.
    async fn in_transaction(&self, write: Write, number: i64, meter: &mut Meter) -> Result<()>;

    /// One transaction of [`UPDATES`](super::case::UPDATES) updates.
    async fn updates(&self, first: i64) -> Result<()>;

    /// One write of all posts, or of [`BULK`](super::case::BULK) new ones.
    async fn bulk(&self, write: Write) -> Result<()>;
}
