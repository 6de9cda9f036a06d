//! Logging in and out, and who is logged in.

use audit_seaorm::{AuditContext, AuditUser};
use axum::{extract::FromRequestParts, http::request::Parts};
use axum_login::{
    AuthManagerLayer, AuthManagerLayerBuilder, AuthSession, AuthnBackend, tower_sessions,
};
use serde::Deserialize;
use tower_sessions::{MemoryStore, SessionManagerLayer};

use crate::{account::Account, error::Error, password, store::Store};

pub(crate) type Session = AuthSession<Accounts>;

/// Finds accounts for the sessions.
#[derive(Clone)]
pub(crate) struct Accounts(Store);

/// What one logs in with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    name: String,
    password: String,
}

/// Sessions in memory, which end with the process.
pub(crate) fn layer(store: Store) -> AuthManagerLayer<Accounts, MemoryStore> {
    // Browsers and curl keep a `Secure` cookie to themselves where there is no TLS, as on 127.0.0.1.
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    AuthManagerLayerBuilder::new(Accounts(store), sessions).build()
}

/// Logs in: from here on what the request writes is in the name of the account.
pub(crate) async fn log_in(
    session: &mut Session,
    store: &Store,
    credentials: Credentials,
) -> Result<Account, Error> {
    let account = session.authenticate(credentials).await.map_err(flatten)?;
    let account = account.ok_or(Error::WrongPassword)?;
    session.login(&account).await.map_err(flatten)?;
    // The layer opened the context of this request before anybody was known.
    if !AuditContext::set_user(AuditUser::from(&account)) {
        tracing::warn!("a login outside of the context of a request");
    }
    store.logged_in(account.id).await?;
    Ok(account)
}

/// Logs out.
pub(crate) async fn log_out(session: &mut Session) -> Result<(), Error> {
    session.logout().await.map_err(flatten)?;
    Ok(())
}

/// Keeps this session, whose others end, when the password is another one.
pub(crate) async fn renew(session: &mut Session, account: &Account) -> Result<(), Error> {
    session.login(account).await.map_err(flatten)
}

/// Who makes a request, for the layer that opens its context.
pub(crate) fn user(request: &Parts) -> Option<AuditUser> {
    Some(request.extensions.get::<Session>()?.user.as_ref()?.into())
}

impl AuthnBackend for Accounts {
    type User = Account;
    type Credentials = Credentials;
    type Error = Error;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<Account>, Error> {
        let account = self.0.account_named(&credentials.name).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let verified = password::verify(credentials.password, hash).await?;
        Ok(account.filter(|_| verified))
    }

    async fn get_user(&self, id: &i32) -> Result<Option<Account>, Error> {
        self.0.account(*id).await
    }
}

/// Whoever is logged in; 401 if nobody is.
pub(crate) struct LoggedIn(pub(crate) Account);

impl<S: Sync> FromRequestParts<S> for LoggedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        logged_in(parts).map(Self)
    }
}

/// Lets admins pass; 401 if nobody is logged in, 403 if somebody else is.
pub(crate) struct Admin;

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        admin(parts).map(|()| Self)
    }
}

/// As [`Admin`].
pub(crate) fn admin(request: &Parts) -> Result<(), Error> {
    if logged_in(request)?.admin { Ok(()) } else { Err(Error::Forbidden("this is for admins")) }
}

fn logged_in(request: &Parts) -> Result<Account, Error> {
    let session = request.extensions.get::<Session>();
    session.and_then(|session| session.user.clone()).ok_or(Error::LoginRequired)
}

fn flatten(error: axum_login::Error<Accounts>) -> Error {
    match error {
        axum_login::Error::Session(error) => Error::internal(error),
        axum_login::Error::Backend(error) => error,
    }
}
