use audit_core::Operation;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, sea_query::OnConflict};

use super::{Keep, Kept, Rows, generated::GivenKeys, plain, upsert};
use crate::{
    Auditable,
    capture::{Ground, Write, returning},
    writer::Recorder,
};

/// Rows to insert, with what to do about those that are there already.
pub(crate) struct InsertMany<E: Auditable> {
    pub(crate) rows: Rows<E>,
    pub(crate) on_conflict: Option<OnConflict>,
    pub(crate) keep: Keep,
}

impl<E: Auditable> Write for InsertMany<E> {
    type Entity = E;
    type Output = Kept<E>;
    const OPERATION: Operation = Operation::Create;
    const STEPS: bool = true;

    async fn run(&mut self, recorder: &Recorder<E>, ground: Ground<'_>) -> Result<Kept<E>, DbErr> {
        let mut kept = Kept::new(self.keep);
        let backend = ground.db.get_database_backend();
        let mut rest = self.rows.clone();
        while let Some(rows) = self.next(&mut rest, backend) {
            if plain::is_asked_for(recorder.is_recording(), ground.db) {
                plain::insert(ground.db, &rows, self.on_conflict.as_ref(), &mut kept).await?;
                continue;
            }
            let given = GivenKeys::of(&rows, backend);
            let written = match &self.on_conflict {
                None => insert(recorder, &ground, &rows).await?,
                Some(on_conflict) => upsert::upsert(recorder, &ground, rows, on_conflict).await?,
            };
            if kept.generated.is_none() {
                kept.generated = given.first_other::<E>(&written);
            }
            let (changes, rows) = written;
            recorder.record_all(&ground, changes).await?;
            kept.add(rows);
        }
        Ok(kept)
    }
}

impl<E: Auditable> InsertMany<E> {
    fn next(&self, rest: &mut Rows<E>, backend: DbBackend) -> Option<Rows<E>> {
        match self.on_conflict {
            None => rest.next_statement(backend),
            Some(_) => rest.next_trial(backend),
        }
    }
}

async fn insert<E: Auditable>(
    recorder: &Recorder<E>,
    ground: &Ground<'_>,
    rows: &Rows<E>,
) -> Result<super::Written<E>, DbErr> {
    let rows = if rows.is_overriding() && ground.db.get_database_backend() == DbBackend::Postgres {
        returning::inserted_overriding::<E>(ground.db, &rows.head(), rows.insert(None)).await?
    } else {
        returning::inserted::<E>(ground.db, rows.insert(None)).await?
    };
    let changes = rows.iter().map(|row| recorder.created(row)).collect();
    Ok((changes, rows.into_iter().map(|row| row.model).collect()))
}
