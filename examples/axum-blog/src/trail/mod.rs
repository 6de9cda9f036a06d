//! What is on record, for admins: who changed what, and how it is brought back.

mod record;
mod restore;
mod search;
mod statistics;
mod verification;

use axum::{
    Router,
    middleware::from_extractor,
    routing::{get, post},
};

use crate::{session::Admin, store::Store};

pub(crate) fn routes() -> Router<Store> {
    Router::new()
        .route("/", get(search::all))
        .route("/statistics", get(statistics::show))
        .route("/verification", get(verification::show))
        .route("/{table}/{id}", get(search::of_record))
        .route("/{table}/{id}/restore", post(restore::record))
        .route("/requests/{request}/undo", post(restore::request))
        .route("/transactions/{transaction}/undo", post(restore::transaction))
        // Around all of them, so that no route can forget it.
        .route_layer(from_extractor::<Admin>())
}
