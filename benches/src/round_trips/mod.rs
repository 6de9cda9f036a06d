//! Counting round trips without trusting anybody.

mod proxy;
mod trace;

use std::sync::{Arc, atomic::AtomicU64};

use sea_orm::DatabaseConnection;

use crate::{Result, backend::Backend, database::Scratch};

/// Sits between a pool and its database, and counts.
pub(crate) enum Tap {
    /// Each time the client sends something and waits for the answer.
    Proxy(proxy::Proxy),
    /// Each statement: there is no wire.
    Trace(trace::Trace),
}

impl Tap {
    pub(crate) async fn connect(scratch: &Scratch<'_>) -> Result<(Self, DatabaseConnection)> {
        if scratch.backend == Backend::Sqlite {
            let db = scratch.connect(&scratch.url).await?;
            let trace = trace::Trace::install(db.get_sqlite_connection_pool()).await?;
            Ok((Self::Trace(trace), db))
        } else {
            let proxy = proxy::Proxy::before(&scratch.url).await?;
            let db = scratch.connect(proxy.url()).await?;
            Ok((Self::Proxy(proxy), db))
        }
    }

    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        match self {
            Self::Proxy(proxy) => proxy.counter(),
            Self::Trace(trace) => trace.counter(),
        }
    }
}
