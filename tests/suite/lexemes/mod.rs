//! The guard is held against the databases: where a text falls apart, it does so for both.
//!
//! Texts are made by chance of strings, quoted names, comments and operators that are glued together, and hold the ends
//! of others, with a write or a COMMIT among them. Each runs in an `AuditTransaction`. Whatever settings decide how a
//! text is divided, no text that the guard admits changes an audited row or ends the transaction.

mod glue;

use audit_seaorm::{AuditConnection, Escape};
use audit_tests::{Backend, TestDb, long};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement, TransactionTrait};

use self::glue::Glue;
use crate::{
    property::{Dice, Seeds},
    support::{is_refusal, number, sql},
};

audit_tests::tests! {
    no_text_is_divided_otherwise_than_by_the_database,
}

/// After how many texts another setting is tried.
const SETTING: usize = 40;

mod post {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "lexeme_post")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub likes: i32,
    }
}

async fn no_text_is_divided_otherwise_than_by_the_database(t: TestDb) {
    let seeds = Seeds::new();
    let mut trial = Trial::new(&t).await;
    for (turn, seed) in seeds.take(if long() { 100_000 } else { 800 }).into_iter().enumerate() {
        if turn % SETTING == 0 {
            trial.set(turn / SETTING).await;
        }
        trial.run(seed).await;
    }
    trial.report();
    let failures = trial.failures.join("\n");
    assert!(trial.failures.is_empty(), "{}: {failures}", t.backend.name());
    if !seeds.is_replay() {
        trial.assert_telling();
    }
}

struct Trial {
    backend: Backend,
    /// One connection, so that its settings hold for all.
    db: DatabaseConnection,
    guarded: AuditConnection,
    setting: &'static str,
    tally: Tally,
    failures: Vec<String>,
}

/// What became of the texts.
#[derive(Debug, Default)]
struct Tally {
    texts: u32,
    /// The database takes them.
    valid: u32,
    /// They change an audited row, or end a transaction.
    harmful: u32,
    refused: u32,
    /// They do neither, and are refused.
    alarms: u32,
}

/// What a text has done.
struct Harm {
    error: Option<DbErr>,
    harmful: bool,
}

impl Trial {
    async fn new(t: &TestDb) -> Self {
        let db = t
            .connect_with(|options| {
                options.max_connections(1);
            })
            .await;
        for text in [
            "CREATE TABLE lexeme_post (id int PRIMARY KEY, likes int)",
            "CREATE TABLE lexeme_mark (id int)",
            "INSERT INTO lexeme_post (id, likes) VALUES (1, 0)",
        ] {
            sql(&db, text).await;
        }
        Self {
            backend: t.backend,
            guarded: AuditConnection::new(db.clone()).on_escape(Escape::Refuse),
            db,
            setting: "",
            tally: Tally::default(),
            failures: Vec::new(),
        }
    }

    async fn set(&mut self, turn: usize) {
        let settings: &[&str] = match self.backend {
            Backend::Sqlite => &["SELECT 1"],
            Backend::Postgres => &[
                "RESET ALL",
                "SET standard_conforming_strings = off; SET backslash_quote = on",
                "RESET ALL; SET client_encoding = 'SJIS'",
                "SET standard_conforming_strings = off; SET client_encoding = 'GBK'",
            ],
            // SQLx waits for ever where a name in a result is no UTF-8.
            Backend::MariaDb => &[
                "SET NAMES utf8mb4, sql_mode = ''",
                "SET NAMES utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES'",
                "SET NAMES utf8mb4, sql_mode = 'ANSI_QUOTES'",
                "SET NAMES utf8mb4, sql_mode = 'MSSQL'",
                "SET NAMES gbk, character_set_results = utf8mb4, sql_mode = ''",
                "SET NAMES sjis, character_set_results = utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES'",
                "SET NAMES latin1, character_set_results = utf8mb4, sql_mode = 'ANSI_QUOTES'",
            ],
        };
        self.setting = settings[turn % settings.len()];
        sql(&self.db, self.setting).await;
    }

