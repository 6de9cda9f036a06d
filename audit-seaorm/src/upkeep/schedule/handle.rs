use std::time::Duration;

use tokio::{sync::oneshot, task::JoinHandle};

use super::{AuditUpkeep, Turn};

/// How often it is looked whether upkeep is due, at most.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Upkeep in the background. Dropping it stops the task at its next await, as [`stop`](Self::stop) does after the turn that
/// is under way.
#[derive(Debug)]
pub struct UpkeepHandle {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl AuditUpkeep {
    /// Does it from now on, whenever it is due, and looks for that once a minute at least. What fails is logged as an
    /// error and tried again.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    #[must_use = "upkeep stops when this is dropped"]
    pub fn start(self) -> UpkeepHandle {
        let (stop, stopped) = oneshot::channel();
        UpkeepHandle { stop: Some(stop), task: tokio::spawn(self.go_on(stopped)) }
    }

    async fn go_on(self, mut stopped: oneshot::Receiver<()>) {
        let wait = self.every.min(LONGEST_WAIT);
        loop {
            match self.run().await {
                Ok(Turn::Done(report)) => tracing::info!(
                    deleted = report.pruned.deleted,
                    dropped_partitions = report.pruned.partitions.len(),
                    created_partitions = report.created_partitions.len(),
                    "audit upkeep done"
                ),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "audit upkeep failed: it is tried again"),
            }
            if tokio::time::timeout(wait, &mut stopped).await.is_ok() {
                return;
            }
        }
    }
}

impl UpkeepHandle {
    /// Lets the turn that is under way come to its end, and then no other begin.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the task is stopped at once.
    pub async fn stop(mut self) {
        self.stop = None;
        // A task that panicked has nothing left to stop.
        let _ = (&mut self.task).await;
    }
}

impl Drop for UpkeepHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
