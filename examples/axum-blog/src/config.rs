//! What the environment says.

use std::{env, net::SocketAddr};

/// How the blog is started.
pub(crate) struct Config {
    /// `DATABASE_URL`: `sqlite://…?mode=rwc` or `postgres://…`.
    pub(crate) database_url: String,
    /// `AXUM_BLOG_ADDRESS`; the port 0 is any that is free.
    pub(crate) address: SocketAddr,
    /// `AXUM_BLOG_ADMIN`: whom to make an admin, unless there is a user of that name.
    pub(crate) admin: Option<FirstAdmin>,
}

/// `name:password`.
pub(crate) struct FirstAdmin {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// A variable that does not say what it should. The value is not in it: it may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: expected {expected}")]
pub(crate) struct ConfigError {
    variable: &'static str,
    expected: &'static str,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let database_url = variable("DATABASE_URL", "UTF-8")?;
        let address = variable("AXUM_BLOG_ADDRESS", "UTF-8")?;
        let address = address.as_deref().unwrap_or("127.0.0.1:3000").parse();
        let admin = variable("AXUM_BLOG_ADMIN", "UTF-8")?.map(|text| first_admin(&text));
        Ok(Self {
            database_url: database_url.unwrap_or("sqlite://axum-blog.db?mode=rwc".to_owned()),
            address: address.map_err(|_| ConfigError {
                variable: "AXUM_BLOG_ADDRESS",
                expected: "an address and a port, such as 127.0.0.1:3000",
            })?,
            admin: admin.transpose()?,
        })
    }
}

fn variable(variable: &'static str, expected: &'static str) -> Result<Option<String>, ConfigError> {
    match env::var(variable) {
        Ok(text) => Ok(Some(text)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(ConfigError { variable, expected }),
    }
}

fn first_admin(text: &str) -> Result<FirstAdmin, ConfigError> {
    let parts =
        text.split_once(':').filter(|(name, password)| !name.is_empty() && !password.is_empty());
    let (name, password) = parts.ok_or(ConfigError {
        variable: "AXUM_BLOG_ADMIN",
        expected: "a name and a password, such as ann:secret",
    })?;
    Ok(FirstAdmin { name: name.to_owned(), password: password.to_owned() })
}
