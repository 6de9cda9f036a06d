//! A server of axum's, and clients that write what they like.

use std::time::Duration;

use axum::{Router, extract::ConnectInfo, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// Who was dropped while waiting.
type HungUp = mpsc::UnboundedSender<Option<String>>;

struct TellsWhenDropped(HungUp);

impl Drop for TellsWhenDropped {
    fn drop(&mut self) {
        let _ = self.0.send(user_id());
    }
}

async fn seen_as_json() -> String {
    serde_json::to_string(&AuditContext::current()).unwrap()
}

async fn serve(hung_up: HungUp) -> SocketAddr {
    let layer = AuditLayer::new()
        .user_async(|request| {
            let name = request.headers.get("authorization").cloned();
            async move { Some(AuditUser::new(name?.to_str().ok()?)) }
        })
        .peer(|request| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.ip()))
        .return_request_id();
    let wait = move || async move {
        let _guard = TellsWhenDropped(hung_up);
        std::future::pending::<()>().await;
    };
    let app = Router::new()
        .route("/context", get(seen_as_json))
        .nest("/api", Router::new().route("/context", get(seen_as_json)))
        .route("/wait", get(wait))
        .layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, service).await.unwrap() });
    address
}

/// The response, head and body.
async fn get_with(server: SocketAddr, path: &str, headers: &str) -> (String, String) {
    let mut client = TcpStream::connect(server).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn whatever_a_client_writes_is_answered() {
    let server = serve(mpsc::unbounded_channel().0).await;
    let agent = "a".repeat(100_000);
    let headers = format!(
        "authorization: ann\r\nx-forwarded-for: 6.6.6.6\r\nuser-agent: {agent}\r\ntraceparent: no\r\n\
         x-request-id: req-1\r\nx-request-id: req-2\r\n"
    );
    let (head, body) = get_with(server, "/api/context?token=s3cret", &headers).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let context: AuditContext = serde_json::from_str(&body).unwrap();
    let id = context.get_request_id().unwrap();
    assert!(head.contains(&format!("x-request-id: {id}")), "{head}");
    let expected = AuditContext::new()
        .user(AuditUser::new("ann"))
        .request_id(id)
        .metadata("method", "GET")
        .metadata("path", "/api/context")
        .metadata("ip", "127.0.0.1")
        .metadata("user_agent", &agent[..512]);
    assert_eq!(context, expected);
}

#[tokio::test]
async fn a_client_that_hangs_up_drops_the_handler_in_its_context() {
    let (hung_up, mut dropped) = mpsc::unbounded_channel();
    let server = serve(hung_up).await;
    let mut client = TcpStream::connect(server).await.unwrap();
    let request = b"GET /wait HTTP/1.1\r\nhost: x\r\nauthorization: ann\r\n\r\n";
    client.write_all(request).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(dropped.try_recv().is_err());
    drop(client);
    let dropped = tokio::time::timeout(Duration::from_secs(10), dropped.recv());
    assert_eq!(dropped.await.unwrap().flatten().as_deref(), Some("ann"));
}
