//! What lets all of `SeaORM` run on an [`AuditTransaction`].

use std::{fmt, pin::Pin};

#[cfg(feature = "stream")]
use futures_util::{Stream, TryStreamExt};
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, TransactionError, TransactionOptions, TransactionSession, TransactionTrait,
    prelude::async_trait::async_trait,
};

use super::AuditTransaction;
use crate::guard::execute_admitted;

#[async_trait]
impl ConnectionTrait for AuditTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.core.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _change = self.core.admit(&statement.sql).await?;
        let outcome = self.core.permits().watch(self.core.inner.execute_raw(statement)).await;
        self.core.heed(outcome).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _change = self.core.admit(sql).await?;
        let outcome = self.core.permits().watch(execute_admitted(self.core.unguarded(), sql)).await;
        self.core.heed(outcome).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _change = self.core.admit(&statement.sql).await?;
        let outcome = self.core.permits().watch(self.core.inner.query_one_raw(statement)).await;
        self.core.heed(outcome).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _change = self.core.admit(&statement.sql).await?;
        let outcome = self.core.permits().watch(self.core.inner.query_all_raw(statement)).await;
        self.core.heed(outcome).await
    }

    fn support_returning(&self) -> bool {
        self.core.inner.support_returning()
    }

    fn is_mock_connection(&self) -> bool {
        self.core.inner.is_mock_connection()
    }
}

#[cfg(feature = "stream")]
impl sea_orm::StreamTrait for AuditTransaction {
    type Stream<'a> = Pin<Box<dyn Stream<Item = Result<QueryResult, DbErr>> + Send + 'a>>;

    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&*self.core.inner)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move {
            let _change = self.core.admit(&statement.sql).await?;
            let rows = self.core.heed(self.core.inner.stream_raw(statement).await).await?;
            // Asking the server has to wait until the stream gives the connection back.
            let rows = rows.inspect_err(|error| self.core.heed_at_once(error));
            Ok(Box::pin(rows) as Self::Stream<'a>)
        })
    }
}

#[async_trait]
impl TransactionSession for AuditTransaction {
    async fn commit(self) -> Result<(), DbErr> {
        Self::commit(self).await
    }

    async fn rollback(self) -> Result<(), DbErr> {
        Self::rollback(self).await
    }
}

#[async_trait]
impl TransactionTrait for AuditTransaction {
    type Transaction = Self;

    async fn begin(&self) -> Result<Self, DbErr> {
        self.nested(TransactionOptions::default()).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<Self, DbErr> {
        let options =
            TransactionOptions { isolation_level, access_mode, ..TransactionOptions::default() };
        self.nested(options).await
    }

    async fn begin_with_options(&self, options: TransactionOptions) -> Result<Self, DbErr> {
        self.nested(options).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        within(self, callback, None, None).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c Self) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        within(self, callback, isolation_level, access_mode).await
    }
}

/// Runs `callback` in a transaction of `db`: commits if it is `Ok`, rolls back if it is an error.
pub(crate) async fn within<D, F, T, E>(
    db: &D,
    callback: F,
    isolation_level: Option<IsolationLevel>,
    access_mode: Option<AccessMode>,
) -> Result<T, TransactionError<E>>
where
    D: TransactionTrait<Transaction = AuditTransaction>,
    F: for<'c> FnOnce(
            &'c AuditTransaction,
        ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
        + Send,
    T: Send,
    E: fmt::Display + fmt::Debug + Send,
{
    let txn = db.begin_with_config(isolation_level, access_mode).await;
    let txn = txn.map_err(TransactionError::Connection)?;
    match callback(&txn).await {
        Ok(value) => {
            txn.commit().await.map_err(TransactionError::Connection)?;
            Ok(value)
        }
        Err(error) => {
            txn.rollback().await.map_err(TransactionError::Connection)?;
            Err(TransactionError::Transaction(error))
        }
    }
}
