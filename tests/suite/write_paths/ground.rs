//! Runs a write on each kind of connection, from the same state, and holds what it does against its row.

use audit_seaorm::{AuditTrail, Auditable};
use audit_tests::TestDb;
use sea_orm::{ConnectionTrait, DbErr};

use super::table::{Fate, On, Row};
use crate::{
    entities::post,
    relations::{self, article, article_tag, note, portrait, reader, reading, tag, writer},
    support::{create, entries, new_post, sql},
};

/// What the trail, the error or `AuditTrail::verify` says, whichever the row asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Says<'a> {
    /// The entries, as `UPDATE post`: all of them, or those beside what is out of sight.
    pub(crate) entries: &'a [&'a str],
    /// Words of the error.
    pub(crate) refusal: &'a [&'a str],
    /// The findings, as `RowDiffers post`.
    pub(crate) findings: &'a [&'a str],
}

pub(crate) fn entries_are<'a>(entries: &'a [&'a str]) -> Says<'a> {
    Says { entries, ..Says::default() }
}

pub(crate) fn found_are<'a>(findings: &'a [&'a str]) -> Says<'a> {
    Says { findings, ..Says::default() }
}

/// Tables with rows that the trail explains.
pub(crate) trait World {
    type Seed;

    /// Children first.
    const TABLES: &'static [&'static str];

    async fn create(t: &TestDb);

    async fn seed(t: &TestDb) -> Self::Seed;

    async fn findings(db: &impl ConnectionTrait) -> Vec<String>;
}

pub(crate) async fn findings_of<E: Auditable>(db: &impl ConnectionTrait, entity: E) -> Vec<String> {
    let report = AuditTrail::verify(db, entity).await.unwrap();
    let findings = report.findings().iter();
    findings.map(|finding| format!("{:?} {}", finding.kind, report.table)).collect()
}

/// Two posts, `a` and `b`. The seed is `a`.
pub(crate) struct Posts;

impl World for Posts {
    type Seed = post::Model;

    const TABLES: &'static [&'static str] = &["post"];

    async fn create(t: &TestDb) {
        create!(t, post::Entity);
    }

    async fn seed(t: &TestDb) -> post::Model {
        let posts = post::Entity::audited().insert_many(["a", "b"].map(new_post));
        posts.exec_with_returning(&t.db).await.unwrap().swap_remove(0)
    }

    async fn findings(db: &impl ConnectionTrait) -> Vec<String> {
        findings_of(db, post::Entity).await
    }
}

/// A writer with a portrait and an article, which has a note, two tags and a reader.
pub(crate) struct Relations;

impl World for Relations {
    type Seed = writer::ActiveModelEx;

    const TABLES: &'static [&'static str] = &[
        "follow",
        "reading",
        "article_tag",
        "note",
        "article",
        "portrait",
        "writer",
        "tag",
        "reader",
    ];

    async fn create(t: &TestDb) {
        relations::schema(t).await;
    }

    async fn seed(t: &TestDb) -> writer::ActiveModelEx {
        let article = relations::article("a")
            .add_note(relations::note("one"))
            .add_tag(relations::tag("x"))
            .add_tag(relations::tag("y"))
            .add_reader(reader::ActiveModel::builder().set_name("eve"));
        let portrait = portrait::ActiveModel::builder().set_file("young.jpg");
        let writer = relations::writer("ann").set_portrait(portrait).add_article(article);
        writer.save(&t.db).await.unwrap()
    }

    async fn findings(db: &impl ConnectionTrait) -> Vec<String> {
        [
            findings_of(db, writer::Entity).await,
            findings_of(db, portrait::Entity).await,
            findings_of(db, article::Entity).await,
            findings_of(db, note::Entity).await,
            findings_of(db, tag::Entity).await,
            findings_of(db, article_tag::Entity).await,
            findings_of(db, reader::Entity).await,
            findings_of(db, reading::Entity).await,
            findings_of(db, relations::follow::Entity).await,
        ]
        .concat()
    }
}

