//! The pages, asked without a network.

use audit_seaorm::AuditViewer;
use audit_tests::TestDb;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, request::Parts},
};
use sea_orm::DatabaseConnection;
use tower::ServiceExt;

/// A viewer to which everybody is let in, below `/history`.
pub(crate) struct Site(pub(super) Router);

/// What came of a request.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Site {
    pub(crate) fn of(t: &TestDb) -> Self {
        Self(open(&t.db))
    }

    /// A page of the viewer.
    pub(super) async fn get(&self, page: &str) -> Seen {
        seen(&self.0, &format!("/history/{page}")).await
    }

    /// A page that is there.
    pub(crate) async fn page(&self, page: &str) -> String {
        let seen = self.get(page).await;
        assert_eq!(seen.status, 200, "{page}: {}", seen.text);
        seen.text
    }
}

/// A router that lets everybody in.
pub(super) fn open(db: &DatabaseConnection) -> Router {
    Router::new().nest("/history", AuditViewer::new(db, |_: &Parts| true).router())
}

pub(super) async fn seen(router: &Router, path: &str) -> Seen {
    answer(router, "GET", path).await
}

pub(super) async fn answer(router: &Router, method: &str, path: &str) -> Seen {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    Seen { status: head.status.as_u16(), headers: head.headers, text }
}

/// The text of a page, without its markup, its blanks made one.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push(' ');
        text.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // What askama writes in the place of what HTML would take for markup.
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(text, |text, (escape, char)| text.replace(escape, char))
}

/// Where the link with these words leads.
pub(crate) fn link(html: &str, words: &str) -> Option<String> {
    let end = html.find(&format!(">{words}</a>"))?;
    let tag = &html[html[..end].rfind("<a ")?..end];
    let address = tag.split_once("href=\"")?.1.split_once('"')?.0;
    Some(address.replace("&#38;", "&"))
}
