//! The clocks of the application's machines do not decide the order of a record's entries.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _, stdin},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
};

use audit_seaorm::{
    __private::store, AuditConfig, AuditContext, AuditEntry, AuditTrail, AuditTransaction,
    AuditWriter, Auditable, Background, Change, Escape, FailurePolicy, FindingKind, Image,
    Operation,
};
use audit_tests::{Backend, TestDb, connect};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, PrimaryKeyTrait, QueryFilter,
    Statement, TransactionTrait, TryIntoModel,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};
use tokio::runtime;

use crate::support::{Wrapped, create, entries, migrate, sql};

audit_tests::tests! {
    two_processes_with_different_clocks_write_one_row,
    #[only(Postgres, MariaDb)] entries_have_the_time_of_the_database,
    #[only(MariaDb)] the_time_zone_of_the_session_does_not_matter,
    a_column_may_be_called_as_the_moment_is,
    entries_of_a_record_rise_within_a_transaction,
    #[only(Sqlite)] an_entry_is_never_before_the_last_one_of_its_record,
    #[only(Sqlite)] a_baseline_is_never_before_the_last_entry_of_its_record,
}

mod meter {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "meter")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub reading: i32,
    }
}

/// Its columns have the names under which statements ask for the database's clock.
mod odd {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "odd")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(column_name = "audit$at")]
        pub at: String,
        #[sea_orm(column_name = "Audit$At$")]
        pub later: Option<i32>,
    }
}

fn reading(id: i32, reading: i32) -> meter::ActiveModel {
    meter::ActiveModel { id: Unchanged(id), reading: Set(reading) }
}

async fn new_meter(db: &DatabaseConnection, id: i32) {
    meter::ActiveModel { id: Set(id), reading: Set(0) }.insert(db).await.unwrap();
}

// --- several processes --------------------------------------------------------------------------

const WRITER: &str = "AUDIT_TEST_CLOCK_WRITER";
/// As `faketime` reads them, and in microseconds.
const SKEWS: [(&str, i64); 3] = [("-5s", -5_000_000), ("+5s", 5_000_000), ("-0.004s", -4_000)];
const IN_TURN: i32 = 10;
const AT_ONCE: i32 = 15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Pool,
    Transaction,
    Bulk,
    Background,
    Recreate,
}

const WAYS: [Way; 5] = [Way::Pool, Way::Transaction, Way::Bulk, Way::Background, Way::Recreate];

async fn two_processes_with_different_clocks_write_one_row(t: TestDb) {
    create!(t, meter::Entity);
    let before = database_clock(&t).await;
    new_meter(&t.db, 1).await;
    new_meter(&t.db, 2).await;
    let mut next = 1;
    for (skew, micros) in SKEWS {
        let mut writers = [Writer::start(&t, None), Writer::start(&t, Some(skew))];
        writers[1].assert_skewed(micros);
        for way in WAYS.into_iter().filter(|way| way.is_in_order_on(t.backend)) {
            for _ in 0..IN_TURN {
                for writer in &mut writers {
                    writer.write(way, next, 1);
                    writer.done();
                    next += 1;
                }
            }
            if way != Way::Recreate {
                for writer in &mut writers {
                    writer.write(way, next, AT_ONCE);
                    next += AT_ONCE;
                }
                writers.iter_mut().for_each(Writer::done);
            }
        }
        for writer in &mut writers {
            writer.say("flush");
            writer.done();
        }
        assert_in_order(&t, meter::Entity, 1, skew).await;
        assert_in_order(&t, meter::Entity, 2, skew).await;
    }
    let entries = AuditTrail::find_for_record(&t.db, meter::Entity, 1).await.unwrap();
    assert!(entries.len() >= 450, "{}", entries.len());
    if t.backend != Backend::Sqlite {
        let (first, last) = (&entries[entries.len() - 1], &entries[0]);
        assert!(before <= first.timestamp && last.timestamp <= database_clock(&t).await);
    }
}

impl Way {
    /// What is queued in two processes has not come to the trail, by which `SQLite` orders entries.
    fn is_in_order_on(self, backend: Backend) -> bool {
        self != Self::Background || backend != Backend::Sqlite
    }

