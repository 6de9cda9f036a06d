//! The guard is held against the databases: what it admits changes no audited row, whatever the text.
//!
//! Texts are made by chance from the grammar of each database, and each runs in a transaction that is rolled
//! back. Those that the database refuses show nothing, so that most have to be valid.

mod mariadb;
mod postgres;
mod sqlite;
mod text;

use std::{collections::BTreeMap, fmt, io::Write as _};

use audit_seaorm::{AuditConnection, Escape};
use audit_tests::{Backend, TestDb, long};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

use self::text::{AUDITED, BLANK, Gen, OTHERS};
use crate::{
    property::{Dice, Seeds},
    support::{is_refusal, sql},
};

audit_tests::tests! {
    no_admitted_text_changes_an_audited_row,
}

/// A name, and how a text of the kind is made.
type Form = (&'static str, fn(&mut Gen<'_>) -> String);

macro_rules! entity {
    ($module:ident, $table:literal) => {
        #[allow(dead_code, reason = "an entity is written as applications write it")]
        mod $module {
            use sea_orm::entity::prelude::*;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                pub title: String,
                pub likes: i32,
            }
        }
    };
}

entity!(post, "grammar_post");
entity!(odd, "grammar odd");
entity!(part, "grammar_part");

async fn no_admitted_text_changes_an_audited_row(t: TestDb) {
    let seeds = Seeds::new();
    let mut trial = Trial::new(&t).await;
    for seed in seeds.take(if long() { 10_000 } else { 400 }) {
        trial.run(seed).await;
    }
    trial.report();
    assert!(trial.failures.is_empty(), "{}: {}", t.backend.name(), trial.failures.join("\n"));
    if !seeds.is_replay() {
        trial.assert_telling();
    }
}

struct Trial {
    backend: Backend,
    /// One connection, so that what the guard admits runs in the transaction.
    db: DatabaseConnection,
    guarded: AuditConnection,
    database: String,
    file: tempfile::NamedTempFile,
    /// The rows of the audited tables, of all, and of each.
    state: String,
    whole: String,
    states: BTreeMap<&'static str, String>,
    tally: BTreeMap<&'static str, Tally>,
    failures: Vec<String>,
    alarms: Vec<String>,
    invalid: Vec<String>,
}

/// What became of the texts of a form.
#[derive(Clone, Copy, Default)]
struct Tally {
    texts: u32,
    valid: u32,
    changing: u32,
    refused: u32,
    /// Valid, of no audited table, and refused.
    alarms: u32,
    harmless: u32,
}

impl Trial {
    async fn new(t: &TestDb) -> Self {
        let db = t
            .connect_with(|options| {
                options.max_connections(1);
            })
            .await;
        let mut trial = Self {
            backend: t.backend,
            guarded: AuditConnection::new(db.clone()).on_escape(Escape::Refuse),
            db,
            database: t.url().rsplit('/').next().unwrap_or_default().to_owned(),
            file: readable_file(),
            state: String::new(),
            whole: String::new(),
            states: BTreeMap::new(),
            tally: BTreeMap::new(),
            failures: Vec::new(),
            alarms: Vec::new(),
            invalid: Vec::new(),
        };
        trial.create_all().await;
        trial
    }

    async fn run(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let forms = match self.backend {
            Backend::Sqlite => sqlite::FORMS,
            Backend::Postgres => postgres::FORMS,
            Backend::MariaDb => mariadb::FORMS,
        };
        let (form, write) = dice.pick(forms);
        let mut text = Gen::new(self.backend, &mut dice);
        let made = write(&mut text);
        let sql = text.finish(&made, &self.database).replace("{file}", &self.path());
        let is_harmless = !text.writes_audited();
        let outcome = self.judge(&sql).await;
        self.note(form, &sql, is_harmless, &outcome, seed);
    }

