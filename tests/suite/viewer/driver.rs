//! A browser by the protocol of <https://www.w3.org/TR/webdriver2/>, as far as these tests go.
//!
//! The library for it has `serde_json` keep the order of objects, in the whole of the suite, which then would not run
//! as most applications do.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

/// The name under which the protocol tells an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One window of a browser.
pub(super) struct Driver {
    http: reqwest::Client,
    session: String,
}

/// How an element is found.
pub(super) enum By {
    Css(&'static str),
    LinkText(String),
}

/// Something on a page.
pub(super) struct Element<'a> {
    driver: &'a Driver,
    path: String,
}

impl Driver {
    /// Opens a window of Chromium's.
    pub(super) async fn open(url: &str, arguments: &[&str]) -> Self {
        let mut driver = Self { http: reqwest::Client::new(), session: format!("{url}/session") };
        let options = json!({"goog:chromeOptions": {"args": arguments}});
        let opened = driver.post("", json!({"capabilities": {"alwaysMatch": options}})).await;
        driver.session = format!("{}/{}", driver.session, opened["sessionId"].as_str().unwrap());
        driver
    }

    pub(super) async fn close(self) {
        self.send(Method::DELETE, "", None).await;
    }

    pub(super) async fn goto(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    pub(super) async fn back(&self) {
        self.post("/back", json!({})).await;
    }

    pub(super) async fn title(&self) -> String {
        self.get("/title").await
    }

    pub(super) async fn find(&self, by: By) -> Element<'_> {
        let (using, value) = match by {
            By::Css(css) => ("css selector", css.to_owned()),
            By::LinkText(text) => ("link text", text),
        };
        let found = self.post("/element", json!({"using": using, "value": value})).await;
        self.element(&found)
    }

    /// Where the keyboard is.
    pub(super) async fn focused(&self) -> Element<'_> {
        let focused = self.send(Method::GET, "/element/active", None).await;
        self.element(&focused)
    }

    /// What a script gives.
    pub(super) async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Waits until a script gives `true`: a click and a step back may return ahead of their page.
    pub(super) async fn until(&self, script: &str) -> bool {
        for _ in 0..200 {
            let asked = json!({"script": script, "args": []});
            if self.ask(Method::POST, "/execute/sync", Some(asked)).await == Ok(Value::Bool(true)) {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// What a script gives to the function that is its last argument.
    pub(super) async fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", json!({"script": script, "args": []})).await
    }

    /// A command of Chromium's own protocol.
    pub(super) async fn chromium(&self, command: &str, parameters: Value) {
        let command = json!({"cmd": command, "params": parameters});
        self.post("/goog/cdp/execute", command).await;
    }

    fn element(&self, found: &Value) -> Element<'_> {
        Element { driver: self, path: format!("/element/{}", found[ELEMENT].as_str().unwrap()) }
    }

    async fn get(&self, path: &str) -> String {
        self.send(Method::GET, path, None).await.as_str().unwrap().to_owned()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.ask(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        if !status.is_success() {
            return Err(text);
        }
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        Ok(answer["value"].take())
    }
}

impl Element<'_> {
    pub(super) async fn click(&self) {
        self.driver.post(&format!("{}/click", self.path), json!({})).await;
    }

    pub(super) async fn text(&self) -> String {
        self.driver.get(&format!("{}/text", self.path)).await
    }

    pub(super) async fn attribute(&self, name: &str) -> Value {
        self.driver.send(Method::GET, &format!("{}/attribute/{name}", self.path), None).await
    }

    /// Presses keys; those without a sign are characters of the protocol's own.
    pub(super) async fn type_in(&self, keys: &str) {
        self.driver.post(&format!("{}/value", self.path), json!({"text": keys})).await;
    }
}
