//! The layer of the README, on a server of axum's.

use std::net::SocketAddr;

use audit_seaorm::{AuditLayer, AuditUser};
use audit_tests::{TestDb, logs};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode},
    routing::post,
};
use sea_orm::DatabaseConnection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

use crate::{
    entities::post,
    support::{create, entries, new_post},
};

audit_tests::tests! {
    the_layer_of_the_readme_records_the_address_of_the_client,
    #[once] a_request_without_an_address_is_told_of_once,
}

async fn write(State(db): State<DatabaseConnection>) -> StatusCode {
    new_post("a").insert(&db).await.unwrap();
    StatusCode::CREATED
}

/// As the README has it.
async fn serve(listener: TcpListener, app: Router) -> Result<(), Box<dyn std::error::Error>> {
    let audit = AuditLayer::new()
        .user(|request| Some(AuditUser::new(request.extensions.get::<String>()?)))
        .trusted_proxies(["10.0.0.0/8".parse()?]);
    let app = app.layer(audit);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn the_layer_of_the_readme_records_the_address_of_the_client(t: TestDb) {
    create!(t, post::Entity);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/posts", post(write)).with_state(t.db.clone());
    let server = tokio::spawn(async move { serve(listener, app).await.unwrap() });
    let mut client = TcpStream::connect(address).await.unwrap();
    let request =
        "POST /posts HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: 6.6.6.6\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 201"), "{response}");
    server.abort();
    let entries = entries(&t.db).await;
    assert_eq!(entries[0].metadata.as_ref().unwrap()["ip"], "127.0.0.1", "{entries:?}");
}

async fn a_request_without_an_address_is_told_of_once() {
    let app = Router::new().route("/", post(async || "done")).layer(AuditLayer::new());
    let ask = async || {
        let request = Request::post("/").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap()
    };
    let (_, told) = logs::capture(async { (ask().await, ask().await) }).await;
    assert_eq!(told.matches("no address of the client is recorded").count(), 1, "{told}");
}