    /// Runs a text through the guard, and past it if it is refused.
    async fn judge(&mut self, text: &str) -> Outcome {
        sql(&self.db, "BEGIN").await;
        let guarded = self.guarded.execute_unprepared(text).await;
        let refused = guarded.as_ref().is_err_and(is_refusal);
        let ran = if refused { self.db.execute_unprepared(text).await } else { guarded };
        let aborted = ran.is_err() && self.backend == Backend::Postgres;
        let changed = !aborted && self.audited().await != self.state;
        sql(&self.db, "ROLLBACK").await;
        if self.backend == Backend::MariaDb {
            sql(&self.db, "DROP TEMPORARY TABLE IF EXISTS made").await;
            self.repair().await;
        }
        Outcome { refused, changed, error: ran.err() }
    }

    fn note(
        &mut self,
        form: &'static str,
        sql: &str,
        harmless: bool,
        outcome: &Outcome,
        seed: u64,
    ) {
        let valid = outcome.error.is_none();
        let replay = format!("AUDIT_TEST_SEED={seed}: {form}: {sql}");
        let tally = self.tally.entry(form).or_default();
        tally.texts += 1;
        tally.valid += u32::from(valid);
        tally.changing += u32::from(outcome.changed);
        tally.refused += u32::from(outcome.refused);
        tally.harmless += u32::from(harmless && valid);
        if harmless && valid && outcome.refused {
            tally.alarms += 1;
            self.alarms.push(replay.clone());
        }
        if outcome.changed && !outcome.refused {
            self.failures.push(format!("admitted, and changes an audited row: {replay}"));
        }
        if outcome.changed && harmless {
            self.failures.push(format!("the generator took it for harmless: {replay}"));
        }
        if let Some(error) = &outcome.error {
            self.invalid.push(format!("{error}: {replay}"));
        }
    }

    /// All rows of the audited tables.
    async fn audited(&self) -> String {
        self.rows(&AUDITED).await
    }

    async fn rows(&self, tables: &[&str]) -> String {
        let quote = if self.backend == Backend::MariaDb { "`" } else { "\"" };
        let all = tables.iter().map(|table| {
            let table = format!("{quote}{}{quote}", table.replace(BLANK, " "));
            format!("SELECT '{}' AS t, id, title, likes FROM {table}", table.replace('\'', ""))
        });
        let text = all.collect::<Vec<_>>().join(" UNION ALL ") + " ORDER BY t, id";
        let statement = Statement::from_string(self.db.get_database_backend(), text);
        match self.db.query_all_raw(statement).await {
            Ok(rows) => rows.iter().map(row).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        }
    }

    /// Makes the tables anew that are not as they were: on `MariaDB` many a statement commits.
    async fn repair(&mut self) {
        if self.rows(&all_tables()).await == self.whole {
            return;
        }
        for table in all_tables() {
            if self.rows(&[table]).await != self.states[table] {
                self.create(table).await;
            }
        }
        assert_eq!(self.rows(&all_tables()).await, self.whole);
    }

    async fn create(&self, table: &str) {
        for text in creation(self.backend, table) {
            sql(&self.db, &text).await;
        }
    }

    async fn create_all(&mut self) {
        for table in all_tables() {
            self.create(table).await;
            let rows = self.rows(&[table]).await;
            assert_eq!(rows.lines().count(), 3, "{rows}");
            self.states.insert(table, rows);
        }
        self.state = self.audited().await;
        self.whole = self.rows(&all_tables()).await;
    }

    fn path(&self) -> String {
        self.file.path().display().to_string()
    }

    #[expect(clippy::print_stdout, reason = "the figures are what the long form is run for")]
    fn report(&self) {
        if long() {
            for (form, tally) in &self.tally {
                println!("{:9} {form:28} {tally}", self.backend.name());
            }
            for alarm in self.alarms.iter().take(40) {
                println!("{}: a false alarm: {alarm}", self.backend.name());
            }
            for invalid in self.invalid.iter().take(40) {
                println!("{}: invalid: {invalid}", self.backend.name());
            }
        }
    }

