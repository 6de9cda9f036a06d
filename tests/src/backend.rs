use std::env;

/// A database every test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file in a temporary folder.
    Sqlite,
    /// The server at `AUDIT_TEST_POSTGRES_URL`.
    Postgres,
    /// The server at `AUDIT_TEST_MARIADB_URL`.
    MariaDb,
}

/// Whether tests can run on a backend.
pub(crate) enum Availability {
    Ready,
    Skipped,
    Missing,
}

impl Backend {
    /// All backends, in the order of the summary.
    #[must_use]
    pub const fn all() -> [Self; 3] {
        [Self::Sqlite, Self::Postgres, Self::MariaDb]
    }

    /// The name in trial names, in `AUDIT_TEST_SKIP` and in the summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
        }
    }

    /// The variable with the server's URL; none for a backend without a server.
    pub(crate) const fn url_variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("AUDIT_TEST_POSTGRES_URL"),
            Self::MariaDb => Some("AUDIT_TEST_MARIADB_URL"),
        }
    }

    pub(crate) fn server_url(self) -> Option<String> {
        let url = env::var(self.url_variable()?).ok()?;
        (!url.is_empty()).then_some(url)
    }

    pub(crate) fn availability(self) -> Availability {
        if is_skipped(self.name()) {
            Availability::Skipped
        } else if self.url_variable().is_none() || self.server_url().is_some() {
            Availability::Ready
        } else {
            Availability::Missing
        }
    }
}

/// Whether `AUDIT_TEST_SKIP` says that this may stay untested.
pub(crate) fn is_skipped(name: &str) -> bool {
    let skip = env::var("AUDIT_TEST_SKIP").unwrap_or_default();
    skip.split(',').any(|skipped| skipped.trim() == name)
}
