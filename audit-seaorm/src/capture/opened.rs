use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, TransactionOptions, TransactionTrait,
};
#[cfg(feature = "rbac")]
use sea_orm::{RestrictedConnection, RestrictedTransaction};

use super::Executor;

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

    pub(super) async fn begin(&self, options: TransactionOptions) -> Result<Opened, DbErr> {
        match self {
            Self::Plain(pool) => pool.begin_with_options(options).await.map(Opened::Plain),
            #[cfg(feature = "rbac")]
            Self::Restricted(pool) => {
                pool.begin_with_options(options).await.map(Opened::Restricted)
            }
        }
    }
}

/// A transaction or a savepoint of ours. Dropping it rolls back.
pub(super) enum Opened {
    Plain(DatabaseTransaction),
    #[cfg(feature = "rbac")]
    Restricted(RestrictedTransaction),
}

impl Opened {
    /// A savepoint of a transaction of the caller's.
    pub(super) async fn within(txn: Executor<'_>) -> Result<Self, DbErr> {
        match txn {
            Executor::Transaction(txn) => txn.begin().await.map(Self::Plain),
            #[cfg(feature = "rbac")]
            Executor::RestrictedTransaction(txn) => txn.begin().await.map(Self::Restricted),
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

    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        match self {
            Self::Plain(txn) => txn.rollback().await,
            #[cfg(feature = "rbac")]
            Self::Restricted(txn) => txn.rollback().await,
        }
    }
}
