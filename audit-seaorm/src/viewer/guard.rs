//! Who may look.

use std::{
    fmt,
    future::{Future, Ready, ready},
    pin::Pin,
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::page::Problem;

/// Says of each request whether it may see the trail, told from its head and from the extensions that layers before
/// have set.
///
/// Any `Fn(&Parts) -> A` is one, where `A` is a `bool`, or a `Result<(), R>` whose error is the answer in the place
/// of the page, such as a redirection to the login. For those that have to wait there is
/// [`AuditViewer::new_async`](super::AuditViewer::new_async).
///
/// It is asked once for each page, and for the style sheet. The path that it sees is that below the mount, such as
/// `/activity`; axum's `OriginalUri` among the extensions has the whole of it. A panic goes through to whatever
/// catches those of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who may see the trail",
    label = "expected `Fn(&http::request::Parts) -> bool`, or one that gives a `Result<(), impl IntoResponse>`",
    note = "a closure that gives a future goes to `AuditViewer::new_async`"
)]
pub trait ViewerGuard: Send + Sync + 'static {
    /// The answer to come. It must not borrow from the request.
    type Future: Future<Output = Admission> + Send;

    /// Begins to find out whether this request may see the trail.
    fn admit(&self, request: &Parts) -> Self::Future;
}

/// What a [`ViewerGuard`] says: made from a `bool`, or from a `Result<(), R>`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Admission {
    /// The page is shown.
    Granted,
    /// 403, with a page that says no more than that.
    Denied,
    /// This answer in the place of the page, as it is.
    Answered(Box<Response>),
}

impl From<bool> for Admission {
    fn from(granted: bool) -> Self {
        if granted { Self::Granted } else { Self::Denied }
    }
}

impl<R: IntoResponse> From<Result<(), R>> for Admission {
    fn from(granted: Result<(), R>) -> Self {
        match granted {
            Ok(()) => Self::Granted,
            Err(answer) => Self::Answered(Box::new(answer.into_response())),
        }
    }
}

impl<F, A> ViewerGuard for F
where
    F: Fn(&Parts) -> A + Send + Sync + 'static,
    A: Into<Admission>,
{
    type Future = Ready<Admission>;

    fn admit(&self, request: &Parts) -> Self::Future {
        ready(self(request).into())
    }
}

/// A function that gives a future, as a [`ViewerGuard`]:
/// see [`AuditViewer::new_async`](super::AuditViewer::new_async).
#[derive(Clone, Copy)]
pub struct AsyncGuard<F>(pub(super) F);

impl<F, Fut, A> ViewerGuard for AsyncGuard<F>
where
    F: Fn(&Parts) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = A> + Send + 'static,
    A: Into<Admission>,
{
    type Future = Pin<Box<dyn Future<Output = Admission> + Send>>;

    fn admit(&self, request: &Parts) -> Self::Future {
        let answer = self.0(request);
        Box::pin(async { answer.await.into() })
    }
}

impl<F> fmt::Debug for AsyncGuard<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncGuard").finish_non_exhaustive()
    }
}

/// Lets a request pass, or answers it.
pub(super) async fn ask<G: ViewerGuard>(
    State(guard): State<Arc<G>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    match guard.admit(&head).await {
        Admission::Granted => next.run(Request::from_parts(head, body)).await,
        Admission::Denied => {
            let title = "You may not see this";
            let advice = "The audit trail is open to those whom the application lets in.";
            Problem::new(StatusCode::FORBIDDEN, title, advice).into_response()
        }
        Admission::Answered(answer) => *answer,
    }
}
