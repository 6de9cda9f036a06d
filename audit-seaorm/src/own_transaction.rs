//! A transaction or a savepoint that this crate begins and ends, and the connection that it leaves behind.
//!
//! On some errors a database ends a transaction by itself: `SQLite` on a full disk, or where a trigger or a constraint says
//! ROLLBACK; `MariaDB` on a deadlock. `SQLx` counts its transactions and does not notice. On `SQLite` its ROLLBACK then
//! fails, and the count stays: the connection goes back to the pool, its next transactions are taken for savepoints, and what they write
//! is never committed. On `MariaDB` what comes after commits by itself.
//!
//! So where a transaction is gone, another one takes its place, with the savepoints that `SQLx` believes in: whoever rolls back
//! finds something to roll back, at any level. What is written in it meanwhile cannot be committed.

use std::{fmt::Write, ops::Deref, sync::LazyLock};

use futures_util::FutureExt;
#[cfg(feature = "rbac")]
use sea_orm::RestrictedTransaction;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, TransactionOptions, TransactionSession,
    TransactionTrait,
    sea_query::{Expr, Query},
};

use crate::database_error::{DatabaseError, Transaction};

/// A transaction of `SeaORM`'s.
pub(crate) trait Session:
    ConnectionTrait + TransactionSession + TransactionTrait<Transaction = Self> + Send + 'static
{
    /// Whether it takes any text, and not only `SeaORM`'s own statements.
    const TAKES_TEXTS: bool;
}

impl Session for DatabaseTransaction {
    const TAKES_TEXTS: bool = true;
}

#[cfg(feature = "rbac")]
impl Session for RestrictedTransaction {
    const TAKES_TEXTS: bool = false;
}

/// Dropping it rolls back.
#[derive(Debug)]
pub(crate) struct OwnTransaction<T = DatabaseTransaction> {
    inner: T,
    level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Outermost,
    Savepoint,
}

impl<T: Session> OwnTransaction<T> {
    pub(crate) async fn on<P: TransactionTrait<Transaction = T>>(
        pool: &P,
        options: TransactionOptions,
    ) -> Result<Self, DbErr> {
        let inner = pool.begin_with_options(options).await?;
        Ok(Self { inner, level: Level::Outermost })
    }

    /// A savepoint.
    pub(crate) async fn within(outer: &T, options: TransactionOptions) -> Result<Self, DbErr> {
        let inner = outer.begin_with_options(options).await?;
        Ok(Self { inner, level: Level::Savepoint })
    }

    /// Commits what succeeded and rolls back what did not.
    pub(crate) async fn finish<O>(self, outcome: Result<O, DbErr>) -> Result<O, DbErr> {
        match outcome {
            Ok(output) => self.commit().await.map(|()| output),
            Err(error) => {
                // The reason matters more than a rollback that failed too: then the connection is lost, and the
                // database has rolled back already.
                let _ = self.roll_back_after(&error).await;
                Err(error)
            }
        }
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        if self.level == Level::Outermost && self.inner.get_database_backend() == DbBackend::Sqlite
        {
            return self.commit_on_sqlite().await;
        }
        self.inner.commit().await
    }

    /// A COMMIT that finds the disk full rolls back, and `SQLx` gives its transaction up with it. So the COMMIT is a statement of
    /// our own, after which there is still somebody who can be made to roll back. If it succeeds, `SQLx` commits nothing.
    async fn commit_on_sqlite(self) -> Result<(), DbErr> {
        match self.send("COMMIT; BEGIN").await {
            Ok(()) => {
                // It is committed, whatever becomes of the connection.
                let _ = self.inner.commit().await;
                Ok(())
            }
            Err(error) => {
                let _ = self.roll_back().await;
                Err(match error {
                    // What SeaORM makes of it.
                    DbErr::Exec(error) => DbErr::Query(error),
                    other => other,
                })
            }
        }
    }

    pub(crate) async fn roll_back(self) -> Result<(), DbErr> {
        if self.inner.get_database_backend() == DbBackend::Sqlite {
            self.begin_anew_on_sqlite().await;
        }
        self.inner.rollback().await
    }

    /// Rolls back because of this error.
    pub(crate) async fn roll_back_after(self, error: &DbErr) -> Result<(), DbErr> {
        // ROLLBACK is no error on MariaDB where there is nothing to roll back; ROLLBACK TO is.
        if self.level == Level::Savepoint || self.inner.get_database_backend() == DbBackend::Sqlite
        {
            self.is_gone(error).await;
        }
        self.inner.rollback().await
    }

