use audit_core::Operation;
use sea_orm::{ConnectionTrait, DbErr};

use super::ground::Ground;
use crate::{Auditable, writer::Recorder};

/// A write together with its entries.
pub(crate) trait Write: Send + 'static {
    type Entity: Auditable;
    type Output: Send + 'static;
    const OPERATION: Operation;
    /// Whether it takes several statements that change something, so that a failure half-way leaves
    /// some of it done.
    const STEPS: bool = false;

    /// Writes and records. An error leaves it to the caller to take back what was written.
    fn run<D: ConnectionTrait>(
        self,
        recorder: &Recorder<Self::Entity>,
        ground: Ground<'_, D>,
    ) -> impl Future<Output = Result<Self::Output, DbErr>> + Send;
}
