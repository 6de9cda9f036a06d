use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use audit_core::InAuditContext;
use sea_orm::DbErr;
use tokio::{runtime::Handle, time::timeout};
use tracing::{Instrument, instrument::WithSubscriber};

/// Runs an operation to its end even if the future is dropped half-way.
///
/// A future of `SQLx` that is dropped while `BEGIN` is under way leaves the connection inside of a
/// transaction that nobody knows of: it goes back to the pool so, and what the next user of it writes
/// is never committed. On `MariaDB` one that is dropped while a statement is being prepared leaves a
/// connection that answers nobody again. A request that a client cancels must not do that to others.
/// So whoever drops the operation leaves it to a task that finishes it.
///
/// A caller who leaves while `begin` still waits has changed nothing: then `work` is not begun, and
/// `begin` is given time to end. Outside of a Tokio runtime there is no task to be had, and the operation
/// is dropped with its future.
pub(crate) async fn run<B, F, U, T>(
    begin: B,
    work: impl FnOnce(U) -> F + Send + 'static,
) -> Result<T, DbErr>
where
    B: Future<Output = Result<U, DbErr>> + Send + 'static,
    F: Future<Output = Result<T, DbErr>> + Send + 'static,
    U: Send + 'static,
    T: Send + 'static,
{
    let progress = Arc::new(Progress::default());
    let own = Arc::clone(&progress);
    let operation = async move {
        let unit = begin.await?;
        if own.abandoned.load(Ordering::Relaxed) {
            return Err(DbErr::Custom("audit: dropped before it began".to_owned()));
        }
        own.begun.store(true, Ordering::Relaxed);
        work(unit).await
    };
    let operation = operation.in_current_audit_context().in_current_span();
    Shielded {
        operation: Some(Box::pin(operation.with_current_subscriber())),
        progress,
        started: false,
    }
    .await
}

/// How many abandoned operations may wait for what they begin with, for as long as the pool lets them.
/// They have the time to finish a `BEGIN` that is under way, however slow the server.
const MAX_WAITING: usize = 64;
/// How long the others may, of which nearly all wait for a connection of a busy pool: they must not pile
/// up in front of it. (A `BEGIN` of `SQLite` can take longer, and may be dropped: its driver takes it
/// back by itself.)
const PATIENCE: Duration = Duration::from_secs(1);

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// An abandoned operation that waits.
struct Waiting {
    is_one_of_few: bool,
}

impl Waiting {
    fn new() -> Self {
        Self { is_one_of_few: WAITING.fetch_add(1, Ordering::Relaxed) < MAX_WAITING }
    }

    async fn end<T>(self, operation: Operation<T>) {
        if self.is_one_of_few {
            let _ = operation.await;
        } else {
            let _ = timeout(PATIENCE, operation).await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Progress {
    begun: AtomicBool,
    abandoned: AtomicBool,
}

type Operation<T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send>>;

/// Polled in place; a task of its own only once it is dropped.
struct Shielded<T: Send + 'static> {
    operation: Option<Operation<T>>,
    progress: Arc<Progress>,
    started: bool,
}

impl<T: Send + 'static> Future for Shielded<T> {
    type Output = Result<T, DbErr>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.started = true;
        // Taken, so that one which panics is not left to a task: it has ended, and polling it again panics again.
        let Some(mut operation) = self.operation.take() else {
            return Poll::Pending;
        };
        let outcome = operation.as_mut().poll(cx);
        if outcome.is_pending() {
            self.operation = Some(operation);
        }
        outcome
    }
}

impl<T: Send + 'static> Drop for Shielded<T> {
    fn drop(&mut self) {
        let Some(operation) = self.operation.take() else {
            return;
        };
        if let Ok(runtime) = Handle::try_current()
            && self.started
        {
            self.progress.abandoned.store(true, Ordering::Relaxed);
            if self.progress.begun.load(Ordering::Relaxed) {
                drop(runtime.spawn(operation));
            } else {
                drop(runtime.spawn(Waiting::new().end(operation)));
            }
        }
    }
}
