use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{AuditBody, AuditFuture, UserExtractor, settings::Settings};

/// A service whose requests have a context each: what [`AuditLayer`](crate::AuditLayer) makes.
pub struct AuditService<S, U = ()> {
    inner: S,
    settings: Arc<Settings>,
    user: Arc<U>,
}

impl<S, U> AuditService<S, U> {
    pub(super) fn new(inner: S, settings: Arc<Settings>, user: Arc<U>) -> Self {
        Self { inner, settings, user }
    }
}

impl<S, U, B, R> Service<Request<B>> for AuditService<S, U>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    U: UserExtractor,
{
    type Response = Response<AuditBody<R>>;
    type Error = S::Error;
    type Future = AuditFuture<S, U, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was polled until it was ready goes with the request; its clone has to be polled anew.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        AuditFuture::new(ready, request, Arc::clone(&self.settings), Arc::clone(&self.user))
    }
}

impl<S: Clone, U> Clone for AuditService<S, U> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.settings), Arc::clone(&self.user))
    }
}

impl<S: fmt::Debug, U> fmt::Debug for AuditService<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditService")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
