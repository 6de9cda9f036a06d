//! The history page, for admins who look rather than ask.

use audit_seaorm::AuditViewer;
use axum::{
    Router,
    http::{header::ACCEPT, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use crate::{error::Error, session, store::Store};

pub(crate) fn routes(store: &Store) -> Router<Store> {
    AuditViewer::new(store.connection(), admins).title("History of the blog").router()
}

/// Why somebody does not see it.
enum Refusal {
    /// A browser in which nobody is logged in is sent where one can.
    ToLogin,
    Error(Error),
}

fn admins(request: &Parts) -> Result<(), Refusal> {
    session::admin(request).map_err(|error| match error {
        Error::LoginRequired if is_browser(request) => Refusal::ToLogin,
        error => Refusal::Error(error),
    })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::ToLogin => Redirect::to("/login").into_response(),
            Self::Error(error) => error.into_response(),
        }
    }
}

fn is_browser(request: &Parts) -> bool {
    let accepted = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}