    async fn write(self, db: &DatabaseConnection, background: &AuditConfig, value: i32) {
        match self {
            Self::Pool => {
                reading(1, value).update(db).await.unwrap();
            }
            Self::Background => {
                background.clone().scope(reading(1, value).update(db)).await.unwrap();
            }
            Self::Transaction => {
                let txn = AuditTransaction::begin(db).await.unwrap();
                reading(1, -value).update(&txn).await.unwrap();
                let nested = txn.begin().await.unwrap();
                reading(1, value).update(&nested).await.unwrap();
                nested.commit().await.unwrap();
                txn.commit().await.unwrap();
            }
            Self::Bulk => {
                let all = meter::Entity::audited().update_many();
                all.col_expr(meter::Column::Reading, Expr::val(value)).exec(db).await.unwrap();
            }
            Self::Recreate => recreate(db, value).await,
        }
    }
}

/// By way of `SeaORM`'s traits, as generic code does.
async fn recreate(db: &DatabaseConnection, value: i32) {
    let txn = db.begin().await.unwrap();
    ActiveModelTrait::delete(reading(1, 0), &txn).await.unwrap();
    let row = meter::ActiveModel { id: Set(1), reading: Set(value) };
    ActiveModelTrait::insert(row, &txn).await.unwrap();
    txn.commit().await.unwrap();
}

/// This very program, as a process with a clock of its own that writes when it is told to.
struct Writer {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Writer {
    fn start(t: &TestDb, skew: Option<&str>) -> Self {
        let program = env::current_exe().unwrap();
        let mut command = match skew {
            None => Command::new(program),
            Some(skew) => {
                let mut faketime = Command::new("faketime");
                faketime.args(["-m", "--exclude-monotonic", "-f", skew]).arg(program);
                faketime
            }
        };
        let mut process = command
            .env(WRITER, t.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("faketime, which tests/run installs");
        let orders = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, orders, answers }
    }

