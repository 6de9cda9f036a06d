use std::{fmt, pin::Pin, sync::Arc};

use audit_core::{AuditConfig, Escape};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionError, TransactionOptions, TransactionTrait,
    prelude::async_trait::async_trait,
};

use super::{
    Cascade, Guard, Passage, execute_admitted, foreign_keys::ForeignKeys, known::SchemaChange,
};
use crate::{AuditTransaction, transaction::within};

/// A connection pool that lets no write of an audited table pass unnoticed.
///
/// Wrap the pool once and pass this on in its place. All of `SeaORM` runs on it, and what is recorded
/// runs as it does on the pool itself. Every other statement is looked at, and one that would change an
/// audited table without leaving an entry is an escape: refused by default, see
/// [`on_escape`](Self::on_escape). That covers `SeaORM`'s own builders, raw SQL of several statements,
/// common table expressions that modify data, and writes hidden in what reads
/// (`find_by_statement("DELETE … RETURNING *")`), streams included. The table of the trail is guarded
/// likewise. Its transactions are [`AuditTransaction`]s, which guard in the same way.
///
/// It goes by the text of a statement. What cannot be read and names an audited table is an escape, and so
/// is what cannot be seen through: `CALL`, `DO`, `EXECUTE`. Reads, other tables and changes of the schema
/// pass, but for a rule and for a trigger or a routine whose body is seen to write an audited table. A delete
/// that makes the database change audited records by itself, by a foreign key, is an escape as well: see
/// [`cascades`](Self::cascades). What else it does by itself stays out of sight: triggers that are there,
/// functions in a `SELECT`, views that can be written.
///
/// A text of several statements passes if none of them is refused. On `MariaDB` a routine with a body, and on
/// `PostgreSQL` one with `BEGIN ATOMIC`, has to be the only statement of its text, or the database refuses it: where
/// its body ends, the text does not tell.
///
/// ```
/// use audit_seaorm::AuditConnection;
/// use sea_orm::{ActiveValue::Set, ConnectionTrait, Database, DbErr, EntityTrait};
/// # use audit_migration::MigratorTrait;
/// # mod post {
/// #     use sea_orm::entity::prelude::*;
/// #     #[sea_orm::model]
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
/// #     #[sea_orm(table_name = "post")]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key)]
/// #         pub id: i32,
/// #         pub title: String,
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
/// # audit_migration::Migrator::up(&db, None).await?;
/// let db = AuditConnection::new(db);
/// let post = post::ActiveModel { title: Set("Draft".to_owned()), ..Default::default() };
/// post.insert(&db).await?; // recorded
///
/// let error = post::Entity::delete_many().exec(&db).await.unwrap_err();
/// assert!(error.to_string().contains("DELETE of `post` refused"));
/// let sql = "SELECT 1; UPDATE post SET title = 'Final'";
/// let error = db.execute_unprepared(sql).await.unwrap_err();
/// assert!(error.to_string().contains("UPDATE of `post` refused"));
/// assert_eq!(post::Entity::find().all(&db).await?[0].title, "Draft");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuditConnection {
    inner: DatabaseConnection,
    guard: Guard,
}

