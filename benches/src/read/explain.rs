//! What goes out for each case, and how the database goes about it.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    prelude::async_trait::async_trait,
};

use super::{case::Case, library, trail::Trail};
use crate::Result;

pub(super) async fn explain(trail: &Trail, cases: &str) -> Result<()> {
    for case in Case::named(cases) {
        eprintln!("\n== {} of {}", case.name(), trail.size);
        for subject in trail.subjects.iter().take(1) {
            library::read(&Explained(&trail.db), case, subject).await?;
        }
    }
    Ok(())
}

/// Asks the database about each statement that passes.
struct Explained<'a>(&'a DatabaseConnection);

#[async_trait]
impl ConnectionTrait for Explained<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> std::result::Result<ExecResult, DbErr> {
        self.0.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> std::result::Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(
        &self,
        statement: Statement,
    ) -> std::result::Result<Option<QueryResult>, DbErr> {
        self.0.query_one_raw(statement).await
    }

    async fn query_all_raw(
        &self,
        statement: Statement,
    ) -> std::result::Result<Vec<QueryResult>, DbErr> {
        let how = match self.get_database_backend() {
            DbBackend::Sqlite => "EXPLAIN QUERY PLAN",
            DbBackend::Postgres => "EXPLAIN (ANALYZE, BUFFERS)",
            _ => "ANALYZE FORMAT=JSON",
        };
        let mut explain = statement.clone();
        explain.sql = format!("{how} {}", explain.sql);
        eprintln!("\n{}", statement.sql);
        // The plan is the last column of all three.
        for row in self.0.query_all_raw(explain).await? {
            let column = row.column_names().pop().unwrap_or_default();
            eprintln!("    {}", row.try_get::<String>("", &column)?);
        }
        self.0.query_all_raw(statement).await
    }
}
