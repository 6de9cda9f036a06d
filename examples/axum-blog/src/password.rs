//! Passwords are kept as Argon2id hashes. That takes its time, and threads of its own.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::task::spawn_blocking;

use crate::{error::Error, input::Password};

/// A new hash of it, with a salt of its own.
pub(crate) async fn hash(password: Password) -> Result<String, Error> {
    let hash = spawn_blocking(move || {
        Argon2::default().hash_password(String::from(password).as_bytes()).map(|it| it.to_string())
    });
    hash.await.map_err(Error::internal)?.map_err(Error::internal)
}

/// Whether the hash is that of the password.
///
/// Without a hash it takes as long and is false: how long a login takes does not tell whose names there are.
pub(crate) async fn verify(password: String, hash: Option<String>) -> Result<bool, Error> {
    let verified = spawn_blocking(move || {
        let Some(hash) = hash.filter(|hash| !hash.is_empty()) else {
            let _ = Argon2::default().hash_password(password.as_bytes());
            return false;
        };
        PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    verified.await.map_err(Error::internal)
}
