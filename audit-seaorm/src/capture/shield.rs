use std::panic::resume_unwind;

use sea_orm::DbErr;
use tokio::{runtime::Handle, sync::oneshot};
use tracing::{Instrument, instrument::WithSubscriber};

/// Runs an operation to its end even if the future is dropped half-way.
///
/// A future of `SQLx` that is dropped while `BEGIN` is under way leaves the connection inside of a
/// transaction that nobody knows of: it goes back to the pool so, and what the next user of it writes
/// is never committed. A request that a client cancels must not do that to others. So the work is a
/// task of its own, and the caller merely waits for it.
///
/// A caller who leaves while it still waits for a connection has changed nothing: then `work` is not
/// begun. Without a Tokio runtime there is no task to be had, and it all runs in place.
pub(super) async fn run<B, F, U, T>(
    begin: B,
    work: impl FnOnce(U) -> F + Send + 'static,
) -> Result<T, DbErr>
where
    B: Future<Output = Result<U, DbErr>> + Send + 'static,
    F: Future<Output = Result<T, DbErr>> + Send,
    U: Send,
    T: Send + 'static,
{
    if Handle::try_current().is_err() {
        return work(begin.await?).await;
    }
    let (answer, waiting) = oneshot::channel();
    let task = async move {
        let unit = begin.await;
        if answer.is_closed() {
            return;
        }
        let outcome = match unit {
            Ok(unit) => work(unit).await,
            Err(error) => Err(error),
        };
        // Nobody waits any more: the work is done all the same.
        let _ = answer.send(outcome);
    };
    let task = audit_core::spawn(task.in_current_span().with_current_subscriber());
    match waiting.await {
        Ok(outcome) => outcome,
        Err(_) => match task.await {
            Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
            _ => Err(DbErr::Custom("audit: the runtime shut down during a write".to_owned())),
        },
    }
}
