//! The history page, for admins who look rather than ask.

use audit_seaorm::AuditViewer;
use axum::{Router, http::request::Parts};

use crate::{session, store::Store};

pub(crate) fn routes(store: &Store) -> Router<Store> {
    let admins = |request: &Parts| session::admin(request);
    AuditViewer::new(store.connection(), admins).title("History of the blog").router()
}
