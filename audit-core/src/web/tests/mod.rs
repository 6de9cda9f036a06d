//! A request has the context that is its own, whatever the client sends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod body;
mod hostile;
mod requests;
mod server;
mod services;

use std::{convert::Infallible, net::SocketAddr};

use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::{AuditContext, AuditLayer, AuditUser, UserExtractor};

/// Who the layer of authentication has found.
#[derive(Clone)]
struct Account(&'static str);

fn account(request: &http::request::Parts) -> Option<AuditUser> {
    let Account(id) = request.extensions.get()?;
    Some(AuditUser::new(*id))
}

fn request(account: Option<&'static str>, headers: &[(&str, &[u8])]) -> Request<()> {
    let mut request = Request::post("/posts?token=s3cret").body(()).unwrap();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, http::HeaderValue::from_bytes(value).unwrap());
    }
    if let Some(id) = account {
        request.extensions_mut().insert(Account(id));
    }
    request.extensions_mut().insert(SocketAddr::from(([203, 0, 113, 9], 4711)));
    request
}

/// The context that a handler sees.
async fn seen<U: UserExtractor>(layer: AuditLayer<U>, request: Request<()>) -> AuditContext {
    respond(layer, request).await.0
}

/// What a handler sees, and the response as the client gets it.
async fn respond<U: UserExtractor>(
    layer: AuditLayer<U>,
    request: Request<()>,
) -> (AuditContext, http::response::Parts) {
    let service = layer.layer(service_fn(async |_: Request<()>| {
        let mut response = Response::new(());
        response.extensions_mut().insert(AuditContext::current().unwrap());
        Ok::<_, Infallible>(response)
    }));
    let response = service.oneshot(request).await.unwrap().into_parts().0;
    assert_eq!(AuditContext::current(), None);
    (response.extensions.get::<AuditContext>().unwrap().clone(), response)
}

fn user_id() -> Option<String> {
    AuditContext::current_user().map(|user| user.id().to_owned())
}

/// Ready when `ready` says so, and not before.
async fn call<S, B>(service: &mut S, request: Request<B>) -> Result<S::Response, S::Error>
where
    S: Service<Request<B>>,
{
    service.ready().await?.call(request).await
}
