use std::sync::Arc;

use audit_seaorm::{AuditConnection, AuditPool, AuditTransaction};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionSession, TransactionTrait,
};

use super::{
    Dice, builders,
    failure::{reason, undoes_all},
    graphs, models,
    tally::Tally,
};
use crate::concurrency::cancelled_after;

/// Somebody who writes at random.
pub(crate) struct Actor {
    db: DatabaseConnection,
    guarded: AuditConnection,
    dice: Dice,
    tally: Arc<Tally>,
    /// What is still to be written before everything comes up again.
    bag: Vec<Write>,
}

/// How a step or a transaction went, for the transaction around it.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Fine,
    /// This level is to be rolled back.
    Undo,
    /// So is every level around it.
    UndoAll,
}

impl Actor {
    pub(crate) fn new(db: &DatabaseConnection, dice: Dice, tally: &Arc<Tally>) -> Self {
        let guarded = AuditConnection::new(db.clone());
        Self { db: db.clone(), guarded, dice, tally: Arc::clone(tally), bag: Vec::new() }
    }

    /// A few writes, on the pool or in a transaction, with a guard or without.
    pub(crate) async fn act(&mut self) {
        match self.dice.below(6) {
            0 | 1 => self.on_a_pool(&self.db.clone()).await,
            2 => self.on_a_pool(&self.guarded.clone()).await,
            3 => self.in_a_transaction().await,
            4 => self.in_an_audit_transaction(&self.db.clone()).await,
            _ => self.in_an_audit_transaction(&self.guarded.clone()).await,
        }
    }

    async fn on_a_pool(&mut self, db: &(impl ConnectionTrait + TransactionTrait)) {
        for _ in 0..=self.dice.below(3) {
            self.step(db, Kind::Pool).await;
        }
    }

    async fn in_a_transaction(&mut self) {
        let options = self.options();
        let Some(txn) = self.noted("BEGIN", self.db.clone().begin_with_options(options).await)
        else {
            return;
        };
        let verdict = self.steps(&txn, Kind::Plain, 0).await;
        self.end("transaction", txn, verdict).await;
    }

    async fn in_an_audit_transaction(&mut self, db: &impl AuditPool) {
        let options = self.options();
        let begun = AuditTransaction::begin_with_options(db, options).await;
        let Some(txn) = self.noted("BEGIN", begun) else { return };
        let verdict = self.steps(&txn, Kind::Audit, 0).await;
        self.end("audit transaction", txn, verdict).await;
    }

    async fn steps<T>(&mut self, txn: &T, kind: Kind, depth: usize) -> Verdict
    where
        T: ConnectionTrait + TransactionTrait<Transaction = T> + TransactionSession + Send,
    {
        for _ in 0..=self.dice.below(4) {
            let verdict = if depth < 2 && self.dice.chance(25) {
                Box::pin(self.nested(txn, kind, depth)).await
            } else {
                self.step_in(txn, kind).await
            };
            if verdict != Verdict::Fine {
                return verdict;
            }
        }
        Verdict::Fine
    }

    async fn nested<T>(&mut self, txn: &T, kind: Kind, depth: usize) -> Verdict
    where
        T: ConnectionTrait + TransactionTrait<Transaction = T> + TransactionSession + Send,
    {
        let Some(nested) = self.noted("SAVEPOINT", txn.begin().await) else {
            return Verdict::UndoAll;
        };
        let verdict = self.steps(&nested, kind, depth + 1).await;
        let ended = self.end("savepoint", nested, verdict).await;
        if verdict == Verdict::UndoAll || !ended { Verdict::UndoAll } else { Verdict::Fine }
    }

    /// What README asks of callers: a plain transaction is rolled back after a write that was dropped,
    /// and after a failure of a generic one.
    async fn step_in<T>(&mut self, txn: &T, kind: Kind) -> Verdict
    where
        T: ConnectionTrait + TransactionTrait,
    {
        let (write, outcome) = self.step(txn, kind).await;
        match (kind, outcome) {
            (Kind::Audit, None) if write.is_generic() => Verdict::UndoAll,
            (_, Some(Ok(()))) | (Kind::Audit, None) => Verdict::Fine,
            (_, None) => Verdict::UndoAll,
            (Kind::Plain, Some(Err(error))) if undoes_all(reason(&error)) => Verdict::UndoAll,
            (Kind::Plain, Some(Err(_))) if write.is_generic() => Verdict::Undo,
            (_, Some(Err(_))) if self.dice.chance(30) => Verdict::Undo,
            (_, Some(Err(_))) => Verdict::Fine,
        }
    }