    fn say(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    fn write(&mut self, way: Way, first: i32, count: i32) {
        let way = WAYS.iter().position(|it| *it == way).unwrap();
        self.say(&format!("{way} {first} {count}"));
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn done(&mut self) {
        assert_eq!(self.answer(), "done");
    }

    fn assert_skewed(&mut self, skew: i64) {
        let before = Utc::now().timestamp_micros();
        self.say("clock");
        let clock = self.answer().parse::<i64>().unwrap() - skew;
        let after = Utc::now().timestamp_micros();
        // What faketime was told is a little less exact than what it does.
        assert!((before - 100..=after + 100).contains(&clock), "{before} {clock} {after}");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = writeln!(self.orders, "end");
        let _ = self.process.wait();
    }
}

/// The database that this process is to write to, if it is such a writer.
pub(crate) fn writer_url() -> Option<String> {
    env::var(WRITER).ok()
}

pub(crate) fn write_when_told(url: &str) -> ExitCode {
    let backend = match url.split(':').next() {
        Some("sqlite") => Backend::Sqlite,
        Some("postgres") => Backend::Postgres,
        _ => Backend::MariaDb,
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let db = runtime.block_on(connect(backend, url, |_| {})).unwrap();
    let writer =
        runtime.block_on(async { AuditWriter::start_without_last_resort(&db, Background::new()) });
    let background = AuditConfig::new().background(&writer);
    for order in stdin().lines() {
        let order = order.unwrap();
        match &order.split(' ').collect::<Vec<_>>()[..] {
            ["clock"] => println(&Utc::now().timestamp_micros().to_string()),
            ["flush"] => {
                runtime.block_on(writer.flush()).unwrap();
                println("done");
            }
            [way, first, count] => {
                let way = WAYS[way.parse::<usize>().unwrap()];
                let [first, count] = [first, count].map(|it| it.parse::<i32>().unwrap());
                runtime.block_on(async {
                    for value in first..first + count {
                        way.write(&db, &background, value).await;
                    }
                });
                println("done");
            }
            _ => break,
        }
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "answers the parent")]
fn println(line: &str) {
    println!("{line}");
}

// --- what holds ---------------------------------------------------------------------------------

/// Each entry begins where the one before it ended, and the record at its time is what it says.
async fn assert_in_order<E>(t: &TestDb, entity: E, id: i32, what: &str)
where
    E: Auditable<ActiveModel: TryIntoModel<<E as EntityTrait>::Model>> + Copy,
    E::Model: std::fmt::Debug + PartialEq + Clone,
    i32: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
{
    let report = AuditTrail::verify(&t.db, entity).await.unwrap();
    assert!(report.is_clean(), "{what}: {report}");
    let mut history = AuditTrail::history(&t.db, entity, id).await.unwrap();
    history.reverse();
    let (mut last, mut state) = (DateTime::UNIX_EPOCH, None);
    let every = history.len() / 20 + 1;
    for (number, step) in history.iter().enumerate() {
        let at = step.entry.timestamp;
        assert!(at > last, "{what}: {:?} after {last}", step.entry);
        assert_eq!(step.before().unwrap(), state, "{what}: {:?}", step.entry);
        state = step.after().unwrap();
        if number % every == 0 {
            let then = AuditTrail::as_of(&t.db, entity, id, at).await.unwrap();
            assert_eq!(then, state, "{what}: {:?}", step.entry);
        }
        last = at;
    }
    assert!(state.is_some() && last > DateTime::UNIX_EPOCH);
}

/// Writes a meter in all ways that there are.
async fn write_in_all_ways(t: &TestDb, db: &DatabaseConnection) {
    new_meter(db, 1).await;
    let none = AuditConfig::new();
    for (value, way) in (1..).zip([Way::Pool, Way::Transaction, Way::Bulk, Way::Recreate]) {
        way.write(db, &none, value).await;
    }
    let txn = db.begin().await.unwrap();
    reading(1, 100).update(&txn).await.unwrap();
    let allow = AuditConfig::new().on_escape(Escape::Allow);
    allow.scope(async { reading(1, 101).update(&Wrapped::new(&txn)).await }).await.unwrap();
    txn.commit().await.unwrap();
    let upsert = meter::ActiveModel { id: Set(1), reading: Set(102) };
    let conflict =
        OnConflict::column(meter::Column::Id).update_column(meter::Column::Reading).to_owned();
    meter::Entity::audited().insert(upsert).on_conflict(conflict).exec(db).await.unwrap();
    meter::Entity::audited().delete_many().filter(meter::Column::Id.eq(1)).exec(db).await.unwrap();
    new_meter(db, 1).await;
    reading(1, 0).delete(db).await.unwrap();
    new_meter(db, 1).await;
    assert_in_order(t, meter::Entity, 1, "all ways").await;
}

async fn by_hand(db: &DatabaseConnection) -> AuditEntry {
    AuditTrail::record(db, Change::create("rate", "EUR", Image::new())).await.unwrap();
    let mut entries = AuditTrail::query().table("rate").all(db).await.unwrap();
    entries.pop().unwrap()
}

async fn entries_have_the_time_of_the_database(t: TestDb) {
    create!(t, meter::Entity);
    let before = database_clock(&t).await;
    write_in_all_ways(&t, &t.db).await;
    by_hand(&t.db).await;
    let after = database_clock(&t).await;
    let entries = entries(&t.db).await;
    assert!(entries.len() >= 14);
    assert!(entries[0].timestamp >= before, "{before} {:?}", entries[0]);
    assert!(entries[entries.len() - 1].timestamp <= after, "{after} {:?}", entries.last());
}

async fn database_clock(t: &TestDb) -> DateTime<Utc> {
    let clock = match t.backend {
        Backend::Sqlite => return Utc::now(),
        Backend::Postgres => "SELECT clock_timestamp()",
        Backend::MariaDb => "SELECT UTC_TIMESTAMP(6)",
    };
    let clock = Statement::from_string(t.db.get_database_backend(), clock);
    let row = t.db.query_one_raw(clock).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn the_time_zone_of_the_session_does_not_matter(t: TestDb) {
    create!(t, meter::Entity);
    for zone in ["+05:30", "-11:00", "+00:00"] {
        sql(&t.db, "DELETE FROM audit_trail").await;
        sql(&t.db, "DELETE FROM meter").await;
        let db = t.connect_with(|options| {
            options.map_sqlx_mysql_opts(move |mysql| mysql.timezone(Some(zone.to_owned())));
        });
        let (db, before) = (db.await, database_clock(&t).await);
        write_in_all_ways(&t, &db).await;
        by_hand(&db).await;
        let after = database_clock(&t).await;
        for entry in entries(&t.db).await {
            assert!((before..=after).contains(&entry.timestamp), "{zone}: {entry:?}");
        }
        db.close().await.unwrap();
    }
}

async fn a_column_may_be_called_as_the_moment_is(t: TestDb) {
    create!(t, odd::Entity);
    let row = |id, at: &str| odd::ActiveModel { id, at: Set(at.to_owned()), later: Set(Some(7)) };
    row(Set(1), "a").insert(&t.db).await.unwrap();
    let odd = row(Unchanged(1), "b").update(&t.db).await.unwrap();
    assert_eq!((&*odd.at, odd.later), ("b", Some(7)));
    let all = odd::Entity::audited().update_many().col_expr(odd::Column::At, Expr::val("c"));
    assert_eq!(all.exec(&t.db).await.unwrap().rows_affected, 1);
    let many = odd::Entity::audited().insert_many([row(Set(2), "x"), row(Set(3), "y")]);
    many.exec(&t.db).await.unwrap();
    for id in [1, 2, 3] {
        assert_in_order(&t, odd::Entity, id, "odd names").await;
    }
    row(Unchanged(1), "").delete(&t.db).await.unwrap();
    odd::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    assert!(AuditTrail::verify(&t.db, odd::Entity).await.unwrap().is_clean());
    let last = entries(&t.db).await.pop().unwrap();
    assert_eq!(last.old_values.unwrap()["audit$at"], "y");
}

async fn entries_of_a_record_rise_within_a_transaction(t: TestDb) {
    create!(t, meter::Entity);
    new_meter(&t.db, 1).await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for value in 1..=300 {
        reading(1, value).update(&txn).await.unwrap();
    }
    let nested = txn.begin().await.unwrap();
    reading(1, 0).delete(&nested).await.unwrap();
    meter::ActiveModel { id: Set(1), reading: Set(1) }.insert(&nested).await.unwrap();
    nested.commit().await.unwrap();
    let undone = txn.begin().await.unwrap();
    reading(1, -1).update(&undone).await.unwrap();
    undone.rollback().await.unwrap();
    reading(1, 2).update(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_in_order(&t, meter::Entity, 1, "one transaction").await;
    assert_eq!(entries(&t.db).await.len(), 304);
}

// --- a clock that was set back ------------------------------------------------------------------

/// Moves the last entry into the future, as if the clock had been set back since it was written.
async fn set_clock_back(t: &TestDb) -> DateTime<Utc> {
    let mut last = entries(&t.db).await.pop().unwrap();
    let newest = "timestamp = (SELECT MAX(timestamp) FROM audit_trail)";
    sql(&t.db, &format!("DELETE FROM audit_trail WHERE {newest}")).await;
    let at = Utc::now() + TimeDelta::hours(1);
    (last.timestamp, last.id) = (at, Uuid::new_v4());
    store(&t.db, last).await.unwrap();
    at
}

async fn an_entry_is_never_before_the_last_one_of_its_record(t: TestDb) {
    create!(t, meter::Entity);
    new_meter(&t.db, 2).await;
    new_meter(&t.db, 1).await;
    let future = set_clock_back(&t).await;
    let none = AuditConfig::new();
    for (value, way) in (1..).zip([Way::Pool, Way::Transaction, Way::Bulk, Way::Recreate]) {
        way.write(&t.db, &none, value).await;
        assert_in_order(&t, meter::Entity, 1, &format!("{way:?}")).await;
    }
    let go_on = AuditConfig::new().on_failure(FailurePolicy::Continue);
    go_on.scope(reading(1, 50).update(&t.db)).await.unwrap();
    let txn = t.db.begin().await.unwrap();
    let allow = AuditConfig::new().on_escape(Escape::Allow);
    allow.scope(async { reading(1, 51).update(&Wrapped::new(&txn)).await }).await.unwrap();
    txn.commit().await.unwrap();
    assert_in_order(&t, meter::Entity, 1, "at last").await;
    let entries = entries(&t.db).await;
    let last = entries.last().unwrap();
    assert!(last.timestamp > future && last.timestamp < future + TimeDelta::milliseconds(1));
    // Another record's times are those of the clock.
    let other = entries.iter().rfind(|entry| entry.record_id == "2").unwrap();
    assert_eq!(other.operation, Operation::Update);
    assert!(other.timestamp <= Utc::now());
}

async fn a_baseline_is_never_before_the_last_entry_of_its_record(t: TestDb) {
    migrate(&t).await;
    create!(t, meter::Entity);
    new_meter(&t.db, 1).await;
    reading(1, 0).delete(&t.db).await.unwrap();
    let future = set_clock_back(&t).await;
    AuditContext::without_audit(new_meter(&t.db, 1)).await;
    let report = AuditTrail::baseline(meter::Entity).exec(&t.db).await.unwrap();
    assert_eq!(report.written, 1);
    let last = entries(&t.db).await.pop().unwrap();
    assert_eq!(last.operation, Operation::Baseline);
    assert!(last.timestamp > future, "{last:?}");
    // The row came into being unseen, and nothing else is wrong.
    let report = AuditTrail::verify(&t.db, meter::Entity).await.unwrap();
    assert_eq!(
        (report.total(), report.count(FindingKind::BaselineAfterDelete)),
        (1, 1),
        "{report}"
    );
}
