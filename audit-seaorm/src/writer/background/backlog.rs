use std::{collections::HashMap, fmt, sync::Arc};

use audit_core::{AuditConfig, AuditEntry, FailurePolicy};
use sea_orm::DbBackend;
use tokio::sync::OwnedSemaphorePermit;

use super::{Queue, Slot, state::Phase};
use crate::writer::in_order;

/// The queue as one unit of writes has it: with room for an entry, if there is any.
///
/// It is waited for before the unit begins, when it holds neither locks nor a connection, which the writer in the
/// background may need to make room.
pub(crate) struct Backlog {
    queue: Arc<Queue>,
    room: Option<OwnedSemaphorePermit>,
    policy: FailurePolicy,
}

impl Backlog {
    /// None where entries are written with their changes.
    pub(crate) async fn reserve(config: &AuditConfig, backend: DbBackend) -> Option<Self> {
        let handle = config.background_writer()?;
        let queue = Arc::clone(handle).downcast::<Queue>().ok()?;
        if queue.backend != backend || queue.phase() != Phase::Open {
            return None;
        }
        let room = queue.room().await;
        Some(Self { queue, room, policy: config.failure_policy() })
    }

    /// What happens to the unit if its entries must be written in it and cannot be.
    pub(crate) fn policy(&self) -> FailurePolicy {
        self.policy
    }

    /// Takes places for the entries of the unit, which is about to commit; gives them back where there is not
    /// room for all, to be written in its transaction.
    pub(crate) fn place(
        self,
        mut entries: Vec<AuditEntry>,
    ) -> Result<Option<Slot>, Vec<AuditEntry>> {
        if entries.is_empty() {
            return Ok(None);
        }
        in_order::rise(&mut entries, &HashMap::new());
        self.queue.place(entries, self.room).map(Some)
    }
}

impl fmt::Debug for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backlog").field("room", &self.room.is_some()).finish_non_exhaustive()
    }
}
