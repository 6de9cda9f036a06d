//! Whatever is written at random, by several at once, the trail explains; and whatever damage is then
//! done to it, it finds.

mod actor;
mod builders;
pub(crate) mod dice;
mod failure;
mod graphs;
mod inflict;
mod models;
mod seeds;
mod tally;
mod world;

use std::sync::Arc;

use audit_seaorm::Verification;
use audit_tests::{TestDb, long};
use sea_orm::DatabaseConnection;
use tokio::task::JoinSet;

pub(crate) use self::{
    actor::{Actor, Write},
    dice::Dice,
    seeds::Seeds,
    tally::Tally,
    world::{schema, verify},
};
use crate::{
    concurrency::settled,
    support::{by, sql},
};

audit_tests::tests! {
    random_histories_are_explained,
    damage_to_a_random_history_is_found,
}

const ACTORS: usize = 4;
const ACTS: usize = 25;

async fn random_histories_are_explained(t: TestDb) {
    schema(&t).await;
    let seeds = Seeds::new();
    let tally = Arc::new(Tally::default());
    let mut entries = 0;
    for seed in seeds.take(if long() { 150 } else { 4 }) {
        forget(&t).await;
        entries += write_history(&t, seed, &tally).await;
    }
    if long() {
        report(&t, entries, &tally);
    }
    if !seeds.is_replay() {
        assert_met(&t, &tally);
    }
}

async fn damage_to_a_random_history_is_found(t: TestDb) {
    schema(&t).await;
    let seeds = Seeds::new();
    for seed in seeds.take(if long() { 20 } else { 1 }) {
        forget(&t).await;
        write_history(&t, seed, &Arc::default()).await;
        inflict::all(&t, &mut Dice::new(seed), &replay(seed)).await;
    }
}

/// `ACTORS` write at the same time what the seed tells them, and the trail explains it. Returns the
/// number of entries.
async fn write_history(t: &TestDb, seed: u64, tally: &Arc<Tally>) -> u64 {
    let mut dice = Dice::new(seed);
    let mut actors = JoinSet::new();
    for number in 0..ACTORS {
        let mut actor = Actor::new(&t.db, dice.fork(), tally);
        actors.spawn(by(number.to_string(), async move {
            for _ in 0..ACTS {
                actor.act().await;
            }
        }));
    }
    while let Some(ended) = actors.join_next().await {
        ended.unwrap_or_else(|error| panic!("{}: {error}", replay(seed)));
    }
    settled(t).await;
    assert_explained(&t.db, &replay(seed)).await
}

/// Verifies every table, and counts the entries.
pub(crate) async fn assert_explained(db: &DatabaseConnection, what: &str) -> u64 {
    let reports = verify(db).await;
    let findings: Vec<_> = reports.iter().filter(|report| !report.is_clean()).collect();
    if !findings.is_empty() {
        let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
        panic!("{what}: {}\n{}", texts.join("\n"), histories(db, &findings).await);
    }
    reports.iter().map(|report| report.entries).sum()
}

/// What the trail says of the records it does not explain.
async fn histories(db: &DatabaseConnection, reports: &[&Verification]) -> String {
    let mut lines = Vec::new();
    for entry in crate::support::entries(db).await {
        let found = reports.iter().any(|report| {
            let mut findings = report.findings().iter();
            report.table == entry.table_name
                && findings.any(|finding| finding.record_id == entry.record_id)
        });
        if found {
            lines.push(format!("{entry:?}"));
        }
    }
    lines.join("\n")
}

fn replay(seed: u64) -> String {
    format!("seed {seed} (AUDIT_TEST_SEED={seed} replays it)")
}

/// Empty tables, those that refer to others first.
async fn forget(t: &TestDb) {
    for table in [
        "follow",
        "reading",
        "article_tag",
        "note",
        "portrait",
        "article",
        "reader",
        "tag",
        "writer",
        "stock",
        "label",
        "post",
        "audit_trail",
    ] {
        sql(&t.db, &format!("DELETE FROM {table}")).await;
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what the long form is run for")]
fn report(t: &TestDb, entries: u64, tally: &Tally) {
    println!("{}: {entries} entries\n{tally}", t.backend.name());
}

/// A history that never met a conflict, or never wrote in some way, would show nothing. A write that
/// fails more often than not may do so each time in the short form.
fn assert_met(t: &TestDb, tally: &Tally) {
    let fails = ["missing row", "nobody", "nothing"];
    let mut missing: Vec<_> = Write::all()
        .into_iter()
        .filter(|write| !fails.iter().any(|fails| format!("{write:?}").contains(fails)))
        .map(|write| format!("done: {write:?}"))
        .filter(|done| tally.of(done) == 0)
        .collect();
    let reasons =
        ["unique", "check", "foreign key", "missing", "refused on a pool", "refused by a guard"];
    for reason in reasons {
        missing.extend((tally.of(&format!("failed: {reason}")) == 0).then(|| reason.to_owned()));
    }
    let unexpected = tally.beginning_with("unexpected");
    assert!(unexpected.is_empty(), "{}: {unexpected:#?}", t.backend.name());
    let few = if long() { 0 } else { 4 };
    assert!(missing.len() <= few, "{}: never met {missing:?}\n{tally}", t.backend.name());
}
