use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::AuditBody;
use crate::{AuditContext, AuditUser, scope::Scope};

pin_project! {
    /// What goes on within the scope: who asks, and then the answer.
    pub(super) struct Answer<S, F, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        step: Step<S, F, B>,
        id_header: Option<HeaderName>,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<S, F, B>
    where
        S: Service<Request<B>>,
    {
        Asking { #[pin] user: F, call: Option<(S, Request<B>)> },
        Answering { #[pin] response: S::Future },
    }
}

impl<S, F, B> Answer<S, F, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn new(
        user: F,
        service: S,
        request: Request<B>,
        id_header: Option<HeaderName>,
    ) -> Self {
        Self { step: Step::Asking { user, call: Some((service, request)) }, id_header }
    }
}

impl<S, F, B, R> Future for Answer<S, F, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    F: Future<Output = Option<AuditUser>>,
{
    type Output = Result<Response<AuditBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let response = match this.step.as_mut().project() {
                StepProjection::Asking { user, call } => {
                    if let Some(user) = ready!(user.poll(cx)) {
                        // There is a scope: this runs in it.
                        let _ = AuditContext::set_user(user);
                    }
                    let (mut service, request) =
                        call.take().expect("a service that has panicked is not called again");
                    service.call(request)
                }
                StepProjection::Answering { response } => {
                    let response = ready!(response.poll(cx));
                    let id_header = this.id_header.take();
                    return Poll::Ready(response.map(|response| finished(response, id_header)));
                }
            };
            this.step.set(Step::Answering { response });
        }
    }
}

fn finished<R>(response: Response<R>, id_header: Option<HeaderName>) -> Response<AuditBody<R>> {
    let scope = Scope::current();
    let id = || HeaderValue::from_str(scope.context()?.get_request_id()?).ok();
    let id = id_header.and_then(|header| Some((header, id()?)));
    let mut response = response.map(|body| AuditBody::new(body, scope));
    if let Some((header, id)) = id {
        response.headers_mut().insert(header, id);
    }
    response
}