    /// Most texts are valid, many change audited rows, and few of the harmless ones are refused. On `MariaDB` more
    /// of them are: the parser reads neither `ANALYZE DELETE` nor `SET STATEMENT`, nor an update of two tables.
    fn assert_telling(&self) {
        let all = self.tally.values().fold(Tally::default(), Tally::and);
        let name = self.backend.name();
        assert!(all.valid * 100 > all.texts * 85, "{name}: {all}");
        assert!(all.changing * 100 > all.texts * 25, "{name}: {all}");
        let most = if self.backend == Backend::MariaDb { 18 } else { 9 };
        let most = if long() { most } else { most + 8 };
        assert!(all.alarms * 100 < all.harmless * most, "{name}: {all}: {:#?}", self.alarms);
        for (form, tally) in self.tally.iter().filter(|_| long()) {
            assert!(tally.valid * 2 > tally.texts, "{name}: {form}: {tally}");
        }
    }
}

impl Tally {
    const fn and(self, other: &Self) -> Self {
        Self {
            texts: self.texts + other.texts,
            valid: self.valid + other.valid,
            changing: self.changing + other.changing,
            refused: self.refused + other.refused,
            alarms: self.alarms + other.alarms,
            harmless: self.harmless + other.harmless,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { texts, valid, changing, refused, alarms, harmless } = self;
        write!(
            f,
            "{texts} texts, {valid} valid, {changing} change audited rows, {refused} refused, \
             {alarms} of {harmless} harmless ones among them"
        )
    }
}

struct Outcome {
    refused: bool,
    changed: bool,
    error: Option<DbErr>,
}

fn row(row: &sea_orm::QueryResult) -> String {
    let table: String = row.try_get_by_index(0).unwrap();
    let id: i32 = row.try_get_by_index(1).unwrap();
    let title: Option<String> = row.try_get_by_index(2).unwrap();
    let likes: Option<i32> = row.try_get_by_index(3).unwrap();
    format!("{table} {id} {title:?} {likes:?}")
}

/// What `LOAD DATA` reads: the server is another user.
fn readable_file() -> tempfile::NamedTempFile {
    use std::os::unix::fs::PermissionsExt as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"x\t1\n").unwrap();
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).unwrap();
    file
}

fn all_tables() -> Vec<&'static str> {
    [&AUDITED[..], &OTHERS[..]].concat()
}

/// What makes a table anew, with three rows.
fn creation(backend: Backend, table: &str) -> Vec<String> {
    let quote = if backend == Backend::MariaDb { "`" } else { "\"" };
    let key = match backend {
        Backend::Sqlite => "integer PRIMARY KEY",
        Backend::Postgres => "int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        Backend::MariaDb => "int AUTO_INCREMENT PRIMARY KEY",
    };
    let others = "title varchar(80) DEFAULT 'd', likes int DEFAULT 0";
    let name = format!("{quote}{}{quote}", table.replace(BLANK, " "));
    let mut texts = vec![format!("DROP TABLE IF EXISTS {name}")];
    texts.extend(match (backend, table) {
        (Backend::Postgres, "grammar_part") => vec![
            format!("CREATE TABLE {name} (id {key}, {others}) PARTITION BY RANGE (id)"),
            format!(
                "CREATE TABLE grammar_part_0 PARTITION OF {name} FOR VALUES FROM (0) TO (5000)"
            ),
            format!("CREATE TABLE grammar_part_2 (id int NOT NULL, {others})"),
        ],
        (Backend::MariaDb, "grammar_part") => vec![
            "DROP TABLE IF EXISTS grammar_whole, made".to_owned(),
            format!("CREATE TABLE grammar_whole (id {key}, {others})"),
            format!(
                "CREATE TABLE {name} (id {key}, {others}) PARTITION BY RANGE (id) \
                 (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN MAXVALUE)"
            ),
        ],
        _ => vec![format!("CREATE TABLE {name} (id {key}, {others})")],
    });
    let insert = format!("INSERT INTO {name} (title, likes) VALUES ('a', 1), ('b', 2), ('c', 3)");
    texts.push(insert);
    texts
}
