use std::collections::HashMap;

use audit_core::Operation;
use sea_orm::{
    ConnectionTrait, DbErr, IdenStatic,
    sea_query::{Condition, DynIden, Expr, IntoCondition, UpdateStatement},
};

use super::{
    Keep, Kept, Written,
    keys::{self, Key, key_of},
    pages::{MAX_NAMED, Pages},
    selection::{Selection, locked_by_key, looks_around},
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
    async fn run_plainly(self, db: Executor<'_>) -> Result<Kept<E>, DbErr> {
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

    async fn run(self, recorder: &Recorder<E>, ground: Ground<'_>) -> Result<Kept<E>, DbErr> {
        if self.values.is_empty() {
            return Ok(Kept::new(self.keep));
        }
        if self.sets_the_key() {
            if !recorder.is_recording() {
                return self.run_plainly(ground.db).await;
            }
            return Err(AuditError::KeyChange { table: recorder.table().to_owned() }.into());
        }
        if ground.deferred {
            take_write_lock::<E>(ground.db).await?;
        }
        let run = Run { update: &self, recorder, ground: &ground };
        if self.values.iter().any(|(_, value)| looks_around(value)) {
            return run.in_one_statement().await;
        }
        run.page_by_page().await
    }
}

struct Run<'a, E: Auditable> {
    update: &'a UpdateMany<E>,
    recorder: &'a Recorder<E>,
    ground: &'a Ground<'a>,
}

impl<E: Auditable> Run<'_, E> {
    async fn page_by_page(&self) -> Result<Kept<E>, DbErr> {
        let mut kept = Kept::new(self.update.keep);
        let selection = Selection::<E>::new(self.update.filter.clone());
        // A filter that looks at other rows would see what the pages before have changed.
        let in_pages = selection.is_by_row();
        let mut pages = Pages::new(&selection, self.ground, Intent::Update, in_pages);
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                return Ok(kept);
            }
            let mut weight = 0;
            for rows in page {
                weight += self.update_rows(rows, &mut kept).await?;
            }
            pages.weigh(weight);
        }
    }

    /// Updates rows that are locked, and tells about how much their entries weigh.
    async fn update_rows(&self, before: Vec<Found<E>>, kept: &mut Kept<E>) -> Result<usize, DbErr> {
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        let named = keys::among::<E>(&keys, self.ground.db.get_database_backend());
        let after = self.after(named, &keys).await?;
        self.record(before, after, kept).await
    }

    /// Values that look at other rows must all see the same.
    async fn in_one_statement(&self) -> Result<Kept<E>, DbErr> {
        let mut kept = Kept::new(self.update.keep);
        let selection = Selection::<E>::new(self.update.filter.clone());
        let before = selection.locked(self.ground, Intent::Update, None, None).await?;
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        let after = self.after(selection.condition(), &keys).await?;
        self.record(before, after, &mut kept).await?;
        Ok(kept)
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
        let mut after = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_NAMED) {
            after.extend(locked_by_key::<E>(self.ground, Intent::Update, keys).await?);
        }
        Ok(after)
    }

    /// Matches the images by key: a statement gives its rows back in any order, and without those that
    /// a trigger of the database kept as they were.
    async fn record(
        &self,
        before: Vec<Found<E>>,
        after: Vec<Found<E>>,
        kept: &mut Kept<E>,
    ) -> Result<usize, DbErr> {
        let (changes, after) = self.written(before, after)?;
        let weight = self.recorder.record_all(self.ground, changes).await?;
        kept.add(after);
        Ok(weight)
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
