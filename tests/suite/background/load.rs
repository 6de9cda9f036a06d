//! Many writers of every kind, while the database is taken away again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use audit_seaorm::{AuditTransaction, Background};
use audit_tests::{TestDb, long};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, DatabaseConnection, DbErr, IntoActiveModel,
    QueryFilter as _,
};
use sea_orm_migration::MigratorTrait;
use tokio::{task::JoinSet, time::sleep};

use super::ground::{Wired, away, verified, wired};
use crate::{
    entities::post,
    migrators::AppendOnly,
    property::Dice,
    support::{new_post, number},
};

const WRITERS: u64 = 12;
const OUTAGES: u32 = 5;

pub(super) async fn run(t: &TestDb) {
    AppendOnly::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    let wanted = if long() { 200_000 } else { 5_000 };
    let settings = Background::new().queue(1000).give_up(Duration::from_mins(10));
    let Wired { db, wire, writer, config, .. } = wired(t, settings).await;
    let (done, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let mut writer = Writer {
            db: db.clone(),
            name: number,
            next: 0,
            dice: Dice::new(number + 1),
            own: Vec::new(),
        };
        let (done, failed) = (Arc::clone(&done), Arc::clone(&failed));
        writers.spawn(config.clone().scope(async move {
            while done.load(Ordering::Relaxed) < wanted {
                if let Ok(entries) = writer.act().await {
                    done.fetch_add(entries, Ordering::Relaxed);
                } else {
                    failed.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }));
    }
    for outage in 0..OUTAGES {
        let at = wanted * u64::from(outage + 1) / u64::from(OUTAGES + 1);
        while done.load(Ordering::Relaxed) < at {
            sleep(Duration::from_millis(5)).await;
        }
        if let Some(wire) = &wire {
            wire.delay(Duration::from_micros(u64::from(outage % 2) * 1000));
        }
        away(t, wire.as_deref(), Duration::from_millis(700)).await;
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let queued = writer.status();
    writer.shutdown().await.unwrap();
    let took = began.elapsed();
    let entries = verified(&t.db).await;
    let rows = number(&t.db, "SELECT COUNT(*) FROM audit_trail").await;
    assert_eq!(u64::try_from(rows).unwrap(), entries);
    assert!(entries >= wanted, "{entries}");
    assert!(failed.load(Ordering::Relaxed) > 0, "the database was away");
    if long() {
        report(t, entries, failed.load(Ordering::Relaxed), took, &format!("{queued:?}"));
    }
}

#[expect(clippy::print_stdout, reason = "what the long version is run for")]
fn report(t: &TestDb, entries: u64, failed: u64, took: Duration, queued: &str) {
    let name = t.backend.name();
    println!("{name}: {entries} entries in {took:?}, {failed} failed writes, at the end {queued}");
}

struct Writer {
    db: DatabaseConnection,
    name: u64,
    next: u64,
    dice: Dice,
    own: Vec<post::Model>,
}

impl Writer {
    /// Writes something, and tells how many entries that makes.
    async fn act(&mut self) -> Result<u64, DbErr> {
        match self.dice.next() % 8 {
            0 | 1 => self.insert().await,
            2 | 3 => self.update().await,
            4 => self.delete().await,
            5 => self.transaction().await,
            6 => self.insert_many().await,
            _ => self.update_many().await,
        }
    }

    fn title(&mut self) -> String {
        self.next += 1;
        format!("{} {}", self.name, self.next)
    }

    async fn insert(&mut self) -> Result<u64, DbErr> {
        let post = new_post(&self.title()).insert(&self.db).await?;
        self.own.push(post);
        Ok(1)
    }

    async fn update(&mut self) -> Result<u64, DbErr> {
        let title = self.title();
        let Some(post) = self.own.pop() else { return Ok(0) };
        let mut change = post.clone().into_active_model();
        change.likes = Set(post.likes + 1);
        change.title = Set(title);
        change.token = Set(Some(self.next.to_string()));
        let post = change.update(&self.db).await?;
        self.own.push(post);
        Ok(1)
    }

    async fn delete(&mut self) -> Result<u64, DbErr> {
        let Some(post) = self.own.pop() else { return Ok(0) };
        Ok(post.delete(&self.db).await?.rows_affected)
    }

    async fn transaction(&mut self) -> Result<u64, DbErr> {
        let title = self.title();
        let post = AuditTransaction::run(&self.db, async |txn| {
            let post = new_post(&title).insert(txn).await?;
            let mut change = post.clone().into_active_model();
            change.likes = Set(7);
            change.update(txn).await
        });
        self.own.push(post.await?);
        Ok(2)
    }

    async fn insert_many(&mut self) -> Result<u64, DbErr> {
        let rows: Vec<_> = (0..8).map(|_| new_post(&self.title())).collect();
        let rows = post::Entity::audited().insert_many(rows);
        let rows = rows.exec_with_returning(&self.db).await?;
        self.own.extend(rows);
        self.own.truncate(64);
        Ok(8)
    }

    async fn update_many(&mut self) -> Result<u64, DbErr> {
        let ids: Vec<_> = self.own.drain(..).take(8).map(|post| post.id).collect();
        let update = post::Entity::audited()
            .update_many()
            .col_expr(post::Column::Likes, sea_orm::sea_query::Expr::cust("likes + 3"))
            .filter(post::Column::Id.is_in(ids));
        Ok(update.exec(&self.db).await?.rows_affected)
    }
}
