//! A form for people who come to see the history page. Programs log in by JSON.

use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};

use crate::{
    error::Error,
    session::{self, Credentials, Session},
    store::Store,
};

pub(crate) fn routes() -> Router<Store> {
    Router::new().route("/login", get(show)).route("/login/form", post(submit))
}

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in</title>
<h1>Log in</h1>
<form method="post" action="/login/form">
<p><label>Name <input name="name" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Log in</button></p>
</form>
</html>
"#;

async fn show() -> Html<&'static str> {
    Html(PAGE)
}

async fn submit(
    mut session: Session,
    State(store): State<Store>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Error> {
    match session::log_in(&mut session, &store, credentials).await {
        Ok(_) => Ok(Redirect::to("/history").into_response()),
        Err(Error::WrongPassword) => Ok((StatusCode::UNAUTHORIZED, Html(PAGE)).into_response()),
        Err(error) => Err(error),
    }
}