impl AuditConnection {
    /// Guards a pool.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        let guard = Guard { foreign_keys: Some(Arc::default()), ..Guard::default() };
        Self { inner: db, guard }
    }

    pub(super) fn of_pool(db: DatabaseConnection) -> Self {
        Self { inner: db, guard: Guard::default() }
    }

    /// What happens to a write of an audited table that leaves no entry, here and in transactions begun
    /// here. Defaults to what the [`AuditConfig`](crate::AuditConfig) in force says.
    ///
    /// [`Escape::Warn`] logs the table and the kind of statement, and never its text, which may hold values.
    #[must_use]
    pub fn on_escape(mut self, escape: Escape) -> Self {
        self.guard.escape = Some(escape);
        self
    }

    /// The foreign keys of the database that change audited records by themselves when a record they refer to
    /// is deleted or gets another key. No entry tells of that.
    ///
    /// A delete that sets one of them off is an escape: refused by default. One of an audited parent is so
    /// only if there are records that refer to it; one of any other table always, as a statement does not
    /// tell which rows it will delete. A key of a parent that is updated (`ON UPDATE CASCADE`) is not watched.
    ///
    /// This connection reads the keys of the database ahead of its first delete or transaction, and logs a
    /// warning for each that it lists here. It reads them again ahead of a delete if a statement that changes
    /// the schema (`CREATE`, `ALTER`, `DROP`, `RENAME`) has run on this connection or in one of its
    /// transactions, if this method has been called, or if the last reading is 30 seconds old (and a hundred
    /// times as old as it took). So a foreign key that another process creates may stay unseen for that long;
    /// call this method after a migration to have it seen at once.
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, nothing has happened.
    ///
    /// ```
    /// # use audit_seaorm::AuditConnection;
    /// # use sea_orm::{ConnectionTrait, Database, DbErr};
    /// # mod post {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    /// #     #[sea_orm(table_name = "post")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub blog_id: i32,
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// let db = AuditConnection::new(Database::connect("sqlite::memory:").await?);
    /// db.execute_unprepared(
    ///     "CREATE TABLE blog (id integer PRIMARY KEY);
    ///      CREATE TABLE post (
    ///          id integer PRIMARY KEY,
    ///          blog_id integer NOT NULL REFERENCES blog (id) ON DELETE CASCADE
    ///      );",
    /// )
    /// .await?;
    /// let cascades = db.cascades().await?;
    /// assert_eq!(
    ///     cascades[0].to_string(),
    ///     "a foreign key: `post` (blog_id) refers to `blog` ON DELETE CASCADE"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cascades(&self) -> Result<Vec<Cascade>, DbErr> {
        if let Some(known) = &self.guard.foreign_keys {
            known.forget();
        }
        Ok(ForeignKeys::read(&self.inner).await?.cascades(&AuditConfig::current()))
    }

    /// Reads the foreign keys, unless they are known well enough.
    pub(crate) async fn learn(&self) -> Result<(), DbErr> {
        self.guard.learn(&self.inner).await
    }

    /// The pool itself, which nobody guards: for migrations, for upkeep.
    #[must_use]
    pub fn inner(&self) -> &DatabaseConnection {
        &self.inner
    }

    /// Takes the guard off.
    #[must_use]
    pub fn into_inner(self) -> DatabaseConnection {
        self.inner
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    async fn admit(&self, sql: &str) -> Result<Option<SchemaChange>, DbErr> {
        let passage = Passage {
            backend: self.inner.get_database_backend(),
            returning: self.inner.support_returning(),
            permits: None,
        };
        self.guard.admit(&self.inner, sql, passage).await
    }
}

impl From<DatabaseConnection> for AuditConnection {
    fn from(db: DatabaseConnection) -> Self {
        Self::new(db)
    }
}

#[async_trait]
impl ConnectionTrait for AuditConnection {
    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _change = self.admit(&statement.sql).await?;
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _change = self.admit(sql).await?;
        execute_admitted(&self.inner, sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _change = self.admit(&statement.sql).await?;
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _change = self.admit(&statement.sql).await?;
        self.inner.query_all_raw(statement).await
    }

    fn support_returning(&self) -> bool {
        self.inner.support_returning()
    }

    fn is_mock_connection(&self) -> bool {
        self.inner.is_mock_connection()
    }
}

#[cfg(feature = "stream")]
impl sea_orm::StreamTrait for AuditConnection {
    type Stream<'a> = <DatabaseConnection as sea_orm::StreamTrait>::Stream<'a>;

    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.inner)
    }

    fn stream_raw<'a>(
        &'a self,
        statement: Statement,
    ) -> Pin<Box<dyn Future<Output = Result<Self::Stream<'a>, DbErr>> + 'a + Send>> {
        Box::pin(async move {
            let _change = self.admit(&statement.sql).await?;
            self.inner.stream_raw(statement).await
        })
    }
}

#[async_trait]
impl TransactionTrait for AuditConnection {
    type Transaction = AuditTransaction;

    async fn begin(&self) -> Result<AuditTransaction, DbErr> {
        AuditTransaction::begin(self).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<AuditTransaction, DbErr> {
        let options =
            TransactionOptions { isolation_level, access_mode, ..TransactionOptions::default() };
        AuditTransaction::begin_with_options(self, options).await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<AuditTransaction, DbErr> {
        AuditTransaction::begin_with_options(self, options).await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(
                &'c AuditTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
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
        F: for<'c> FnOnce(
                &'c AuditTransaction,
            ) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: fmt::Display + fmt::Debug + Send,
    {
        within(self, callback, isolation_level, access_mode).await
    }
}
