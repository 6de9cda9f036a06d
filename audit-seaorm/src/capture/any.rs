//! A connection of a type that is not known here, as an object.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, StatementBuilder,
    prelude::async_trait::async_trait,
    sea_query::{DeleteStatement, InsertStatement, SelectStatement, UpdateStatement},
};

use super::executor::same_type;

/// [`ConnectionTrait`] for objects, which that cannot be: its methods take statements of any type.
#[async_trait]
pub(crate) trait AnyConnection: Sync {
    fn name(&self) -> &'static str;

    fn backend(&self) -> DbBackend;

    fn returns(&self) -> bool;

    fn is_mock(&self) -> bool;

    async fn send(&self, statement: AnyStatement<'_>) -> Result<ExecResult, DbErr>;

    async fn send_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr>;

    async fn fetch_one(&self, statement: AnyStatement<'_>) -> Result<Option<QueryResult>, DbErr>;

    async fn fetch_all(&self, statement: AnyStatement<'_>) -> Result<Vec<QueryResult>, DbErr>;
}

/// A statement that keeps its type where `SeaORM` has one: a connection may take no other.
pub(crate) enum AnyStatement<'a> {
    Select(&'a SelectStatement),
    Insert(&'a InsertStatement),
    Update(&'a UpdateStatement),
    Delete(&'a DeleteStatement),
    Raw(Statement),
}

impl<'a> AnyStatement<'a> {
    pub(super) fn of<S: StatementBuilder>(statement: &'a S, backend: DbBackend) -> Self {
        if let Some(select) = same_type::<S, SelectStatement>(statement) {
            return Self::Select(select);
        }
        if let Some(insert) = same_type::<S, InsertStatement>(statement) {
            return Self::Insert(insert);
        }
        if let Some(update) = same_type::<S, UpdateStatement>(statement) {
            return Self::Update(update);
        }
        if let Some(delete) = same_type::<S, DeleteStatement>(statement) {
            return Self::Delete(delete);
        }
        Self::Raw(backend.build(statement))
    }
}

/// Calls the method for the type of the statement, or the other one.
macro_rules! dispatch {
    ($db:ident, $statement:ident, $typed:ident, $raw:ident) => {
        match $statement {
            AnyStatement::Select(statement) => ConnectionTrait::$typed($db, statement).await,
            AnyStatement::Insert(statement) => ConnectionTrait::$typed($db, statement).await,
            AnyStatement::Update(statement) => ConnectionTrait::$typed($db, statement).await,
            AnyStatement::Delete(statement) => ConnectionTrait::$typed($db, statement).await,
            AnyStatement::Raw(statement) => ConnectionTrait::$raw($db, statement).await,
        }
    };
}

#[async_trait]
impl<C: ConnectionTrait> AnyConnection for C {
    fn name(&self) -> &'static str {
        std::any::type_name::<C>()
    }

    fn backend(&self) -> DbBackend {
        self.get_database_backend()
    }

    fn returns(&self) -> bool {
        self.support_returning()
    }

    fn is_mock(&self) -> bool {
        self.is_mock_connection()
    }

    async fn send(&self, statement: AnyStatement<'_>) -> Result<ExecResult, DbErr> {
        dispatch!(self, statement, execute, execute_raw)
    }

    async fn send_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        ConnectionTrait::execute_unprepared(self, sql).await
    }

    async fn fetch_one(&self, statement: AnyStatement<'_>) -> Result<Option<QueryResult>, DbErr> {
        dispatch!(self, statement, query_one, query_one_raw)
    }

    async fn fetch_all(&self, statement: AnyStatement<'_>) -> Result<Vec<QueryResult>, DbErr> {
        dispatch!(self, statement, query_all, query_all_raw)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{
        Database, DatabaseConnection,
        sea_query::{Expr, Query},
    };

    use super::*;
    use crate::capture::Executor;

    /// Takes statements of `SeaORM`'s types alone, as one does that asks for permission.
    struct Typed(DatabaseConnection);

    fn refused<T>() -> Result<T, DbErr> {
        Err(DbErr::Custom("no text of one's own".to_owned()))
    }

    #[async_trait]
    impl ConnectionTrait for Typed {
        fn get_database_backend(&self) -> DbBackend {
            self.0.get_database_backend()
        }

        async fn execute_raw(&self, _: Statement) -> Result<ExecResult, DbErr> {
            refused()
        }

        async fn execute<S: StatementBuilder>(&self, statement: &S) -> Result<ExecResult, DbErr> {
            self.0.execute(statement).await
        }

        async fn execute_unprepared(&self, _: &str) -> Result<ExecResult, DbErr> {
            refused()
        }

        async fn query_one_raw(&self, _: Statement) -> Result<Option<QueryResult>, DbErr> {
            refused()
        }

        async fn query_one<S: StatementBuilder>(
            &self,
            statement: &S,
        ) -> Result<Option<QueryResult>, DbErr> {
            self.0.query_one(statement).await
        }

        async fn query_all_raw(&self, _: Statement) -> Result<Vec<QueryResult>, DbErr> {
            refused()
        }

        async fn query_all<S: StatementBuilder>(
            &self,
            statement: &S,
        ) -> Result<Vec<QueryResult>, DbErr> {
            self.0.query_all(statement).await
        }
    }

    #[tokio::test]
    async fn a_statement_keeps_its_type_on_the_way_to_an_unknown_connection() -> Result<(), DbErr> {
        let pool = Database::connect("sqlite::memory:").await?;
        pool.execute_unprepared("CREATE TABLE t (n INTEGER)").await?;
        let typed = Typed(pool);
        let db = Executor::of(&typed);
        assert!(matches!(db, Executor::Unknown(_)));
        let mut insert = Query::insert();
        insert.into_table("t").columns(["n"]).values_panic([1.into()]);
        assert_eq!(db.execute(&insert).await?.rows_affected(), 1);
        let update = Query::update().table("t").value("n", 2).take();
        assert_eq!(db.execute(&update).await?.rows_affected(), 1);
        let select = Query::select().expr(Expr::col("n")).from("t").take();
        let row = db.query_one(&select).await?;
        assert_eq!(row.map(|row| row.try_get_by_index::<i32>(0)).transpose()?, Some(2));
        assert_eq!(db.query_all(&select).await?.len(), 1);
        assert_eq!(db.execute(&Query::delete().from_table("t").take()).await?.rows_affected(), 1);
        assert!(db.execute_unprepared("SELECT 1").await.is_err());
        assert!(db.query_one_raw(DbBackend::Sqlite.build(&select)).await.is_err());
        Ok(())
    }
}
