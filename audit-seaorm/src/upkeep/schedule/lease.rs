use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement, Value,
    prelude::{DateTimeUtc, Uuid},
};

/// The right to do a task, which one instance has at a time: a row of `audit_trail_schedule`. It ends by itself, so that
/// an instance that is killed does not keep the others from the task for ever. Times are the database's own.
pub(super) struct Lease {
    task: &'static str,
    holder: String,
    length: Duration,
}

/// Whether a task is somebody's to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    Granted,
    /// It has been done not long ago.
    NotDue,
    /// Another instance is at it.
    Taken,
}

impl Lease {
    pub(super) fn new(task: &'static str, length: Duration) -> Self {
        Self { task, holder: Uuid::new_v4().to_string(), length }
    }

    /// Takes the task if it was not done for so long and nobody else is at it. One UPDATE decides, which the database
    /// lets one instance make at a time.
    pub(super) async fn claim(
        &self,
        db: &DatabaseConnection,
        every: Duration,
    ) -> Result<Claim, DbErr> {
        self.introduce(db).await?;
        let now = now(db.get_database_backend());
        let sql = format!(
            "UPDATE audit_trail_schedule SET holder = {{}}, leased_until = {now} + {{}} WHERE task = {{}} \
             AND (leased_until IS NULL OR leased_until <= {now}) AND (ran_at IS NULL OR ran_at <= {now} - {{}})"
        );
        let values = [(&*self.holder).into(), millis(self.length), self.task.into(), millis(every)];
        if execute(db, &sql, values).await? == 1 {
            return Ok(Claim::Granted);
        }
        let sql = format!(
            "SELECT task FROM audit_trail_schedule WHERE task = {{}} AND leased_until > {now}"
        );
        let taken = db.query_one_raw(statement(db, &sql, [self.task.into()])).await?;
        Ok(if taken.is_some() { Claim::Taken } else { Claim::NotDue })
    }

    /// Makes the lease last longer; tells whether it was still ours.
    pub(super) async fn renew(&self, db: &DatabaseConnection) -> Result<bool, DbErr> {
        let now = now(db.get_database_backend());
        let sql = format!(
            "UPDATE audit_trail_schedule SET leased_until = {now} + {{}} WHERE task = {{}} AND holder = {{}}"
        );
        let values = [millis(self.length), self.task.into(), (&*self.holder).into()];
        Ok(execute(db, &sql, values).await? == 1)
    }

    /// Gives the task back, done or not.
    pub(super) async fn end(&self, db: &DatabaseConnection, done: bool) -> Result<(), DbErr> {
        let ran_at = if done { now(db.get_database_backend()) } else { "ran_at" };
        let sql = format!(
            "UPDATE audit_trail_schedule SET holder = NULL, leased_until = NULL, ran_at = {ran_at} \
             WHERE task = {{}} AND holder = {{}}"
        );
        execute(db, &sql, [self.task.into(), (&*self.holder).into()]).await?;
        Ok(())
    }

    /// Sees to it that the task has a row.
    async fn introduce(&self, db: &DatabaseConnection) -> Result<(), DbErr> {
        let known = "SELECT task FROM audit_trail_schedule WHERE task = {}";
        if db.query_one_raw(statement(db, known, [self.task.into()])).await?.is_some() {
            return Ok(());
        }
        let sql = match db.get_database_backend() {
            DbBackend::MySql => "INSERT IGNORE INTO audit_trail_schedule (task) VALUES ({})",
            _ => "INSERT INTO audit_trail_schedule (task) VALUES ({}) ON CONFLICT DO NOTHING",
        };
        execute(db, sql, [self.task.into()]).await?;
        Ok(())
    }
}

/// When a task was done last. It is not known, either, where the table is missing that tells of it, which only those
/// need who run upkeep.
pub(super) async fn ran_at(db: &DatabaseConnection, task: &'static str) -> Option<DateTimeUtc> {
    let sql = "SELECT ran_at FROM audit_trail_schedule WHERE task = {}";
    let row = db.query_one_raw(statement(db, sql, [task.into()])).await.ok()??;
    DateTimeUtc::from_timestamp_millis(row.try_get_by_index::<Option<i64>>(0).ok()??)
}

/// Milliseconds since 1970.
fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
        DbBackend::MySql => "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)",
        _ => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    }
}

fn millis(time: Duration) -> Value {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4).into()
}

async fn execute<const N: usize>(
    db: &DatabaseConnection,
    sql: &str,
    values: [Value; N],
) -> Result<u64, DbErr> {
    Ok(db.execute_raw(statement(db, sql, values)).await?.rows_affected())
}

/// Each `{}` of the text is the place of a value.
fn statement<const N: usize>(db: &DatabaseConnection, sql: &str, values: [Value; N]) -> Statement {
    let backend = db.get_database_backend();
    let text = (1..=N).fold(sql.to_owned(), |text, number| {
        let place =
            if backend == DbBackend::Postgres { format!("${number}") } else { "?".to_owned() };
        text.replacen("{}", &place, 1)
    });
    Statement::from_sql_and_values(backend, text, values)
}
