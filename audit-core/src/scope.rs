//! The one task-local: context, configuration and pause travel together.
//!
//! Whoever opens a scope starts from [`Scope::current`] when its future is first polled, not when it
//! is made: `config.scope(context.scope(future))` has both.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::futures::TaskLocalFuture;

use crate::{AuditConfig, AuditContext};

tokio::task_local! {
    static SCOPE: Scope;
}

/// What a task carries. A clone shares the context, so that [`AuditContext::set_user`] inside of
/// [`AuditContext::without_audit`] or a configuration scope is seen by the code around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    context: Option<Arc<Mutex<AuditContext>>>,
    config: Option<Arc<AuditConfig>>,
    paused: bool,
}

impl Scope {
    pub(crate) fn current() -> Self {
        SCOPE.try_with(Clone::clone).unwrap_or_default()
    }

    pub(crate) fn with_context(mut self, context: AuditContext) -> Self {
        self.context = Some(Arc::new(Mutex::new(context)));
        self
    }

    pub(crate) fn with_config(mut self, config: Arc<AuditConfig>) -> Self {
        self.config = Some(config);
        self
    }

    pub(crate) fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// A copy for another task: from here on the two can name different users.
    pub(crate) fn detached(self) -> Self {
        match self.context() {
            Some(context) => self.with_context(context),
            None => self,
        }
    }

    pub(crate) fn context(&self) -> Option<AuditContext> {
        let context = self.context.as_ref()?;
        Some(context.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    pub(crate) fn has_user(&self) -> bool {
        let context = self.context.as_ref();
        context.is_some_and(|context| {
            context.lock().unwrap_or_else(PoisonError::into_inner).get_user().is_some()
        })
    }

    pub(crate) fn config(&self) -> Option<Arc<AuditConfig>> {
        self.config.clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut AuditContext)) -> bool {
        let Some(context) = &self.context else {
            return false;
        };
        change(&mut context.lock().unwrap_or_else(PoisonError::into_inner));
        true
    }

    pub(crate) fn run<F: Future>(self, future: F) -> TaskLocalFuture<Self, F> {
        SCOPE.scope(self, future)
    }

    pub(crate) fn run_sync<T>(self, work: impl FnOnce() -> T) -> T {
        SCOPE.sync_scope(self, work)
    }

    /// As [`run_sync`](Self::run_sync), for destructors: on a thread that has come so far to its end that
    /// it has no task-locals any more, `work` runs without the scope instead of panicking.
    #[cfg(feature = "tower")]
    pub(crate) fn run_in_drop<W: FnOnce()>(self, work: W) {
        struct WhenDropped<W: FnOnce()>(Option<W>);

        impl<W: FnOnce()> Drop for WhenDropped<W> {
            fn drop(&mut self) {
                if let Some(work) = self.0.take() {
                    work();
                }
            }
        }

        let work = WhenDropped(Some(work));
        // The future is never polled: it drops what it holds in the scope.
        drop(self.run(async move { drop(work) }));
    }
}

/// Whether the task is inside of [`AuditContext::without_audit`], where nothing is recorded.
#[must_use]
pub fn is_paused() -> bool {
    SCOPE.try_with(|scope| scope.paused).unwrap_or_default()
}
