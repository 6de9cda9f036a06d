//! The pages of the blog. None of them knows that what it does is recorded.

mod accounts;
mod comments;
mod login_page;
mod posts;
mod tags;

use axum::Router;

use crate::store::Store;

pub(crate) fn routes() -> Router<Store> {
    Router::new()
        .merge(accounts::routes())
        .merge(login_page::routes())
        .merge(posts::routes())
        .merge(comments::routes())
        .merge(tags::routes())
}
