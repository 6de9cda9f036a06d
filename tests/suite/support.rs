//! What the tests of the suite share.

use std::sync::Mutex;

use audit_seaorm::{AuditContext, AuditEntry, AuditUser, Operation, entity};
use audit_tests::{Backend, TestDb, connect};
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, ExecResult, QueryOrder,
    QueryResult, Statement, TransactionTrait,
    prelude::{DateTimeUtc, Uuid, async_trait::async_trait},
};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use crate::entities::post;

/// Creates the trail and the tables named.
macro_rules! create {
    ($t:expr, $($entity:path),+) => {{
        $crate::support::migrate(&$t).await;
        let builder = $t.db.get_schema_builder();
        $(let builder = builder.register($entity);)+
        builder.apply(&$t.db).await.unwrap();
    }};
}
pub(crate) use create;

/// Creates the trail, with a partition for each month if `AUDIT_TEST_PARTITIONED` asks for it.
pub(crate) async fn migrate(t: &TestDb) {
    audit_migration::Migrator::up(&t.db, None).await.unwrap();
    if t.backend == Backend::Postgres && std::env::var_os("AUDIT_TEST_PARTITIONED").is_some() {
        partition(&t.db).await;
    }
}

/// Partitions the trail.
pub(crate) async fn partition(db: &DatabaseConnection) {
    audit_migration::partition_by_month().up(&SchemaManager::new(db)).await.unwrap();
}

/// A post to insert.
pub(crate) fn new_post(title: &str) -> post::ActiveModel {
    post::ActiveModel {
        title: Set(title.to_owned()),
        likes: Set(0),
        token: Set(None),
        views: Set(0),
        ..Default::default()
    }
}

/// A post that exists, inserted without a trace in the trail.
pub(crate) async fn unseen_post(db: &impl ConnectionTrait, title: &str) -> post::Model {
    AuditContext::without_audit(new_post(title).insert(db)).await.unwrap()
}

/// All entries in the order of the trail.
pub(crate) async fn entries(db: &impl ConnectionTrait) -> Vec<AuditEntry> {
    let rows = entity::Entity::find()
        .order_by_asc(entity::Column::Timestamp)
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await
        .unwrap();
    rows.into_iter().map(AuditEntry::from).collect()
}

/// An entry with no more than it must have.
pub(crate) fn bare_entry(
    table: &str,
    record_id: &str,
    operation: Operation,
    timestamp: DateTimeUtc,
) -> AuditEntry {
    AuditEntry {
        id: Uuid::new_v4(),
        table_name: table.to_owned(),
        record_id: record_id.to_owned(),
        operation,
        old_values: None,
        new_values: None,
        user_id: None,
        user_email: None,
        request_id: None,
        transaction_id: None,
        reason: None,
        metadata: None,
        timestamp,
        unreadable: None,
    }
}

/// Whether it is an error of ours that refuses a statement.
pub(crate) fn is_refusal(error: &DbErr) -> bool {
    matches!(error, DbErr::Custom(text) if text.starts_with("audit: "))
}

/// Stores entries of other times than now, as a writer stores them: `SeaORM` writes a time in another form on `SQLite`.
pub(crate) async fn store_entries(
    db: &impl ConnectionTrait,
    entries: impl IntoIterator<Item = AuditEntry>,
) {
    let entries: Vec<_> = entries.into_iter().collect();
    if db.get_database_backend() == DbBackend::Sqlite {
        for entry in entries {
            audit_seaorm::__private::store(db, entry).await.unwrap();
        }
        return;
    }
    for entries in entries.chunks(500) {
        let rows = entries.iter().cloned().map(entity::ActiveModel::from);
        entity::Entity::insert_many(rows).exec_without_returning(db).await.unwrap();
    }
}

/// Takes away what keeps rows out that are no entries, as somebody may who owns the table.
pub(crate) async fn without_checks(db: &DatabaseConnection) {
    match db.get_database_backend() {
        DbBackend::Sqlite => without_checks_on_sqlite(db).await,
        DbBackend::Postgres => {
            let names = "SELECT conname::text FROM pg_constraint \
                         WHERE conrelid = 'audit_trail'::regclass AND contype = 'c'";
            drop_constraints(db, names).await;
        }
        _ => {
            let names = "SELECT CAST(constraint_name AS CHAR) FROM information_schema.check_constraints \
                         WHERE constraint_schema = DATABASE() AND table_name = 'audit_trail' \
                         AND constraint_name LIKE 'audit_trail%'";
            drop_constraints(db, names).await;
            for column in ["old_values", "new_values", "metadata"] {
                sql(db, &format!("ALTER TABLE audit_trail MODIFY {column} LONGTEXT")).await;
            }
        }
    }
}

async fn drop_constraints(db: &impl ConnectionTrait, names: &str) {
    let names = Statement::from_string(db.get_database_backend(), names);
    for row in db.query_all_raw(names).await.unwrap() {
        let name: String = row.try_get_by_index(0).unwrap();
        sql(db, &format!("ALTER TABLE audit_trail DROP CONSTRAINT {name}")).await;
    }
}

