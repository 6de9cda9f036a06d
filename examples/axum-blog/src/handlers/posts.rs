//! Posts.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde::Serialize;

use crate::{
    error::Error,
    extract::{Json, Path, Query},
    session::{LoggedIn, Session},
    store::{Changes, Draft, Listing, PostView, Store},
};

pub(crate) fn routes() -> Router<Store> {
    Router::new()
        .route("/posts", get(list).post(create))
        .route("/posts/{id}", get(show).patch(change).delete(delete))
        .route("/posts/publish", post(publish))
}

async fn list(
    State(store): State<Store>,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Vec<PostView>>, Error> {
    Ok(axum::Json(store.posts(listing).await?))
}

async fn create(
    State(store): State<Store>,
    LoggedIn(author): LoggedIn,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, axum::Json<PostView>), Error> {
    let post = store.create_post(&author, draft).await?;
    Ok((StatusCode::CREATED, axum::Json(post)))
}

async fn show(
    State(store): State<Store>,
    session: Session,
    Path(id): Path<i32>,
) -> Result<axum::Json<PostView>, Error> {
    Ok(axum::Json(store.post(id, session.user.as_ref()).await?))
}

async fn change(
    State(store): State<Store>,
    LoggedIn(editor): LoggedIn,
    Path(id): Path<i32>,
    Json(changes): Json<Changes>,
) -> Result<axum::Json<PostView>, Error> {
    Ok(axum::Json(store.change_post(&editor, id, changes).await?))
}

async fn delete(
    State(store): State<Store>,
    LoggedIn(editor): LoggedIn,
    Path(id): Path<i32>,
) -> Result<StatusCode, Error> {
    store.delete_post(&editor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize)]
struct Published {
    published: Vec<i32>,
}

async fn publish(
    State(store): State<Store>,
    LoggedIn(author): LoggedIn,
) -> Result<axum::Json<Published>, Error> {
    let published = store.publish_drafts(&author).await?;
    Ok(axum::Json(Published { published }))
}
