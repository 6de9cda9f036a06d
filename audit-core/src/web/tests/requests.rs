//! What a context is made of.

use http::{HeaderName, HeaderValue};
use serde_json::json;
use uuid::Uuid;

use super::*;

const TRACEPARENT: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn usual() -> Request<()> {
    let headers: &[(&str, &[u8])] = &[
        ("x-request-id", b"req-1"),
        ("user-agent", b"curl/8.5.0"),
        ("traceparent", TRACEPARENT),
        ("x-forwarded-for", b"6.6.6.6"),
    ];
    request(Some("ann"), headers)
}

#[tokio::test]
async fn a_request_is_told_by_default() {
    let context = seen(AuditLayer::new().user(account), usual()).await;
    let expected = AuditContext::new()
        .user(AuditUser::new("ann"))
        .request_id("req-1")
        .metadata("method", "POST")
        .metadata("path", "/posts")
        .metadata("ip", "203.0.113.9")
        .metadata("user_agent", "curl/8.5.0")
        .metadata("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(context, expected);
}

#[tokio::test]
async fn each_of_it_can_be_left_out() {
    let none = AuditLayer::new()
        .without_client_request_id()
        .without_method()
        .without_path()
        .without_ip()
        .without_user_agent()
        .without_trace_id();
    let context = seen(none.clone(), usual()).await;
    assert_eq!(context.get_user(), None);
    assert!(Uuid::parse_str(context.get_request_id().unwrap()).is_ok());
    assert!(context.get_metadata().is_empty());
    let context = seen(none.with_query(), usual()).await;
    assert_eq!(json!(context.get_metadata()), json!({"query": "token=s3cret"}));
    for (layer, key) in [
        (AuditLayer::new().without_method(), "method"),
        (AuditLayer::new().without_path(), "path"),
        (AuditLayer::new().without_ip(), "ip"),
        (AuditLayer::new().without_user_agent(), "user_agent"),
        (AuditLayer::new().without_trace_id(), "trace_id"),
    ] {
        let context = seen(layer, usual()).await;
        assert_eq!(context.get_metadata().len(), 4);
        assert!(!context.get_metadata().contains_key(key));
    }
}

#[tokio::test]
async fn what_a_request_does_not_have_has_no_key() {
    let mut request = request(None, &[("user-agent", b"")]);
    request.extensions_mut().clear();
    let context = seen(AuditLayer::new().user(account).with_query(), request).await;
    assert_eq!(context.get_user(), None);
    let metadata = json!({"method": "POST", "path": "/posts", "query": "token=s3cret"});
    assert_eq!(json!(context.get_metadata()), metadata);
}

#[tokio::test]
async fn who_it_is_is_asked_in_the_context() {
    let layer = AuditLayer::new().user(|_| {
        let context = AuditContext::current()?;
        Some(AuditUser::new(context.get_request_id()?))
    });
    assert_eq!(seen(layer, usual()).await.get_user().unwrap().id(), "req-1");
    let layer = AuditLayer::new().user(|_| {
        assert!(AuditContext::set_user(AuditUser::new("set")));
        None
    });
    assert_eq!(seen(layer, usual()).await.get_user().unwrap().id(), "set");
}

#[tokio::test]
async fn a_user_may_have_to_be_waited_for() {
    let layer = AuditLayer::new().user_async(|request| {
        let account = request.extensions.get::<Account>().cloned();
        async move {
            tokio::task::yield_now().await;
            let context = AuditContext::current().unwrap();
            assert_eq!(context.get_request_id(), Some("req-1"), "it runs in the context");
            assert_eq!(context.get_user(), None);
            Some(AuditUser::new(account?.0))
        }
    });
    assert_eq!(seen(layer.clone(), usual()).await.get_user().unwrap().id(), "ann");
    let nobody = request(None, &[("x-request-id", b"req-1")]);
    assert_eq!(seen(layer, nobody).await.get_user(), None);
}

#[tokio::test]
async fn trusted_proxies_say_where_a_request_came_from() {
    let headers: &[(&str, &[u8])] =
        &[("x-forwarded-for", b"6.6.6.6, 192.0.2.1"), ("forwarded", b"for=7.7.7.7, for=192.0.2.2")];
    let ip = async |layer: AuditLayer| {
        let context = seen(layer, request(None, headers)).await;
        context.get_metadata()["ip"].as_str().unwrap().to_owned()
    };
    let trusting = AuditLayer::new().trusted_proxies(["203.0.113.0/24".parse().unwrap()]);
    assert_eq!(ip(trusting.clone()).await, "192.0.2.1");
    let rfc = crate::ProxyHeader::Forwarded;
    assert_eq!(ip(trusting.clone().proxy_header(rfc)).await, "192.0.2.2");
    assert_eq!(ip(AuditLayer::new().proxy_header(rfc)).await, "203.0.113.9");
    assert_eq!(ip(trusting.peer(|_| Some([198, 51, 100, 1].into()))).await, "198.51.100.1");
}

#[tokio::test]
async fn the_request_id_goes_back_if_it_is_asked_for() {
    let header = HeaderName::from_static("x-correlation-id");
    let correlated = request(None, &[("x-correlation-id", b"c-1"), ("x-request-id", b"req-1")]);
    let layer = AuditLayer::new().request_id_header(header.clone()).return_request_id();
    let (context, response) = respond(layer, correlated).await;
    assert_eq!(context.get_request_id(), Some("c-1"));
    assert_eq!(response.headers[&header], "c-1");

    let layer = AuditLayer::new().return_request_id();
    let (context, response) = respond(layer, request(None, &[("x-request-id", b"not one")])).await;
    assert_eq!(response.headers["x-request-id"], context.get_request_id().unwrap());
    assert_ne!(response.headers["x-request-id"], HeaderValue::from_static("not one"));

    let (_, response) = respond(AuditLayer::new(), usual()).await;
    assert!(response.headers.is_empty());

    let service = AuditLayer::new().return_request_id().layer(service_fn(async |_: Request<()>| {
        let response = Response::builder().header("x-request-id", "another");
        Ok::<_, Infallible>(response.body(()).unwrap())
    }));
    let response = service.oneshot(usual()).await.unwrap();
    assert!(response.headers().get_all("x-request-id").iter().eq(["req-1"]));
}

#[tokio::test]
async fn a_context_around_the_layer_is_hidden_and_comes_back() {
    let around = AuditContext::new().user(AuditUser::new("eve")).reason("around");
    around
        .scope(async {
            let service = AuditLayer::new().layer(service_fn(async |_: Request<()>| {
                assert_eq!(AuditContext::current().unwrap().get_reason(), None);
                assert!(AuditContext::set_user(AuditUser::new("ann")));
                Ok::<_, Infallible>(Response::new(user_id()))
            }));
            service.oneshot(request(None, &[])).await.unwrap();
            assert_eq!(user_id().as_deref(), Some("eve"));
        })
        .await;
}
