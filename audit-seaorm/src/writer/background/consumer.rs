use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use audit_core::{AuditConfig, Background};
use sea_orm::{DatabaseConnection, DbErr};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout, timeout_at},
};

use super::{
    Queue, Reason, doubt,
    patience::Patience,
    queue::{Batch, Plan},
    store::{Attempt, store},
};
use crate::chunk;

/// How long an attempt may take before another one is made beside it: a connection that answers nobody must not
/// hold the writer up for as long as TCP believes in it.
const MAX_ATTEMPT: Duration = Duration::from_secs(45);

/// Starts a task that writes what is in the queue, batch by batch, until it is closed and empty.
pub(super) fn spawn(db: DatabaseConnection, queue: &Arc<Queue>) {
    // Made here: a runtime may end before it has polled the task once.
    let ending = Ending(Arc::clone(queue));
    drop(tokio::spawn(run(db, ending)));
}

async fn run(db: DatabaseConnection, ending: Ending) {
    let queue = Arc::clone(&ending.0);
    let mut consumer = Consumer {
        patience: Patience::new(&queue.settings),
        ending,
        db,
        unsure: false,
        written: 0,
        doubts: JoinSet::new(),
    };
    loop {
        for unit in queue.take_doubts() {
            let decided = doubt::decide(consumer.db.clone(), Arc::clone(&queue), unit);
            // Under no configuration of the caller's: it only looks.
            consumer.doubts.spawn(AuditConfig::new().scope(decided));
        }
        while consumer.doubts.try_join_next().is_some() {}
        match queue.plan() {
            Plan::Write(batch) => consumer.write(batch).await,
            Plan::Wait => queue.work.notified().await,
            Plan::WaitUntil(at) => {
                // Whether it is woken or not, it looks again.
                let _ = timeout_at(at.into(), queue.work.notified()).await;
            }
            Plan::End => break,
        }
    }
    drop(consumer.ending);
}

struct Consumer {
    db: DatabaseConnection,
    ending: Ending,
    patience: Patience,
    /// Whether something of the next batch may be in the table already.
    unsure: bool,
    written: u64,
    doubts: JoinSet<()>,
}

impl Consumer {
    async fn write(&mut self, mut batch: Batch) {
        let queue = Arc::clone(&self.ending.0);
        batch.truncate(chunk::size(batch.len(), Background::MAX_BATCH));
        let began = Instant::now();
        let attempt = self.attempt(batch).await;
        self.unsure = attempt.error.is_some();
        self.written += attempt.written.len() as u64;
        queue.written(&attempt.written);
        if attempt.error.is_none() {
            self.patience.renew();
            return;
        }
        let pause = self.patience.in_vain(began);
        if !attempt.written.is_empty() {
            self.patience.renew();
        }
        self.in_vain(&attempt, pause).await;
    }

    /// Gives up what will not be written, and waits before the rest is tried again.
    async fn in_vain(&self, attempt: &Attempt, pause: Duration) {
        let queue = &self.ending.0;
        let error = attempt.error.as_ref().map(ToString::to_string).unwrap_or_default();
        let error = without_values(&error);
        let refused = attempt.refused.iter().copied();
        let poison: Vec<_> = refused.filter(|place| queue.refused(*place, self.written)).collect();
        if poison.is_empty() {
            if self.patience.is_over() {
                queue.give_up_old(queue.settings.gives_up_after());
            }
            tracing::warn!(error, "audit entries could not be written: they are tried again");
            sleep(pause).await;
        } else {
            tracing::error!(error, "audit entries are refused by the database");
            queue.give_up(&poison, Reason::Refused);
        }
    }

    /// In a task of its own, which a slow answer leaves behind: what it writes all the same is noticed then.
    async fn attempt(&self, batch: Batch) -> Attempt {
        let (db, unsure) = (self.db.clone(), self.unsure);
        let task = tokio::spawn(async move { store(&db, batch, unsure).await });
        let error = match timeout(MAX_ATTEMPT, task).await {
            Ok(Ok(attempt)) => return attempt,
            Ok(Err(failed)) => failed.to_string(),
            Err(_) => "the database does not answer".to_owned(),
        };
        Attempt { error: Some(DbErr::Custom(format!("audit: {error}"))), ..Attempt::default() }
    }
}

/// `PostgreSQL` tells the failing row in a further line, of which `SQLx` shows none; the first is enough in any case.
fn without_values(error: &str) -> &str {
    error.lines().next().unwrap_or_default()
}

/// However the consumer ends, by itself or with its runtime, the queue learns of it.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}
