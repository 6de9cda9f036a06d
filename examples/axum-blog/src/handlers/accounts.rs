//! Accounts and sessions.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    error::Error,
    extract::Json,
    input::{Email, Name, Password},
    password,
    session::{self, Credentials, LoggedIn, Session},
    store::Store,
};

pub(crate) fn routes() -> Router<Store> {
    Router::new()
        .route("/accounts", post(register))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/account", get(show))
        .route("/account/password", put(change_password))
        .route("/account/erase", post(erase))
}

#[derive(Serialize)]
struct AccountView {
    id: i32,
    name: String,
    email: String,
    admin: bool,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let Account { id, name, email, admin, .. } = account;
        Self { id, name, email, admin }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    name: Name,
    email: Email,
    password: Password,
}

async fn register(
    State(store): State<Store>,
    Json(new): Json<Registration>,
) -> Result<(StatusCode, axum::Json<AccountView>), Error> {
    let account = store.register(new.name, new.email, new.password).await?;
    Ok((StatusCode::CREATED, axum::Json(account.into())))
}

async fn log_in(
    State(store): State<Store>,
    mut session: Session,
    Json(credentials): Json<Credentials>,
) -> Result<axum::Json<AccountView>, Error> {
    let account = session::log_in(&mut session, &store, credentials).await?;
    Ok(axum::Json(account.into()))
}

async fn log_out(mut session: Session) -> Result<StatusCode, Error> {
    session::log_out(&mut session).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(LoggedIn(account): LoggedIn) -> axum::Json<AccountView> {
    axum::Json(account.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    old: String,
    new: Password,
}

async fn change_password(
    State(store): State<Store>,
    LoggedIn(account): LoggedIn,
    mut session: Session,
    Json(password): Json<NewPassword>,
) -> Result<StatusCode, Error> {
    confirm(&account, password.old).await?;
    let account = store.change_password(account.id, password.new).await?;
    session::renew(&mut session, &account).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    password: String,
}

async fn erase(
    State(store): State<Store>,
    LoggedIn(account): LoggedIn,
    mut session: Session,
    Json(confirmation): Json<Confirmation>,
) -> Result<StatusCode, Error> {
    confirm(&account, confirmation.password).await?;
    store.erase_account(account.id).await?;
    session::log_out(&mut session).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn confirm(account: &Account, password: String) -> Result<(), Error> {
    let hash = account.password_hash.clone();
    if password::verify(password, Some(hash)).await? {
        Ok(())
    } else {
        Err(Error::Forbidden("wrong password"))
    }
}
