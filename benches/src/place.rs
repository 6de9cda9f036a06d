use std::path::PathBuf;

use crate::{Result, backend::Backend, server::Server};

/// Where databases are made.
pub(crate) enum Place {
    /// Of `SQLite`'s; in the system's place for such things where none is named.
    Folder(Option<PathBuf>),
    Server(Backend, Server),
}

impl Place {
    pub(crate) fn find(backend: Backend, given: Option<&str>) -> Result<Self> {
        match backend {
            Backend::Sqlite => Ok(Self::Folder(given.map(PathBuf::from))),
            Backend::Postgres | Backend::MariaDb => {
                Ok(Self::Server(backend, Server::find(backend, given)?))
            }
        }
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Folder(_) => Backend::Sqlite,
            Self::Server(backend, _) => *backend,
        }
    }

    pub(crate) fn is_throwaway(&self) -> bool {
        matches!(self, Self::Server(_, server) if server.is_throwaway())
    }
}