    /// One write, now and then dropped half-way. `None`: it was.
    async fn step<C>(&mut self, db: &C, kind: Kind) -> (Write, Option<Result<(), DbErr>>)
    where
        C: ConnectionTrait + TransactionTrait,
    {
        let write = self.draw();
        let mut dice = self.dice.fork();
        let polls = if self.dice.chance(15) && write.may_be_dropped(kind, db.get_database_backend())
        {
            1 + self.dice.below(20)
        } else {
            usize::MAX
        };
        let outcome = cancelled_after(polls, write.run(&mut dice, db)).await;
        match &outcome {
            None => self.tally.add(format!("dropped: {write:?}")),
            Some(Ok(())) => self.tally.add(format!("done: {write:?}")),
            Some(Err(error)) => self.note(&format!("{write:?}"), error),
        }
        (write, outcome)
    }

    /// Whether it ended as it was told to.
    async fn end<T: TransactionSession>(&mut self, name: &str, txn: T, verdict: Verdict) -> bool {
        if verdict == Verdict::Fine && self.dice.chance(80) {
            if self.dice.chance(10) && self.db.get_database_backend() != DbBackend::MySql {
                let polls = 1 + self.dice.below(6);
                let committed = cancelled_after(polls, txn.commit()).await;
                self.tally.add(format!("dropped: commit of {name}"));
                return matches!(committed, Some(Ok(())));
            }
            let committed = txn.commit().await;
            return self.noted(&format!("commit of {name}"), committed).is_some();
        }
        if self.dice.chance(30) {
            self.tally.add(format!("done: drop of {name}"));
            drop(txn);
            return true;
        }
        let rolled_back = txn.rollback().await;
        self.noted(&format!("rollback of {name}"), rolled_back).is_some()
    }

    fn options(&mut self) -> TransactionOptions {
        let sqlite = self.db.get_database_backend() == DbBackend::Sqlite;
        let isolation = [
            IsolationLevel::ReadCommitted,
            IsolationLevel::RepeatableRead,
            IsolationLevel::Serializable,
        ];
        let isolation = (!sqlite && self.dice.chance(40)).then(|| *self.dice.pick(&isolation));
        let modes = [SqliteTransactionMode::Deferred, SqliteTransactionMode::Immediate];
        TransactionOptions {
            isolation_level: isolation,
            sqlite_transaction_mode: (sqlite && self.dice.chance(50))
                .then(|| *self.dice.pick(&modes)),
            ..TransactionOptions::default()
        }
    }

    /// Every write comes up as often as any other.
    fn draw(&mut self) -> Write {
        if self.bag.is_empty() {
            self.bag = Write::all();
        }
        self.bag.swap_remove(self.dice.below(self.bag.len()))
    }

    fn noted<T>(&self, what: &str, outcome: Result<T, DbErr>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.tally.add(format!("done: {what}"));
                Some(value)
            }
            Err(error) => {
                self.note(what, &error);
                None
            }
        }
    }

    fn note(&self, what: &str, error: &DbErr) {
        match reason(error) {
            Some(reason) => self.tally.add(format!("failed: {reason}")),
            None => self.tally.add(format!("unexpected: {what}: {error}")),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Pool,
    Plain,
    Audit,
}

/// One of the writes of a file beside this one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    Model(&'static str),
    Audited(&'static str),
    Graph(&'static str),
}

impl Write {
    pub(crate) fn all() -> Vec<Self> {
        let models = models::WRITES.iter().copied().map(Self::Model);
        let audited = builders::WRITES.iter().copied().map(Self::Audited);
        let graphs = graphs::WRITES.iter().copied().map(Self::Graph);
        models.chain(audited).chain(graphs).collect()
    }

    async fn run<C>(self, dice: &mut Dice, db: &C) -> Result<(), DbErr>
    where
        C: ConnectionTrait + TransactionTrait,
    {
        match self {
            Self::Model(name) => models::write(name, dice, db).await,
            Self::Audited(name) => builders::write(name, dice, db).await,
            Self::Graph(name) => graphs::write(name, dice, db).await,
        }
    }

    /// On `MariaDB`, `SQLx` loses a connection when a statement is dropped while it is being prepared. So
    /// nothing is dropped there that makes statements outside of our shield: of the caller's own reading,
    /// of `SeaORM`, or on a plain transaction.
    fn may_be_dropped(self, kind: Kind, backend: DbBackend) -> bool {
        const READING: [&str; 4] =
            ["update one", "update one under a condition", "delete one", "delete by id"];
        const BLIND: [&str; 5] = [
            "insert",
            "insert with a key",
            "save new",
            "update a missing row",
            "delete a missing row",
        ];
        backend != DbBackend::MySql
            || kind != Kind::Plain
                && match self {
                    Self::Model(name) => BLIND.contains(&name),
                    Self::Audited(name) => !READING.contains(&name),
                    Self::Graph(_) => false,
                }
    }

    /// Whether it reaches the trait's own method, which has hooks and no savepoint.
    fn is_generic(self) -> bool {
        matches!(self, Self::Model(name) if name.starts_with("trait "))
    }
}
