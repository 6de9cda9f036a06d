//! Random histories, through every way to write, with a writer in the background.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use audit_seaorm::{AuditConfig, AuditEntry, AuditWriter, Background, Reason, WhenFull};
use audit_tests::{TestDb, long};
use tokio::{task::JoinSet, time::sleep};

use super::ground::{away, away_and_back};
use crate::{
    property::{Actor, Dice, Tally, assert_explained, schema},
    support::{by, entries},
};

audit_tests::tests! {
    random_histories_are_explained_though_the_database_comes_and_goes,
}

const ACTORS: u64 = 4;

async fn random_histories_are_explained_though_the_database_comes_and_goes(t: TestDb) {
    schema(&t).await;
    let (db, wire) = away_and_back(&t).await;
    let kept: Arc<Mutex<Vec<Reason>>> = Arc::default();
    let keeper = Arc::clone(&kept);
    let keep = move |entries: &[AuditEntry], reason| {
        keeper.lock().unwrap().extend(entries.iter().map(|_| reason));
        Ok::<_, std::io::Error>(())
    };
    // So few that some are written directly, and in between.
    let full = WhenFull::Wait(Duration::from_millis(5));
    let pauses = (Duration::from_millis(20), Duration::from_millis(500));
    let settings = Background::new().queue(12).batch_size(5).when_full(full);
    let settings = settings.pauses(pauses.0, pauses.1);
    let writer = AuditWriter::start(&db, settings, keep);
    let config = AuditConfig::new().background(&writer);
    let seed = std::process::id().into();
    let mut dice = Dice::new(seed);
    let (tally, stop) = (Arc::new(Tally::default()), Arc::<AtomicBool>::default());
    let mut actors = JoinSet::new();
    for number in 0..ACTORS {
        let mut actor = Actor::new(&db, dice.fork(), &tally);
        let stop = Arc::clone(&stop);
        let act = by(number.to_string(), async move {
            while !stop.load(Ordering::Relaxed) {
                actor.act().await;
            }
        });
        actors.spawn(config.clone().scope(act));
    }
    // On a busy machine that takes a while.
    while entries(&t.db).await.is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..if long() { 60 } else { 3 } {
        sleep(Duration::from_millis(500 + dice.next() % 300)).await;
        away(&t, wire.as_deref(), Duration::from_millis(dice.next() % 300)).await;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = actors.join_next().await {
        ended.unwrap();
    }
    let shut_down = writer.shutdown().await;
    // What was cancelled and is still under way writes its own entries by now.
    db.close().await.unwrap();
    let kept = kept.lock().unwrap().clone();
    assert_eq!(shut_down.map_or_else(|left| left.rescued, |()| 0), kept.len() as u64);
    // Of a change of redacted columns nothing tells.
    assert!(kept.iter().all(|reason| *reason == Reason::InDoubt), "{kept:?}");
    assert!(assert_explained(&t.db, &format!("seed {seed}")).await > 0);
}
