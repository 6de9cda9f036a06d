use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::scope::Scope;

pin_project! {
    /// The body of a response, which is streamed and dropped in the context of its request.
    #[derive(Debug)]
    pub struct AuditBody<B> {
        // None once it is dropped.
        #[pin]
        body: Option<B>,
        scope: Scope,
    }

    impl<B> PinnedDrop for AuditBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            std::mem::take(this.scope).run_in_drop(|| this.body.set(None));
        }
    }
}

impl<B> AuditBody<B> {
    pub(super) fn new(body: B, scope: Scope) -> Self {
        Self { body: Some(body), scope }
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> Option<&B> {
        self.body.as_ref()
    }
}

/// For layers that answer in place of a handler.
impl<B: Default> Default for AuditBody<B> {
    fn default() -> Self {
        Self::new(B::default(), Scope::current())
    }
}

impl<B: Body> Body for AuditBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let Some(body) = this.body.as_pin_mut() else {
            return Poll::Ready(None);
        };
        this.scope.clone().run_sync(|| body.poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