    /// Rolls a savepoint back. An error if there is nothing left to go on with, because the database has ended all of it.
    pub(crate) async fn take_back(self, error: DbErr) -> Result<DbErr, DbErr> {
        let gone = self.is_gone(&error).await;
        let rolled_back = self.inner.rollback().await;
        if gone { Err(error) } else { rolled_back.map(|()| error) }
    }

    /// Whether the database has ended the whole transaction with this error. Then another one is in its place from here on, which
    /// can only be rolled back.
    pub(crate) async fn is_gone(&self, error: &DbErr) -> bool {
        match self.inner.get_database_backend() {
            DbBackend::Sqlite => self.begin_anew_on_sqlite().await,
            DbBackend::MySql => {
                let gone = self.is_gone_on_mariadb(error).await;
                if gone {
                    self.begin_anew_on_mariadb().await;
                }
                gone
            }
            _ => after(error) == Transaction::Gone,
        }
    }

    /// BEGIN is an error inside of a transaction, which changes nothing: so it tells as well.
    async fn begin_anew_on_sqlite(&self) -> bool {
        if self.send("BEGIN").await.is_err() {
            return false;
        }
        // Each by itself: what the last one does matters even if there is no room for the first.
        for text in [DOOMED, &SAVEPOINTS] {
            let _ = self.send(text).await;
        }
        true
    }

    async fn is_gone_on_mariadb(&self, error: &DbErr) -> bool {
        match after(error) {
            Transaction::Stands => false,
            Transaction::Gone => true,
            Transaction::MayBeGone => !self.is_open_on_mariadb().await,
        }
    }

    /// `MySQL` does not tell.
    async fn is_open_on_mariadb(&self) -> bool {
        let ask = Query::select().expr(Expr::cust("CAST(@@in_transaction AS SIGNED)")).take();
        let answer = self.inner.query_one(&ask).await.ok().flatten();
        answer.is_some_and(|row| row.try_get_by_index(0).is_ok_and(|open: i64| open == 1))
    }

    async fn begin_anew_on_mariadb(&self) {
        if T::TAKES_TEXTS {
            // Nothing makes its COMMIT fail. So it refuses writes.
            let anew = format!("START TRANSACTION READ ONLY; {}", *SAVEPOINTS);
            let _ = self.inner.execute_unprepared(&anew).await;
        }
    }

    /// Sends a text to `SQLite`, also where `SeaORM` lets no text of our own pass.
    async fn send(&self, text: &str) -> Result<(), DbErr> {
        let statement = Query::select().expr(Expr::cust(format!("NULL; {text}"))).take();
        self.inner.execute(&statement).await.map(drop)
    }
}

/// What became of the transaction with this error, as far as the error itself tells.
pub(crate) fn after(error: &DbErr) -> Transaction {
    DatabaseError::of(error).map_or(Transaction::Stands, |error| error.transaction)
}

impl OwnTransaction {
    /// Lets the rollback that a drop queues find something to roll back, if a statement whose answer nobody has waited for has ended
    /// the transaction. A drop cannot wait; but `SQLite`'s driver has a queue, which this enters ahead of the rollback.
    pub(crate) fn about_to_drop(&self) {
        if self.level == Level::Outermost && self.inner.get_database_backend() == DbBackend::Sqlite
        {
            let _ = self.inner.execute_unprepared("BEGIN").now_or_never();
        }
    }
}

impl<T> Deref for OwnTransaction<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// Makes COMMIT fail on `SQLite`: a foreign key that is checked then, and refers to nothing. It is gone with the rollback.
const DOOMED: &str = "CREATE TEMP TABLE audit_doomed (id INTEGER PRIMARY KEY, \
                      other INTEGER REFERENCES audit_doomed (id) DEFERRABLE INITIALLY DEFERRED); \
                      INSERT INTO temp.audit_doomed VALUES (1, 2)";

/// More levels than anybody nests. Nobody outside of `SQLx` knows how many it believes in.
const LEVELS: usize = 32;

/// Those of `SQLx`, by the names that it gives them.
static SAVEPOINTS: LazyLock<String> = LazyLock::new(|| {
    (1..=LEVELS).fold(String::new(), |mut all, level| {
        let _ = write!(all, "SAVEPOINT _sqlx_savepoint_{level}; ");
        all
    })
});
