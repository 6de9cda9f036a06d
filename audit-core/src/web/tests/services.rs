//! The inner service works in the context, and as tower promised it.

use std::{
    cell::Cell,
    future::{Future, pending},
    panic::AssertUnwindSafe,
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use super::*;
use crate::{AuditBody, AuditConfig};

/// Tells, when it is dropped, in whose name.
struct DropsAs(Arc<Mutex<Option<String>>>);

impl Drop for DropsAs {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = user_id();
    }
}

fn body<B>(response: &Response<AuditBody<B>>) -> &B {
    response.body().inner().unwrap()
}

#[tokio::test]
async fn users_interleave_and_stay_apart() {
    let service = AuditLayer::new().user(account).layer(service_fn(async |_: Request<()>| {
        let id = user_id().unwrap();
        for _ in 0..50 {
            tokio::task::yield_now().await;
            assert_eq!(user_id().as_ref(), Some(&id));
        }
        Ok::<_, Infallible>(Response::new(Some(id)))
    }));
    let requests = async |id| {
        let mut service = service.clone();
        for _ in 0..20 {
            let response = call(&mut service, request(Some(id), &[])).await.unwrap();
            assert_eq!(body(&response).as_deref(), Some(id));
            assert_eq!(user_id(), None);
        }
    };
    tokio::join!(requests("ann"), requests("bob"), requests("eve"));
}

#[tokio::test]
async fn a_handler_may_learn_later_who_it_is() {
    let mut service = AuditLayer::new().layer(service_fn(async |request: Request<()>| {
        assert_eq!(user_id(), None, "not the user of the request before");
        tokio::task::yield_now().await;
        let user = AuditUser::new(request.extensions().get::<Account>().unwrap().0);
        assert!(AuditContext::set_user(user));
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(user_id()))
    }));
    for id in ["ann", "bob"] {
        let response = call(&mut service, request(Some(id), &[])).await.unwrap();
        assert_eq!(body(&response).as_deref(), Some(id));
    }
}

#[tokio::test]
async fn dropped_half_way_it_is_dropped_in_its_context() {
    let dropped = Arc::new(Mutex::new(None));
    let service = AuditLayer::new().user(account).layer(service_fn(async |_: Request<()>| {
        let _guard = DropsAs(Arc::clone(&dropped));
        pending::<Result<Response<()>, Infallible>>().await
    }));
    let requested = service.oneshot(request(Some("ann"), &[]));
    let late = tokio::time::timeout(std::time::Duration::from_millis(5), requested).await;
    assert!(late.is_err());
    assert_eq!(dropped.lock().unwrap().as_deref(), Some("ann"));
    assert_eq!(AuditContext::current(), None);
}

#[tokio::test]
async fn dropped_before_it_began_it_asks_nobody() {
    let extractor = |_: &http::request::Parts| -> Option<AuditUser> { panic!("asked") };
    let mut service = AuditLayer::new().user(extractor).layer(service_fn(
        async |_: Request<()>| -> Result<Response<()>, Infallible> { panic!("called") },
    ));
    drop(service.call(request(None, &[])));
}

#[tokio::test]
async fn the_call_itself_is_in_the_context() {
    let service = AuditLayer::new().user(account).layer(service_fn(|_: Request<()>| {
        let id = user_id();
        async { Ok::<_, Infallible>(Response::new(id)) }
    }));
    let response = service.oneshot(request(Some("ann"), &[])).await.unwrap();
    assert_eq!(body(&response).as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_configuration_around_the_future_holds_within() {
    let mut service = AuditLayer::new().layer(service_fn(|_: Request<()>| {
        assert!(!AuditConfig::current().records("session"));
        async { Ok::<_, Infallible>(Response::new(AuditConfig::current())) }
    }));
    // The future is made outside of the scope, and runs in it.
    let config = AuditConfig::new().exclude_table("session");
    let response = config.scope(service.call(request(None, &[]))).await.unwrap();
    assert!(!body(&response).records("session"));
}

#[tokio::test]
async fn an_error_stays_what_it_was() {
    #[derive(Debug, PartialEq)]
    struct Refused;
    let service =
        AuditLayer::new().layer(service_fn(async |_: Request<()>| Err::<Response<()>, _>(Refused)));
    assert_eq!(service.oneshot(request(None, &[])).await.unwrap_err(), Refused);
}

#[tokio::test]
async fn a_panic_leaves_no_context_behind() {
    let mut handler = AuditLayer::new().user(account).layer(service_fn(
        async |_: Request<()>| -> Result<Response<()>, Infallible> { panic!("on purpose") },
    ));
    let extractor = |_: &http::request::Parts| -> Option<AuditUser> { panic!("on purpose") };
    let mut extractor = AuditLayer::new()
        .user(extractor)
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(()))));
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = pin!(handler.call(request(Some("ann"), &[])));
    let mut second = pin!(extractor.call(request(Some("ann"), &[])));
    let polled = [
        std::panic::catch_unwind(AssertUnwindSafe(|| first.as_mut().poll(&mut cx).is_ready())),
        std::panic::catch_unwind(AssertUnwindSafe(|| second.as_mut().poll(&mut cx).is_ready())),
    ];
    assert!(polled.iter().all(Result::is_err));
    assert_eq!(AuditContext::current(), None);
}

/// Is to be polled until it is ready before each call. It is not `Send`, nor is its response.
#[derive(Default)]
struct Strict {
    ready: bool,
    calls: Rc<Cell<u32>>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: Rc::clone(&self.calls) }
    }
}

impl Service<Request<Rc<str>>> for Strict {
    type Response = Response<Rc<str>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Rc<str>>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "the one that was ready is the one to call");
        self.calls.set(self.calls.get() + 1);
        std::future::ready(Ok(Response::new(request.into_body())))
    }
}

#[tokio::test]
async fn the_service_that_is_ready_is_the_one_that_is_called() {
    let inner = Strict::default();
    let mut service = AuditLayer::new()
        .user_async(|_| async {
            tokio::task::yield_now().await;
            None
        })
        .layer(inner.clone());
    for _ in 0..3 {
        call(&mut service, Request::new(Rc::from("body"))).await.unwrap();
    }
    assert_eq!(inner.calls.get(), 3);
}

#[test]
fn what_tower_needs_to_share_can_be_shared() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn sent<T: Send + 'static>(_: T) {}
    let layer = AuditLayer::new().user_async(|_| async { None });
    let mut service = layer
        .clone()
        .layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(()))));
    shared(&layer);
    shared(&service);
    assert!(format!("{layer:?} {service:?}").contains("AuditLayer"));
    sent(service.call(request(None, &[])));
}

#[tokio::test]
async fn a_context_reaches_a_job_in_another_process() {
    let service = AuditLayer::new().user(account).layer(service_fn(async |_: Request<()>| {
        let queued = serde_json::to_string(&AuditContext::current()).unwrap();
        Ok::<_, Infallible>(Response::builder().header("queued", queued).body(()).unwrap())
    }));
    let sent =
        request(Some("ann"), &[("x-request-id", b"req-1"), ("user-agent", "ü\"".as_bytes())]);
    let response = service.oneshot(sent).await.unwrap();
    let queued = response.headers()["queued"].as_bytes();
    let context: AuditContext = serde_json::from_slice(queued).unwrap();
    context
        .scope(async {
            let context = AuditContext::current().unwrap();
            assert_eq!(user_id().as_deref(), Some("ann"));
            assert_eq!(context.get_request_id(), Some("req-1"));
            assert_eq!(context.get_metadata()["user_agent"], "ü\"");
        })
        .await;
}
