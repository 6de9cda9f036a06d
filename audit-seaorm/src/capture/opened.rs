use sea_orm::{DatabaseConnection, DbErr, TransactionOptions};
#[cfg(feature = "rbac")]
use sea_orm::{RestrictedConnection, RestrictedTransaction};

use super::Executor;
use crate::{engine::PoolId, own_transaction::OwnTransaction};

/// A pool to begin a transaction on.
pub(super) enum Source {
    Plain(DatabaseConnection),
    #[cfg(feature = "rbac")]
    Restricted(RestrictedConnection),
}

impl Source {
    pub(super) fn executor(&self) -> Executor<'_> {
        match self {
            Self::Plain(pool) => Executor::Pool(pool),
            #[cfg(feature = "rbac")]
            Self::Restricted(pool) => Executor::Restricted(pool),
        }
    }

    /// Access control does not let the pool be seen.
    pub(super) fn id(&self) -> PoolId {
        match self {
            Self::Plain(pool) => PoolId::of(pool),
            #[cfg(feature = "rbac")]
            Self::Restricted(_) => PoolId::default(),
        }
    }

    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<Opened, DbErr> {
        match self {
            Self::Plain(pool) => OwnTransaction::on(pool, options).await.map(Opened::Plain),
            #[cfg(feature = "rbac")]
            Self::Restricted(pool) => {
                OwnTransaction::on(pool, options).await.map(Opened::Restricted)
            }
        }
    }
}

/// A transaction or a savepoint of ours. Dropping it rolls back.
pub(super) enum Opened {
    Plain(OwnTransaction),
    #[cfg(feature = "rbac")]
    Restricted(OwnTransaction<RestrictedTransaction>),
}

impl Opened {
    /// A savepoint of a transaction of the caller's.
    pub(super) async fn within(txn: Executor<'_>) -> Result<Self, DbErr> {
        let options = TransactionOptions::default();
        match txn {
            Executor::Transaction(txn) => {
                OwnTransaction::within(txn, options).await.map(Self::Plain)
            }
            #[cfg(feature = "rbac")]
            Executor::RestrictedTransaction(txn) => {
                OwnTransaction::within(txn, options).await.map(Self::Restricted)
            }
            _ => Err(DbErr::Type("audit: no transaction".to_owned())),
        }
    }

    pub(super) fn executor(&self) -> Executor<'_> {
        match self {
            Self::Plain(txn) => Executor::Transaction(txn),
            #[cfg(feature = "rbac")]
            Self::Restricted(txn) => Executor::RestrictedTransaction(txn),
        }
    }

    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Plain(txn) => txn.commit().await,
            #[cfg(feature = "rbac")]
            Self::Restricted(txn) => txn.commit().await,
        }
    }

    pub(super) async fn roll_back_after(self, error: &DbErr) -> Result<(), DbErr> {
        match self {
            Self::Plain(txn) => txn.roll_back_after(error).await,
            #[cfg(feature = "rbac")]
            Self::Restricted(txn) => txn.roll_back_after(error).await,
        }
    }
}
