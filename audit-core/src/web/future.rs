use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower_service::Service;

use super::{AuditBody, UserExtractor, answer::Answer, settings::Settings};
use crate::scope::Scope;

pin_project! {
    /// The response to a request, made in its context.
    ///
    /// # Panics
    ///
    /// Panics when the extractor or the inner service does.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops what the inner service was doing, in its context still.
    pub struct AuditFuture<S, U, B>
    where
        S: Service<Request<B>>,
        U: UserExtractor,
    {
        #[pin]
        stage: Stage<S, U, B>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, U, B>
    where
        S: Service<Request<B>>,
        U: UserExtractor,
    {
        // The first poll opens the scope, so that it lies within whatever this future is run in.
        Called { call: Option<Call<S, U, B>> },
        Open { #[pin] answer: TaskLocalFuture<Scope, Answer<S, U::Future, B>> },
    }
}

struct Call<S, U, B> {
    service: S,
    request: Request<B>,
    settings: Arc<Settings>,
    user: Arc<U>,
}

impl<S, U, B> AuditFuture<S, U, B>
where
    S: Service<Request<B>>,
    U: UserExtractor,
{
    pub(super) fn new(
        service: S,
        request: Request<B>,
        settings: Arc<Settings>,
        user: Arc<U>,
    ) -> Self {
        Self { stage: Stage::Called { call: Some(Call { service, request, settings, user }) } }
    }
}

impl<S, U, B, R> Future for AuditFuture<S, U, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    U: UserExtractor,
{
    type Output = Result<Response<AuditBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let answer = match stage.as_mut().project() {
                StageProjection::Called { call } => {
                    call.take().expect("an extractor that has panicked is not called again").open()
                }
                StageProjection::Open { answer } => return answer.poll(cx),
            };
            stage.set(Stage::Open { answer });
        }
    }
}

impl<S, U, B> Call<S, U, B>
where
    U: UserExtractor,
{
    fn open<R>(self) -> TaskLocalFuture<Scope, Answer<S, U::Future, B>>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        let (head, body) = self.request.into_parts();
        let context = self.settings.context(&head).identified();
        let scope = Scope::current().with_context(context);
        let user = scope.clone().run_sync(|| self.user.extract(&head));
        let request = Request::from_parts(head, body);
        let id_header = self.settings.returned_request_id().cloned();
        scope.run(Answer::new(user, self.service, request, id_header))
    }
}

impl<S, U, B> fmt::Debug for AuditFuture<S, U, B>
where
    S: Service<Request<B>>,
    U: UserExtractor,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditFuture").finish_non_exhaustive()
    }
}
