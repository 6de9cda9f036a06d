use std::collections::HashSet;

use audit_core::Operation;
use sea_orm::{ConnectionTrait, DbErr, QueryFilter, QueryTrait};

use super::{
    Keep, Kept,
    keys::{self, key_of},
    pages::Pages,
    selection::{Selection, refers_to_itself},
};
use crate::{
    Auditable,
    audited::Filter,
    capture::{
        Ground, Write,
        before_image::{Intent, take_write_lock},
        cascade, returning,
    },
    error::AuditError,
    found::Found,
    record,
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

    async fn run(self, recorder: &Recorder<E>, ground: Ground<'_>) -> Result<Kept<E>, DbErr> {
        let selection = Selection::<E>::new(self.filter);
        let run = Run { recorder, ground: &ground };
        let kept = Kept::new(self.keep);
        let in_pages = selection.is_by_row() && !refers_to_itself::<E>();
        let cascades = cascade::are_possible::<E>(&ground, recorder.config()).await?;
        if !in_pages && !cascades && ground.db.support_returning() {
            return run.in_one_statement(&selection, kept).await;
        }
        if ground.deferred {
            take_write_lock::<E>(ground.db).await?;
        }
        run.page_by_page(&selection, in_pages, kept).await
    }
}

struct Run<'a, E: Auditable> {
    recorder: &'a Recorder<E>,
    ground: &'a Ground<'a>,
}

impl<E: Auditable> Run<'_, E> {
    /// The statement gives its before-images back.
    async fn in_one_statement(
        &self,
        selection: &Selection<E>,
        mut kept: Kept<E>,
    ) -> Result<Kept<E>, DbErr> {
        let rows = E::delete_many().filter(selection.condition());
        let before = returning::deleted::<E>(self.ground.db, rows.into_query()).await?;
        self.record(before, &mut kept).await?;
        Ok(kept)
    }

    async fn page_by_page(
        &self,
        selection: &Selection<E>,
        in_pages: bool,
        mut kept: Kept<E>,
    ) -> Result<Kept<E>, DbErr> {
        let mut pages = Pages::new(selection, self.ground, Intent::Delete, in_pages);
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                return Ok(kept);
            }
            let mut weight = 0;
            for rows in page {
                weight += self.delete_rows(rows, &mut kept).await?;
            }
            pages.weigh(weight);
        }
    }

    /// Deletes rows that are locked, and tells about how much their entries weigh.
    async fn delete_rows(&self, before: Vec<Found<E>>, kept: &mut Kept<E>) -> Result<usize, DbErr> {
        let keys: Vec<_> = before.iter().map(|row| key_of::<E>(&row.model)).collect();
        cascade::refuse::<E>(self.ground, self.recorder.config(), &keys).await?;
        let named = keys::among::<E>(&keys, self.ground.db.get_database_backend());
        let deleted = E::delete_many().filter(named.clone()).exec(&self.ground.db).await?;
        let gone = if deleted.rows_affected == before.len() as u64 {
            before
        } else {
            self.gone(before, named).await?
        };
        self.record(gone, kept).await
    }

    /// Without those that a trigger of the database kept.
    async fn gone(
        &self,
        mut rows: Vec<Found<E>>,
        named: sea_orm::Condition,
    ) -> Result<Vec<Found<E>>, DbErr> {
        let left = E::find().filter(named).all(&self.ground.db).await?;
        let left = left.iter().map(record::id_of::<E>).collect::<Result<HashSet<_>, _>>()?;
        let ids = rows
            .iter()
            .map(|row| record::id_of::<E>(&row.model))
            .collect::<Result<Vec<_>, AuditError>>()?;
        let mut ids = ids.into_iter();
        rows.retain(|_| ids.next().is_some_and(|id| !left.contains(&id)));
        Ok(rows)
    }

    async fn record(&self, before: Vec<Found<E>>, kept: &mut Kept<E>) -> Result<usize, DbErr> {
        let changes = before.iter().map(|row| self.recorder.deleted(row)).collect();
        let weight = self.recorder.record_all(self.ground, changes).await?;
        kept.add(before.into_iter().map(|row| row.model).collect());
        Ok(weight)
    }
}