/// What a row's write starts from, and what is expected of it.
pub(crate) struct Ground<'a> {
    pub(crate) t: &'a TestDb,
    pub(crate) row: Row,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(t: &'a TestDb, row: &str) -> Self {
        Self { t, row: Row::named(row) }
    }

    /// The same state each time; gives the number of its entries, too.
    pub(crate) async fn begin<W: World>(&self) -> (W::Seed, usize) {
        for table in W::TABLES.iter().chain(&["audit_trail"]) {
            sql(&self.t.db, &format!("DELETE FROM {table}")).await;
        }
        let seed = W::seed(self.t).await;
        (seed, entries(&self.t.db).await.len())
    }

    pub(crate) async fn check<W: World>(
        &self,
        on: On,
        outcome: Result<(), DbErr>,
        seeded: usize,
        says: Says<'_>,
    ) {
        let place = format!("{} on {on:?}: {outcome:?}", self.row.name);
        let written = entries(&self.t.db).await.split_off(seeded);
        let written: Vec<_> =
            written.iter().map(|it| format!("{} {}", it.operation, it.table_name)).collect();
        let found = W::findings(&self.t.db).await;
        let (mut entries, mut findings) = (&[][..], &[][..]);
        match self.row.fate(on, self.t.backend) {
            Fate::Recorded => {
                assert!(outcome.is_ok(), "{place}");
                assert!(!says.entries.is_empty(), "{place}");
                entries = says.entries;
            }
            Fate::NoEntry => {}
            Fate::Refused => {
                let error = outcome.expect_err(&place).to_string();
                assert!(error.contains("audit: "), "{place}");
                assert!(!says.refusal.is_empty(), "{place}");
                for words in says.refusal {
                    assert!(error.contains(words), "no `{words}`: {place}");
                }
            }
            Fate::OutOfSight => {
                assert!(outcome.is_ok(), "{place}");
                assert!(!says.findings.is_empty(), "{place}");
                (entries, findings) = (says.entries, says.findings);
            }
        }
        assert_eq!(written, entries, "{place}");
        assert_eq!(found, findings, "{place}");
    }
}

pub(crate) async fn tried<T>(work: impl Future<Output = Result<T, DbErr>>) -> Result<(), DbErr> {
    work.await.map(drop)
}

/// Does each write on each kind of connection. `$says` is a [`Says`].
macro_rules! on_each {
    ($t:expr, $row:literal, $world:ty, $says:expr, $(|$db:ident, $seed:ident| $work:expr),+ $(,)?) => {{
        use $crate::write_paths::{ground, table::On};
        let ground = ground::Ground::new(&$t, $row);
        $(
            $crate::write_paths::ground::on!(
                ground, $world, $says, On::Pool, ground.t.db.clone(), drop, |$db, $seed| $work
            );
            $crate::write_paths::ground::on!(
                ground, $world, $says, On::Transaction,
                sea_orm::TransactionTrait::begin(&ground.t.db).await.unwrap(), commit, |$db, $seed| $work
            );
            $crate::write_paths::ground::on!(
                ground, $world, $says, On::AuditTransaction,
                audit_seaorm::AuditTransaction::begin(&ground.t.db).await.unwrap(), commit, |$db, $seed| $work
            );
            $crate::write_paths::ground::on!(
                ground, $world, $says, On::AuditConnection,
                audit_seaorm::AuditConnection::new(ground.t.db.clone()), drop, |$db, $seed| $work
            );
        )+
    }};
}
pub(crate) use on_each;

macro_rules! on {
    ($ground:ident, $world:ty, $says:expr, $on:expr, $held:expr, $end:ident, |$db:ident, $seed:ident| $work:expr) => {{
        let ($seed, seeded) = $ground.begin::<$world>().await;
        let held = $held;
        let $db = &held;
        let outcome = Box::pin($crate::write_paths::ground::tried(async { $work })).await;
        $crate::write_paths::ground::end!($end, held);
        Box::pin($ground.check::<$world>($on, outcome, seeded, $says)).await;
    }};
}
pub(crate) use on;

/// A transaction that failed may refuse to commit: what was written tells.
macro_rules! end {
    (drop, $held:ident) => {
        drop($held)
    };
    (commit, $held:ident) => {
        let _ = $held.commit().await;
    };
}
pub(crate) use end;
