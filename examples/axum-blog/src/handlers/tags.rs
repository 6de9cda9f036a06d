//! Tags.

use axum::{Router, extract::State, routing::get};

use crate::{
    error::Error,
    store::{Store, TagView},
};

pub(crate) fn routes() -> Router<Store> {
    Router::new().route("/tags", get(list))
}

async fn list(State(store): State<Store>) -> Result<axum::Json<Vec<TagView>>, Error> {
    Ok(axum::Json(store.tags().await?))
}
