//! The routes, and the layers around them.

use audit_seaorm::AuditLayer;
use axum::{Router, http::StatusCode};

use crate::{error::Error, handlers, history, session, store::Store, trail};

/// The whole application.
pub(crate) fn router(store: Store) -> Router {
    let audit = AuditLayer::new().user(session::user).return_request_id();
    Router::new()
        .merge(handlers::routes())
        .nest("/trail", trail::routes())
        .nest("/history", history::routes(&store))
        .fallback(async || Error::NotFound("page"))
        .method_not_allowed_fallback(async || {
            let method = StatusCode::METHOD_NOT_ALLOWED;
            Error::Rejected(method, "this method is not for this page".to_owned())
        })
        // Later is further out: the sessions are there before the context of the request is opened.
        .layer(audit)
        .layer(session::layer(store.clone()))
        .with_state(store)
}
