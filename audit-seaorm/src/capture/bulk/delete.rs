use std::collections::HashSet;

use audit_core::Operation;
use sea_orm::{Condition, ConnectionTrait, DbBackend, DbErr, QueryFilter};

use super::{
    Keep, Kept,
    aside::Aside,
    keys::{self, Key, MAX_NAMED, key_of},
    page_size,
    selection::Selection,
};
use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Ground, Write,
        before_image::{Intent, take_write_lock},
        cascade,
    },
    error::AuditError,
    found::Found,
    read_row, record,
    writer::Recorder,
};

/// The rows of a filter.
pub(crate) struct DeleteMany<E> {
    pub(crate) filter: Filter,
    pub(crate) keep: Keep,
    entity: std::marker::PhantomData<fn() -> E>,
}

impl<E: Auditable> DeleteMany<E> {
    pub(crate) fn new(filter: Filter, keep: Keep) -> Self {
        Self { filter, keep, entity: std::marker::PhantomData }
    }
}

impl<E: Auditable> Write for DeleteMany<E> {
    type Entity = E;
    type Output = Kept<E>;
    const OPERATION: Operation = Operation::Delete;
    const STEPS: bool = true;

    async fn run(&mut self, recorder: &Recorder<E>, ground: Ground<'_>) -> Result<Kept<E>, DbErr> {
        let selection = Selection::<E>::new(self.filter.clone());
        if ground.deferred {
            take_write_lock::<E>(ground.db).await?;
        }
        Run { selection, keep: self.keep, recorder, ground: &ground }.run().await
    }
}

struct Run<'a, E: Auditable> {
    selection: Selection<E>,
    keep: Keep,
    recorder: &'a Recorder<E>,
    ground: &'a Ground<'a>,
}

impl<E: Auditable> Run<'_, E> {
    async fn run(&self) -> Result<Kept<E>, DbErr> {
        let first = self.locked(Some(page_size::FIRST)).await?;
        if (first.len() as u64) < page_size::FIRST {
            return self.few(first).await;
        }
        drop(first);
        match Aside::of(&self.selection, self.ground, Intent::Delete).await? {
            Some(mut aside) => {
                let kept = self.many(&mut aside).await;
                aside.end(kept).await
            }
            None => self.in_memory().await,
        }
    }

    async fn locked(&self, limit: Option<u64>) -> Result<Vec<Found<E>>, DbErr> {
        self.selection.locked(self.ground, Intent::Delete, limit).await
    }

    /// Deletes rows that are locked, by their keys.
    async fn few(&self, before: Vec<Found<E>>) -> Result<Kept<E>, DbErr> {
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        if keys.is_empty() {
            return Ok(Kept::new(self.keep));
        }
        self.delete(before, &keys, keys::among::<E>(&keys, self.backend())).await
    }

    async fn many(&self, aside: &mut Aside<'_, E>) -> Result<Kept<E>, DbErr> {
        if cascade::are_possible::<E>(self.ground, self.recorder.config()).await? {
            while let Some(keys) = aside.keys().await? {
                self.refuse_cascades(&keys).await?;
            }
        }
        E::delete_many().filter(aside.condition()).exec(&self.ground.db).await?;
        let mut kept = Kept::new(self.keep);
        while let Some(gone) = aside.gone().await? {
            aside.weigh(self.record(gone, &mut kept).await?);
        }
        Ok(kept)
    }

    /// With all images in memory at once.
    async fn in_memory(&self) -> Result<Kept<E>, DbErr> {
        let before = self.locked(None).await?;
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        self.delete(before, &keys, self.selection.condition()).await
    }

    async fn delete(
        &self,
        before: Vec<Found<E>>,
        keys: &[Key],
        these: Condition,
    ) -> Result<Kept<E>, DbErr> {
        self.refuse_cascades(keys).await?;
        let deleted = E::delete_many().filter(these).exec(&self.ground.db).await?.rows_affected;
        let all = before.len() as u64;
        if deleted > all {
            let table = self.recorder.table().to_owned();
            return Err(AuditError::ChangedMeanwhile { table }.into());
        }
        let gone = if deleted == all { before } else { self.gone(before, keys).await? };
        let mut kept = Kept::new(self.keep);
        self.record(gone, &mut kept).await?;
        Ok(kept)
    }

    async fn refuse_cascades(&self, keys: &[Key]) -> Result<(), DbErr> {
        for keys in keys.chunks(MAX_NAMED) {
            cascade::refuse::<E>(self.ground, self.recorder.config(), keys).await?;
        }
        Ok(())
    }

    /// Without those that a trigger of the database kept.
    async fn gone(&self, mut rows: Vec<Found<E>>, keys: &[Key]) -> Result<Vec<Found<E>>, DbErr> {
        let mut left = HashSet::new();
        for keys in keys.chunks(MAX_NAMED) {
            let named = keys::among::<E>(keys, self.backend());
            for row in read_row::all(&self.ground.db, E::find().filter(named)).await? {
                left.insert(record::id_of::<E>(&row)?);
            }
        }
        let ids = rows
            .iter()
            .map(|row| record::id_of::<E>(&row.model))
            .collect::<Result<Vec<_>, AuditError>>()?;
        let mut ids = ids.into_iter();
        rows.retain(|_| ids.next().is_some_and(|id| !left.contains(&id)));
        Ok(rows)
    }

    fn backend(&self) -> DbBackend {
        self.ground.db.get_database_backend()
    }

    async fn record(&self, before: Vec<Found<E>>, kept: &mut Kept<E>) -> Result<usize, DbErr> {
        let changes = before.iter().map(|row| self.recorder.deleted(row)).collect();
        let weight = self.recorder.record_all(self.ground, changes).await?;
        kept.add(before.into_iter().map(|row| row.model).collect());
        Ok(weight)
    }
}
