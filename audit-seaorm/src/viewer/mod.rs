//! A page on which people read the trail, for an application that is built on axum (feature `viewer`).

mod activity;
mod as_of;
mod blame;
mod chart;
mod entry;
mod guard;
mod headers;
mod link;
mod moment;
mod page;
mod paging;
mod parameters;
mod record;
mod statistics;
mod subject;
mod value;

use std::{fmt, future::Future, sync::Arc};

use axum::{
    Router,
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, header::LOCATION, request::Parts},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use sea_orm::DatabaseConnection;

pub use self::guard::{Admission, AsyncGuard, ViewerGuard};
use crate::{AuditPool, registry};

/// The history page: what happened last, the timeline of a record, who set its columns, how it was at a moment, and
/// how much happened when and by whom. An axum router that an application mounts behind its own authentication.
///
/// The pages are HTML from the server, need no script, take nothing from elsewhere, and say so to the browser
/// (`Content-Security-Policy`). They change nothing. Whatever stands in a value is shown as text; redacted values
/// are not in the trail, and a column that is redacted or skipped today is hidden in older entries, too. Moments are those
/// of UTC.
///
/// The guard says who gets in, and there is no viewer without one. It sees the head of a request, with the
/// extensions that an authentication layer around the router has set. Whoever gets in sees the entries of every
/// table.
///
/// ```
/// use audit_seaorm::AuditViewer;
/// use axum::{Router, http::request::Parts};
/// # use sea_orm::Database;
///
/// #[derive(Clone)]
/// struct Account { is_admin: bool } // what your authentication leaves in the extensions of a request
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sea_orm::DbErr> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// let viewer = AuditViewer::new(&db, |request: &Parts| {
///     request.extensions.get::<Account>().is_some_and(|account| account.is_admin)
/// });
/// let app: Router = Router::new().nest("/history", viewer.router()); // .layer(authentication)
/// # Ok(())
/// # }
/// ```
///
/// # Where it is mounted
///
/// Anywhere: its links are relative. `activity`, `record`, `blame`, `as-of`, `statistics` and `style.css` are below
/// the path that it is nested at; that path itself, without a slash behind it, leads to `activity`. A link to the
/// history of a record is `…/record?table=post&id=42`, with [`table_name`](crate::AuditEntry::table_name) and
/// [`record_id`](crate::AuditEntry::record_id) as entries have them.
///
/// # What it asks of the database
///
/// A page of activity or of a timeline is two statements at most. On `PostgreSQL` one more asks, ahead of each about a table,
/// which table the name means. The filters that are slow on a long trail are those of
/// [`AuditQuery`](crate::AuditQuery), for which the pages' own links name a stretch of time as well. Blame and the view of
/// a moment read the entries of one record, by one and four statements where it has a hundred. Statistics count the period that is chosen, in four statements. A statement
/// goes on when its client has gone: give the pool of a viewer that many use a timeout for statements.
#[must_use = "it is shown where its `router` is mounted"]
pub struct AuditViewer<G> {
    viewer: Viewer,
    guard: G,
}

/// What all pages know.
struct Viewer {
    db: DatabaseConnection,
    title: String,
}

impl<G: ViewerGuard> AuditViewer<G> {
    /// A viewer of the trail in this database, for those whom the guard lets in: see [`ViewerGuard`].
    pub fn new(db: &impl AuditPool, guard: G) -> Self {
        let viewer = Viewer { db: db.guarded().into_inner(), title: "Audit trail".to_owned() };
        Self { viewer, guard }
    }

    /// What stands above every page; "Audit trail" unless it is said.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.viewer.title = title.into();
        self
    }

    /// The router, for [`Router::nest`].
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/", get(enter))
            .route("/activity", get(activity::show))
            .route("/record", get(record::show))
            .route("/blame", get(blame::show))
            .route("/as-of", get(as_of::show))
            .route("/statistics", get(statistics::show))
            .route("/style.css", get(page::style))
            .route_layer(from_fn_with_state(Arc::new(self.guard), guard::ask))
            .with_state(Arc::new(self.viewer))
    }
}

impl<F> AuditViewer<AsyncGuard<F>> {
    /// As [`new`](Self::new), with a function that gives a future:
    ///
    /// ```
    /// # use audit_seaorm::AuditViewer;
    /// # use axum::{http::request::Parts, response::Redirect};
    /// # async fn is_admin(_: Option<String>) -> bool { true }
    /// # fn f(db: &sea_orm::DatabaseConnection) -> axum::Router {
    /// let viewer = AuditViewer::new_async(db, |request: &Parts| {
    ///     let token = request.headers.get("authorization").and_then(|it| it.to_str().ok().map(str::to_owned));
    ///     async move { if is_admin(token).await { Ok(()) } else { Err(Redirect::to("/login")) } }
    /// });
    /// # viewer.router()
    /// # }
    /// ```
    pub fn new_async<Fut, A>(db: &impl AuditPool, guard: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = A> + Send + 'static,
        A: Into<Admission>,
    {
        Self::new(db, AsyncGuard(guard))
    }
}

impl<G> fmt::Debug for AuditViewer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditViewer").field("title", &self.viewer.title).finish_non_exhaustive()
    }
}

/// The tables of the program's entities, for choosing from.
fn known_tables() -> Vec<String> {
    registry::learn();
    let tables = registry::all().into_iter().flatten();
    let mut names: Vec<_> = tables.map(|audited| audited.in_trail.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// From the path that the viewer is nested at to the first page, whatever a proxy has put before the last part of that
/// path.
async fn enter(OriginalUri(uri): OriginalUri) -> Response {
    let folder = match uri.path().rsplit('/').next() {
        None | Some("") => String::new(),
        Some(last) => format!("{last}/"),
    };
    // Some paths are no header's value, though a client can send them.
    match HeaderValue::try_from(format!("./{folder}activity")) {
        Ok(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
