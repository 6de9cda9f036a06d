use std::collections::HashMap;

use audit_core::Operation;
use sea_orm::{
    ConnectionTrait, DbErr, IdenStatic,
    sea_query::{Condition, DynIden, Expr, IntoCondition, UpdateStatement},
};

use super::{
    Keep, Kept, Written,
    aside::Aside,
    keys::{self, Key, key_of},
    page_size,
    selection::{Selection, locked_by_key},
};
use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Executor, Ground, Write,
        before_image::{Intent, take_write_lock},
        returning,
    },
    error::AuditError,
    found::Found,
    record,
    writer::Recorder,
};

/// The rows of a filter with what is set in them.
pub(crate) struct UpdateMany<E: Auditable> {
    pub(crate) filter: Filter,
    pub(crate) values: Vec<(DynIden, Expr)>,
    pub(crate) keep: Keep,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: Auditable> UpdateMany<E> {
    pub(crate) fn new(filter: Filter, values: Vec<(DynIden, Expr)>, keep: Keep) -> Self {
        Self { filter, values, keep, entity: std::marker::PhantomData }
    }

    fn sets_the_key(&self) -> bool {
        record::key_columns::<E>()
            .any(|key| self.values.iter().any(|(column, _)| *column.inner() == *key.as_str()))
    }

    /// As `SeaORM` itself does, where nobody has to follow the records.
    async fn run_plainly(&self, db: Executor<'_>) -> Result<Kept<E>, DbErr> {
        let mut kept = Kept::new(self.keep);
        let update = self.statement(self.filter.condition());
        if self.keep == Keep::Count {
            kept.add_unread(db.execute(&update).await?.rows_affected(), None);
        } else if db.support_returning() {
            let rows = returning::updated::<E>(db, update).await?;
            kept.add(rows.into_iter().map(|row| row.model).collect());
        } else {
            let db = db.get_database_backend().as_str();
            return Err(DbErr::BackendNotSupported { db, ctx: "UPDATE RETURNING" });
        }
        Ok(kept)
    }

    fn statement(&self, rows: impl IntoCondition) -> UpdateStatement {
        let mut update = UpdateStatement::new();
        update.table(E::default().table_ref()).values(self.values.iter().cloned());
        update.cond_where(rows);
        update
    }
}

impl<E: Auditable> Write for UpdateMany<E> {
    type Entity = E;
    type Output = Kept<E>;
    const OPERATION: Operation = Operation::Update;
    const STEPS: bool = true;

    async fn run(&mut self, recorder: &Recorder<E>, ground: Ground<'_>) -> Result<Kept<E>, DbErr> {
        if self.values.is_empty() {
            return Ok(Kept::new(self.keep));
        }
        if !recorder.is_recording() && (self.sets_the_key() || self.keep == Keep::Count) {
            return self.run_plainly(ground.db).await;
        }
        if self.sets_the_key() {
            return Err(AuditError::KeyChange { table: recorder.table().to_owned() }.into());
        }
        if ground.deferred {
            take_write_lock::<E>(ground.db).await?;
        }
        Run { update: self, recorder, ground: &ground }.run().await
    }
}

struct Run<'a, E: Auditable> {
    update: &'a UpdateMany<E>,
    recorder: &'a Recorder<E>,
    ground: &'a Ground<'a>,
}

impl<E: Auditable> Run<'_, E> {
    async fn run(&self) -> Result<Kept<E>, DbErr> {
        let selection = Selection::<E>::new(self.update.filter.clone());
        let first = selection.locked(self.ground, Intent::Update, Some(page_size::FIRST)).await?;
        if (first.len() as u64) < page_size::FIRST {
            return self.few(first).await;
        }
        drop(first);
        match Aside::of(&selection, self.ground, Intent::Update).await? {
            Some(mut aside) => {
                let kept = self.many(&mut aside).await;
                aside.end(kept).await
            }
            None => self.in_memory(&selection).await,
        }
    }

    /// Updates rows that are locked, by their keys.
    async fn few(&self, before: Vec<Found<E>>) -> Result<Kept<E>, DbErr> {
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        if keys.is_empty() {
            return Ok(Kept::new(self.update.keep));
        }
        let named = keys::among::<E>(&keys, self.ground.db.get_database_backend());
        let after = self.after(named, &keys).await?;
        self.record(before, after).await
    }

    async fn many(&self, aside: &mut Aside<'_, E>) -> Result<Kept<E>, DbErr> {
        let update = self.update.statement(aside.condition());
        let updated = self.ground.db.execute(&update).await?.rows_affected();
        let mut kept = Kept::new(self.update.keep);
        while let Some(rows) = aside.changed().await? {
            let changes =
                rows.iter().map(|(before, after)| self.recorder.updated(before, after)).collect();
            aside.weigh(self.recorder.record_all(self.ground, changes).await?);
            kept.add(rows.into_iter().map(|(_, after)| after.model).collect());
        }
        // Without those that a trigger of the database kept.
        kept.count = updated;
        Ok(kept)
    }

    /// With all images in memory at once.
    async fn in_memory(&self, selection: &Selection<E>) -> Result<Kept<E>, DbErr> {
        let before = selection.locked(self.ground, Intent::Update, None).await?;
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        let after = self.after(selection.condition(), &keys).await?;
        self.record(before, after).await
    }

    async fn after(&self, rows: Condition, keys: &[Key]) -> Result<Vec<Found<E>>, DbErr> {
        let db = self.ground.db;
        let update = self.update.statement(rows);
        if db.support_returning() {
            return returning::updated::<E>(db, update).await;
        }
        let updated = db.execute(&update).await?.rows_affected();
        if updated != keys.len() as u64 {
            return Err(self.changed_meanwhile());
        }
        locked_by_key::<E>(self.ground, Intent::Update, keys).await
    }

    /// Matches the images by key: a statement gives its rows back in any order, and without those that
    /// a trigger of the database kept as they were.
    async fn record(&self, before: Vec<Found<E>>, after: Vec<Found<E>>) -> Result<Kept<E>, DbErr> {
        let (changes, after) = self.written(before, after)?;
        self.recorder.record_all(self.ground, changes).await?;
        let mut kept = Kept::new(self.update.keep);
        kept.add(after);
        Ok(kept)
    }

    fn written(&self, before: Vec<Found<E>>, after: Vec<Found<E>>) -> Result<Written<E>, DbErr> {
        let mut after: HashMap<String, Found<E>> = after
            .into_iter()
            .map(|row| Ok((record::id_of::<E>(&row.model)?, row)))
            .collect::<Result<_, AuditError>>()?;
        let mut written = (Vec::new(), Vec::new());
        for row in before {
            if let Some(now) = after.remove(&record::id_of::<E>(&row.model)?) {
                written.0.push(self.recorder.updated(&row.model, &now));
                written.1.push(now.model);
            }
        }
        if after.is_empty() { Ok(written) } else { Err(self.changed_meanwhile()) }
    }

    fn changed_meanwhile(&self) -> DbErr {
        AuditError::ChangedMeanwhile { table: self.recorder.table().to_owned() }.into()
    }
}
