//! Comments.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, patch},
};
use serde::Deserialize;

use crate::{
    error::Error,
    extract::{Json, Path, Query},
    input::Text,
    session::{LoggedIn, Session},
    store::{CommentView, Store},
};

pub(crate) fn routes() -> Router<Store> {
    Router::new()
        .route("/posts/{id}/comments", get(list).post(create))
        .route("/comments/{id}", patch(change).delete(delete))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    text: Text<2_000>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    after: Option<i32>,
}

async fn list(
    State(store): State<Store>,
    session: Session,
    Path(post_id): Path<i32>,
    Query(place): Query<Place>,
) -> Result<axum::Json<Vec<CommentView>>, Error> {
    let comments = store.comments(post_id, place.after, session.user.as_ref()).await?;
    Ok(axum::Json(comments))
}

async fn create(
    State(store): State<Store>,
    LoggedIn(author): LoggedIn,
    Path(post_id): Path<i32>,
    Json(comment): Json<Comment>,
) -> Result<(StatusCode, axum::Json<CommentView>), Error> {
    let comment = store.create_comment(&author, post_id, comment.text).await?;
    Ok((StatusCode::CREATED, axum::Json(comment)))
}

async fn change(
    State(store): State<Store>,
    LoggedIn(author): LoggedIn,
    Path(id): Path<i32>,
    Json(comment): Json<Comment>,
) -> Result<axum::Json<CommentView>, Error> {
    Ok(axum::Json(store.change_comment(&author, id, comment.text).await?))
}

async fn delete(
    State(store): State<Store>,
    LoggedIn(editor): LoggedIn,
    Path(id): Path<i32>,
) -> Result<StatusCode, Error> {
    store.delete_comment(&editor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