/// It cannot alter a table so, and its connections keep the schema in mind.
async fn without_checks_on_sqlite(db: &DatabaseConnection) {
    let schema = "SELECT sql FROM sqlite_master WHERE tbl_name = 'audit_trail' AND sql IS NOT NULL \
                  ORDER BY type <> 'table'";
    let schema = Statement::from_string(DbBackend::Sqlite, schema);
    let rows = db.query_all_raw(schema).await.unwrap();
    let schema: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    let (table, others) = schema.split_first().unwrap();
    let table = table.split(", CONSTRAINT").next().unwrap();
    let txn = db.begin().await.unwrap();
    sql(&txn, "ALTER TABLE audit_trail RENAME TO audit_trail_before").await;
    sql(&txn, &format!("{table})")).await;
    sql(&txn, "INSERT INTO audit_trail SELECT * FROM audit_trail_before").await;
    sql(&txn, "DROP TABLE audit_trail_before").await;
    for other in others {
        sql(&txn, other).await;
    }
    txn.commit().await.unwrap();
}

/// The whole trail as lines such as `UPDATE post 1 by ann: {"likes":0} -> {"likes":1}`.
pub(crate) async fn trail(db: &impl ConnectionTrait) -> Vec<String> {
    entries(db).await.iter().map(line).collect()
}

fn line(entry: &AuditEntry) -> String {
    let AuditEntry { operation, table_name, record_id, .. } = entry;
    let user = entry.user_id.as_deref().unwrap_or("nobody");
    let values = [&entry.old_values, &entry.new_values];
    let values = values.map(|side| side.as_ref().map_or("none".to_owned(), ToString::to_string));
    format!("{operation} {table_name} {record_id} by {user}: {} -> {}", values[0], values[1])
}

/// Asserts that the trail is exactly these lines.
#[track_caller]
pub(crate) fn assert_lines(trail: &[String], expected: &[&str]) {
    assert_eq!(trail, expected, "\ntrail:\n{}\n", trail.join("\n"));
}

/// Runs `work` in the name of a user.
pub(crate) async fn by<T>(user: impl Into<String>, work: impl Future<Output = T>) -> T {
    AuditContext::new().user(AuditUser::new(user)).scope(work).await
}

/// Runs SQL for its effect.
pub(crate) async fn sql(db: &impl ConnectionTrait, sql: &str) {
    db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The number that a query answers.
pub(crate) async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index::<i64>(0)
        .or_else(|_| row.try_get_by_index::<i32>(0).map(i64::from))
        .unwrap()
}

/// A database as text, where a secret that was ever stored would be seen.
pub(crate) async fn dump(t: &TestDb) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(path) = t.path() {
        for suffix in ["", "-wal"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            text.extend(std::fs::read(name).unwrap_or_default());
        }
    }
    let cast = match t.backend {
        Backend::Postgres => "SELECT a::text FROM audit_trail a",
        Backend::MariaDb => {
            "SELECT CAST(CONCAT_WS('|', record_id, BINARY old_values, BINARY new_values) AS CHAR) \
             FROM audit_trail"
        }
        Backend::Sqlite => {
            "SELECT concat_ws('|', table_name, record_id, operation, old_values, new_values, user_id, \
             user_email, request_id, reason, metadata) FROM audit_trail"
        }
    };
    let statement = Statement::from_string(t.db.get_database_backend(), cast);
    for row in t.db.query_all_raw(statement).await.unwrap() {
        text.extend(row.try_get_by_index::<String>(0).unwrap().into_bytes());
    }
    text
}

/// A role that may log in, as docs/operations.md makes it.
pub(crate) struct Role(String);

impl Role {
    pub(crate) async fn create(t: &TestDb, kind: &str, grants: &[&str]) -> Self {
        let database = t.url().rsplit('/').next().unwrap();
        let name = format!("{kind}_{database}");
        sql(&t.db, &format!("CREATE ROLE \"{name}\" LOGIN PASSWORD 'secret'")).await;
        for grant in grants {
            sql(&t.db, &grant.replace("{role}", &format!("\"{name}\""))).await;
        }
        Self(name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn url(&self, t: &TestDb) -> String {
        let (_, place) = t.url().rsplit_once('@').unwrap();
        format!("postgres://{}:secret@{place}", self.0)
    }

    pub(crate) async fn connect(&self, t: &TestDb) -> DatabaseConnection {
        connect(t.backend, &self.url(t), |_| {}).await.unwrap()
    }

    /// Roles are the server's, not the database's.
    pub(crate) async fn remove(self, t: &TestDb) {
        sql(&t.db, &format!("DROP OWNED BY \"{0}\" CASCADE; DROP ROLE \"{0}\"", self.0)).await;
    }
}

/// A connection of somebody else's making, which notes what it is asked for rows.
pub(crate) struct Wrapped<'a, C> {
    inner: &'a C,
    queries: Mutex<Vec<Statement>>,
}

impl<'a, C> Wrapped<'a, C> {
    pub(crate) fn new(inner: &'a C) -> Self {
        Self { inner, queries: Mutex::default() }
    }

    pub(crate) fn into_queries(self) -> Vec<Statement> {
        self.queries.into_inner().unwrap()
    }
}

#[async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Wrapped<'_, C> {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.inner.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.inner.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.queries.lock().unwrap().push(statement.clone());
        self.inner.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.queries.lock().unwrap().push(statement.clone());
        self.inner.query_all_raw(statement).await
    }
}