    async fn run(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let text = Glue::new(self.backend, &mut dice).text();
        let guarded = self.through_the_guard(&text).await;
        let refused = guarded.error.as_ref().is_some_and(is_refusal);
        // What is admitted does no harm either where the database is not told to take one statement alone.
        let ran = self.past_the_guard(&text).await;
        if guarded.harmful || (ran.harmful && !refused) {
            let setting = self.setting;
            self.failures.push(format!("AUDIT_TEST_SEED={seed} under {setting}: {text:?}"));
        }
        self.tally.texts += 1;
        self.tally.valid += u32::from(ran.error.is_none());
        self.tally.harmful += u32::from(ran.harmful);
        self.tally.refused += u32::from(refused);
        self.tally.alarms += u32::from(refused && ran.error.is_none() && !ran.harmful);
    }

    /// In a transaction of ours.
    async fn through_the_guard(&self, text: &str) -> Harm {
        let txn = self.guarded.begin().await.unwrap();
        mark(&txn).await;
        let error = txn.execute_unprepared(text).await.err();
        mark(&txn).await;
        let likes = likes(&txn).await;
        let _ = txn.rollback().await;
        Harm { error, harmful: self.is_harmed(likes).await }
    }

    /// In one that nobody guards.
    async fn past_the_guard(&self, text: &str) -> Harm {
        sql(&self.db, "BEGIN").await;
        mark(&self.db).await;
        let error = self.db.execute_unprepared(text).await.err();
        mark(&self.db).await;
        let likes = likes(&self.db).await;
        let _ = self.db.execute_unprepared("ROLLBACK").await;
        Harm { error, harmful: self.is_harmed(likes).await }
    }

    /// Whether a row is not as it was, or a mark of the transaction is left.
    async fn is_harmed(&self, inside: Option<i64>) -> bool {
        let outside = likes(&self.db).await;
        let marks = number(&self.db, "SELECT COUNT(*) FROM lexeme_mark").await;
        if outside != Some(UNTOUCHED) || marks != 0 {
            sql(&self.db, "DELETE FROM lexeme_mark").await;
            sql(&self.db, "DELETE FROM lexeme_post").await;
            sql(&self.db, "INSERT INTO lexeme_post (id, likes) VALUES (1, 0)").await;
        }
        outside != Some(UNTOUCHED) || marks != 0 || inside.is_some_and(|likes| likes != UNTOUCHED)
    }

    #[expect(clippy::print_stdout, reason = "the figures are what the long form is run for")]
    fn report(&self) {
        if long() {
            println!("{:9} {:?}", self.backend.name(), self.tally);
        }
    }

    /// Many texts are valid, and many would do harm.
    fn assert_telling(&self) {
        let (name, tally) = (self.backend.name(), &self.tally);
        assert!(tally.valid * 100 > tally.texts * 10, "{name}: {tally:?}");
        assert!(tally.harmful * 100 > tally.texts * 3, "{name}: {tally:?}");
    }
}

/// Leaves a trace if the transaction is not rolled back as a whole.
async fn mark(db: &impl ConnectionTrait) {
    let _ = db.execute_unprepared("INSERT INTO lexeme_mark (id) VALUES (1)").await;
}

/// A number that is another one if the row is. None if the transaction has failed.
async fn likes(db: &impl ConnectionTrait) -> Option<i64> {
    let text = "SELECT COUNT(*) * 1000 + COALESCE(MAX(likes), 0) FROM lexeme_post";
    let statement = Statement::from_string(db.get_database_backend(), text);
    let row = db.query_one_raw(statement).await.ok()??;
    Some(row.try_get_by_index(0).unwrap())
}

/// As it is with one row that nobody likes.
const UNTOUCHED: i64 = 1000;
