//! Whoever is logged in.

use std::fmt;

use audit_seaorm::AuditUser;
use axum_login::AuthUser;

use crate::entities::user;

/// The account in whose name a request is made.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) admin: bool,
    pub(crate) password_hash: String,
}

impl Account {
    /// Whether it may change what belongs to this user; to nobody, if the account of the user is erased.
    pub(crate) fn may_change(&self, owner: Option<i32>) -> bool {
        self.admin || owner == Some(self.id)
    }
}

/// Without the hash: the session layer logs accounts.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

impl From<user::Model> for Account {
    fn from(user: user::Model) -> Self {
        let user::Model { id, name, email, admin, password_hash, .. } = user;
        Self { id, name, email, admin, password_hash }
    }
}

/// How the trail names it.
impl From<&Account> for AuditUser {
    fn from(account: &Account) -> Self {
        Self::new(account.id.to_string()).email(&account.email)
    }
}

impl AuthUser for Account {
    type Id = i32;

    fn id(&self) -> i32 {
        self.id
    }

    /// A new password ends the sessions that began with the old one.
    fn session_auth_hash(&self) -> &[u8] {
        self.password_hash.as_bytes()
    }
}
