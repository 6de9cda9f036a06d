use std::future::Future;

use tokio::task::JoinHandle;

use crate::scope::Scope;

/// `tokio::spawn` that carries the current scope: the context as it is now, the configuration, and
/// whether recording is paused. A later `set_user` on either side does not reach the other.
///
/// # Panics
///
/// Panics outside of a Tokio runtime, as `tokio::spawn` does.
///
/// ```
/// use audit_core::{AuditContext, AuditUser};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// AuditContext::new()
///     .user(AuditUser::new("42"))
///     .scope(async {
///         let user = audit_core::spawn(async { AuditContext::current_user() });
///         assert_eq!(user.await.unwrap().unwrap().id(), "42");
///     })
///     .await;
/// # }
/// ```
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_audit_context())
}

/// `tokio::task::spawn_blocking` that carries the current scope, as [`spawn`] does.
///
/// # Panics
///
/// Panics outside of a Tokio runtime, as `tokio::task::spawn_blocking` does.
pub fn spawn_blocking<T, W>(work: W) -> JoinHandle<T>
where
    W: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let scope = Scope::current().detached();
    tokio::task::spawn_blocking(move || scope.run_sync(work))
}

/// Carries the current scope into a future that another executor, a `JoinSet` or an actor runs.
///
/// ```
/// use audit_core::{AuditContext, AuditUser, InAuditContext};
/// use tokio::task::JoinSet;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut tasks = JoinSet::new();
/// AuditContext::new().user(AuditUser::new("42")).sync_scope(|| {
///     tasks.spawn(async { AuditContext::current_user() }.in_current_audit_context())
/// });
/// let user = tasks.join_next().await.unwrap().unwrap();
/// assert_eq!(user.unwrap().id(), "42");
/// # }
/// ```
pub trait InAuditContext: Future + Sized {
    /// The scope is taken when this is called, not when the future is first polled.
    fn in_current_audit_context(self) -> impl Future<Output = Self::Output> + use<Self> {
        Scope::current().detached().run(self)
    }
}

impl<F: Future> InAuditContext for F {}
