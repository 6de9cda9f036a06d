//! Somebody who uses the blog.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::server::Blog;

const REQUEST_ID: &str = "x-request-id";

/// A client with its own session.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    address: String,
    /// The id of the user; 0 of nobody.
    pub(super) id: i64,
}

/// What the blog answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// As it was sent, and came back.
    pub(super) request: String,
    pub(super) body: Value,
}

impl Client {
    pub(super) fn anonymous(blog: &Blog) -> Self {
        let http = reqwest::Client::builder().cookie_store(true).user_agent("suite");
        Self { http: http.build().unwrap(), address: blog.address.clone(), id: 0 }
    }

    /// A new user with the password `password of NAME`, logged in.
    pub(super) async fn register(blog: &Blog, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let user = json!({"name": name, "email": email, "password": password_of(name)});
        Self::anonymous(blog).post("/accounts", user).await.expect(201);
        Self::log_in(blog, name, &password_of(name)).await
    }

    pub(super) async fn log_in(blog: &Blog, name: &str, password: &str) -> Self {
        let mut client = Self::anonymous(blog);
        let account = client.post("/login", json!({"name": name, "password": password})).await.ok();
        client.id = account["id"].as_i64().unwrap();
        client
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// A page that is there, and is no JSON.
    pub(super) async fn get_text(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.address)).send().await.unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or(String::new(), |body| body.to_string());
        self.send_text(method, path, "application/json", body).await
    }

    /// Sends a body that may be anything, with a request id of its own.
    pub(super) async fn send_text(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: String,
    ) -> Answer {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let request = format!("request-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let sent = self
            .http
            .request(method, format!("{}{path}", self.address))
            .header(REQUEST_ID, &request)
            .header("content-type", kind)
            .body(body);
        let response = sent.send().await.unwrap();
        assert_eq!(response.headers()[REQUEST_ID], *request);
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, request, body }
    }
}

impl Answer {
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The body of an answer that is 200.
    #[track_caller]
    pub(super) fn ok(self) -> Value {
        self.expect(200).body
    }

    /// The id of what is new, or as it is now.
    #[track_caller]
    pub(super) fn id(&self) -> i64 {
        self.body["id"].as_i64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

pub(super) fn password_of(name: &str) -> String {
    format!("password of {name}")
}
