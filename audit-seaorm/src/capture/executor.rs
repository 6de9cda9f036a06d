use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, Statement, StatementBuilder, prelude::async_trait::async_trait,
};
#[cfg(feature = "rbac")]
use sea_orm::{RestrictedConnection, RestrictedTransaction};

use super::any::{AnyConnection, AnyStatement};
use crate::{AuditConnection, AuditTransaction, error::Place};

/// What a `C: ConnectionTrait` really is, and itself a connection: so what is done on it is compiled once, and not for
/// each type of connection that an application has.
#[derive(Clone, Copy)]
pub(crate) enum Executor<'a> {
    /// A pool: every statement commits by itself, on any connection.
    Pool(&'a DatabaseConnection),
    /// A pool whose guard looks at each statement.
    Guarded(&'a AuditConnection),
    /// A transaction of ours, which keeps its entries until it commits.
    Audit(&'a AuditTransaction),
    /// A transaction of the caller's.
    Transaction(&'a DatabaseTransaction),
    /// A pool that asks for permission for each statement, and takes those of `SeaORM` alone.
    #[cfg(feature = "rbac")]
    Restricted(&'a RestrictedConnection),
    /// A transaction of such a pool.
    #[cfg(feature = "rbac")]
    RestrictedTransaction(&'a RestrictedTransaction),
    /// Some other type.
    Unknown(&'a dyn AnyConnection),
}

impl<'a> Executor<'a> {
    pub(crate) fn of<C: ConnectionTrait>(db: &'a C) -> Self {
        if let Some(pool) = same_type::<C, DatabaseConnection>(db) {
            return Self::Pool(pool);
        }
        if let Some(guarded) = same_type::<C, AuditConnection>(db) {
            return Self::Guarded(guarded);
        }
        if let Some(transaction) = same_type::<C, DatabaseTransaction>(db) {
            return Self::Transaction(transaction);
        }
        if let Some(transaction) = same_type::<C, AuditTransaction>(db) {
            return Self::Audit(transaction);
        }
        #[cfg(feature = "rbac")]
        if let Some(restricted) = same_type::<C, RestrictedConnection>(db) {
            return Self::Restricted(restricted);
        }
        #[cfg(feature = "rbac")]
        if let Some(transaction) = same_type::<C, RestrictedTransaction>(db) {
            return Self::RestrictedTransaction(transaction);
        }
        if let Some(executor) = same_type::<C, Executor<'a>>(db) {
            return *executor;
        }
        match same_type::<C, DatabaseExecutor<'a>>(db) {
            Some(DatabaseExecutor::Connection(pool)) => Self::Pool(pool),
            Some(DatabaseExecutor::Transaction(transaction)) => Self::Transaction(transaction),
            Some(DatabaseExecutor::OwnedTransaction(transaction)) => Self::Transaction(transaction),
            None => Self::Unknown(db),
        }
    }

    /// Whether statements of `SeaORM`'s own are all that it takes. It would tell the values of any other in
    /// its error.
    pub(crate) fn is_typed(self) -> bool {
        match self {
            #[cfg(feature = "rbac")]
            Self::Restricted(_) | Self::RestrictedTransaction(_) => true,
            Self::Unknown(_) => true,
            _ => false,
        }
    }

    /// Where a write goes that has no transaction around it.
    pub(crate) fn place(self) -> Option<Place> {
        match self {
            Self::Pool(_) | Self::Guarded(_) => Some(Place::Pool),
            #[cfg(feature = "rbac")]
            Self::Restricted(_) => Some(Place::Pool),
            #[cfg(feature = "rbac")]
            Self::RestrictedTransaction(_) => None,
            Self::Audit(_) | Self::Transaction(_) => None,
            Self::Unknown(db) => Some(Place::Unknown(db.name())),
        }
    }
}

/// Calls a method of the connection, whichever it is; `$any` on one of an unknown type.
macro_rules! on {
    ($executor:expr, |$db:ident| $known:expr, |$unknown:ident| $any:expr) => {
        match $executor {
            Executor::Pool($db) => $known,
            Executor::Guarded($db) => $known,
            Executor::Audit($db) => $known,
            Executor::Transaction($db) => $known,
            #[cfg(feature = "rbac")]
            Executor::Restricted($db) => $known,
            #[cfg(feature = "rbac")]
            Executor::RestrictedTransaction($db) => $known,
            Executor::Unknown($unknown) => $any,
        }
    };
}

#[async_trait]
impl ConnectionTrait for Executor<'_> {
    fn get_database_backend(&self) -> DbBackend {
        on!(self, |db| ConnectionTrait::get_database_backend(*db), |db| db.backend())
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        on!(self, |db| db.execute_raw(statement).await, |db| {
            db.send(AnyStatement::Raw(statement)).await
        })
    }

    async fn execute<S: StatementBuilder>(&self, statement: &S) -> Result<ExecResult, DbErr> {
        on!(self, |db| db.execute(statement).await, |db| {
            db.send(AnyStatement::of(statement, db.backend())).await
        })
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        on!(self, |db| db.execute_unprepared(sql).await, |db| db.send_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        on!(self, |db| db.query_one_raw(statement).await, |db| {
            db.fetch_one(AnyStatement::Raw(statement)).await
        })
    }

    async fn query_one<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Option<QueryResult>, DbErr> {
        on!(self, |db| db.query_one(statement).await, |db| {
            db.fetch_one(AnyStatement::of(statement, db.backend())).await
        })
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        on!(self, |db| db.query_all_raw(statement).await, |db| {
            db.fetch_all(AnyStatement::Raw(statement)).await
        })
    }

    async fn query_all<S: StatementBuilder>(
        &self,
        statement: &S,
    ) -> Result<Vec<QueryResult>, DbErr> {
        on!(self, |db| db.query_all(statement).await, |db| {
            db.fetch_all(AnyStatement::of(statement, db.backend())).await
        })
    }

    fn support_returning(&self) -> bool {
        on!(self, |db| db.support_returning(), |db| db.returns())
    }

    fn is_mock_connection(&self) -> bool {
        on!(self, |db| db.is_mock_connection(), |db| db.is_mock())
    }
}

/// The reference as a `&T`, if `C` is the type `T`.
///
/// `Any` would need `C: 'static`, which `SeaORM` does not ask of a connection. `typeid` compares types
/// with their lifetimes erased, so `T` must be sound with any lifetime that `C` may have: the types
/// asked for here have none, or one that is covariant and outlived by the reference.
pub(super) fn same_type<C, T>(db: &C) -> Option<&T> {
    if typeid::of::<C>() != typeid::of::<T>() {
        return None;
    }
    #[allow(unsafe_code, reason = "a cast to the same type, which no safe means can express")]
    // SAFETY: `C` and `T` are the same type up to lifetimes, so layout and validity are the same, and
    // the result borrows for as long as the argument does. A lifetime inside of `C` outlives that
    // borrow, and `T` names no longer one.
    Some(unsafe { &*std::ptr::from_ref(db).cast::<T>() })
}

#[cfg(test)]
mod tests {
    use sea_orm::{Database, TransactionTrait};

    use super::*;

    struct Wrapper<'a>(&'a str);

    #[test]
    fn a_type_is_itself_and_no_other() {
        let text = String::from("x");
        assert_eq!(same_type::<String, String>(&text), Some(&text));
        assert!(same_type::<String, Vec<u8>>(&text).is_none());
        let wrapper = Wrapper(&text);
        assert!(same_type::<Wrapper<'_>, Wrapper<'_>>(&wrapper).is_some_and(|same| same.0 == "x"));
    }

    #[tokio::test]
    async fn pools_and_transactions_are_told_apart() {
        let pool = Database::connect("sqlite::memory:").await.expect("a database in memory");
        assert!(matches!(Executor::of(&pool), Executor::Pool(_)));
        assert!(matches!(Executor::of(&DatabaseExecutor::from(&pool)), Executor::Pool(_)));
        let txn = pool.begin().await.expect("a transaction");
        assert!(matches!(Executor::of(&txn), Executor::Transaction(_)));
        assert!(matches!(Executor::of(&DatabaseExecutor::from(&txn)), Executor::Transaction(_)));
        let owned = DatabaseExecutor::OwnedTransaction(txn);
        assert!(matches!(Executor::of(&owned), Executor::Transaction(_)));
    }
}
