use std::{collections::HashSet, fmt::Write as _, marker::PhantomData, sync::Arc};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, QueryResult, StatementBuilder,
    sea_query::{Alias, Expr, SelectStatement},
};

use super::{
    Baseline, BaselineReport, OnProgress,
    chunk::{self, Done, Lot, Way},
    closing, encoded,
    place::{Place, Range, keys_behind},
    plan::Plan,
    retry::Attempts,
};
use crate::{Auditable, database_error::DatabaseError, writer::explained};

/// How many rows are encoded here at a time, for all of them are in memory.
const MAX_ROWS_HERE: u32 = 1000;

/// After so many chunks in a row that the database could not write, it is not asked any more.
const MAX_FAILURES: u32 = 3;

/// Whether a record is not known yet, beside its key.
const UNKNOWN: &str = "audit_unknown";

pub(super) async fn run<E: Auditable>(
    baseline: Baseline<E>,
    db: DatabaseConnection,
) -> Result<BaselineReport, DbErr> {
    let plan = Arc::new(Plan::of::<E>(&db, baseline.reason).await?);
    let report = BaselineReport { table: plan.table.clone(), ..BaselineReport::default() };
    let chunk_size = baseline.chunk_size;
    let progress = baseline.progress;
    let mut run =
        Run::<E> { db, plan, chunk_size, progress, report, failures: 0, entity: PhantomData };
    let all = run.all_rows().await;
    explained(&run.db, all).await?;
    run.close().await?;
    Ok(run.report)
}

struct Run<E> {
    db: DatabaseConnection,
    plan: Arc<Plan>,
    chunk_size: u32,
    progress: Option<OnProgress>,
    report: BaselineReport,
    failures: u32,
    entity: PhantomData<fn() -> E>,
}

/// The next rows of the table.
struct Ahead {
    last: Place,
    rows: u64,
    unknown: HashSet<String>,
    places: Vec<Place>,
}

impl Ahead {
    fn unknown_among(&self, places: &[Place]) -> Vec<Place> {
        places.iter().filter(|place| self.unknown.contains(&place.record_id)).cloned().collect()
    }
}

impl<E: Auditable> Run<E> {
    async fn all_rows(&mut self) -> Result<(), DbErr> {
        let mut last = None;
        while let Some(ahead) = self.look_ahead(last.as_ref()).await? {
            let before = self.report.written;
            if !ahead.unknown.is_empty() {
                self.chunk(last.take(), &ahead).await?;
            }
            self.report.chunks += 1;
            self.report.known += ahead.rows.saturating_sub(self.report.written - before);
            if let Some(progress) = &mut self.progress {
                progress(&self.report);
            }
            last = Some(ahead.last);
        }
        Ok(())
    }

    fn way(&self) -> Way {
        if self.plan.forms.is_some() && self.failures < MAX_FAILURES {
            Way::Database
        } else {
            Way::Here
        }
    }

    /// The next chunk, without a lock; none at the end.
    async fn look_ahead(&mut self, last: Option<&Place>) -> Result<Option<Ahead>, DbErr> {
        let rows = match self.way() {
            Way::Database => self.chunk_size,
            Way::Here => self.chunk_size.min(MAX_ROWS_HERE),
        };
        let backend = self.plan.backend;
        let mut keys = keys_behind::<E>(last, backend);
        if let Some(forms) = &self.plan.forms {
            let unknown = Expr::case(forms.is_unknown(&self.plan.table), 1).finally(0);
            keys.expr_as(unknown, Alias::new(UNKNOWN));
        }
        let found = read(&self.db, &keys, rows).await?;
        let places = found.iter().map(|row| Place::of::<E>(row, backend));
        let places: Vec<Place> = places.collect::<Result<_, DbErr>>()?;
        let Some(last) = places.last().cloned() else { return Ok(None) };
        let ids = places.iter().map(|place| place.record_id.clone());
        let unknown = if self.plan.forms.is_some() {
            let unknown = found.iter().map(|row| row.try_get::<i32>("", UNKNOWN));
            let unknown = unknown.collect::<Result<Vec<_>, DbErr>>()?;
            ids.zip(unknown).filter_map(|(id, unknown)| (unknown == 1).then_some(id)).collect()
        } else {
            encoded::unknown(&self.db, &self.plan.table, ids.collect()).await?
        };
        Ok(Some(Ahead { last, rows: places.len() as u64, unknown, places }))
    }

    async fn chunk(&mut self, from: Option<Place>, ahead: &Ahead) -> Result<(), DbErr> {
        let locked = self.write(from, ahead).await?;
        // What others held: each by itself, so that no lock of ours is held meanwhile.
        let busy: Vec<_> = ahead.unknown_among(&ahead.places);
        for place in busy.iter().filter(|place| !locked.contains(&place.record_id)) {
            self.write_one(place, false).await?;
        }
        Ok(())
    }

    async fn write_one(&mut self, place: &Place, all: bool) -> Result<u64, DbErr> {
        let before = self.report.written;
        let range = Range::Only(place.clone());
        let lot = Arc::new(Lot { range, unknown: Vec::new(), all });
        if self.write_by_database(&lot).await?.is_none() {
            self.write_by(Way::Here, &lot).await?;
        }
        Ok(self.report.written - before)
    }

    /// Writes the rows that are ahead, and tells which of them it could lock.
    async fn write(
        &mut self,
        from: Option<Place>,
        ahead: &Ahead,
    ) -> Result<HashSet<String>, DbErr> {
        let lot = |from, places: &[Place], last: &Place| {
            let range = Range::Between(from, last.clone());
            Arc::new(Lot { range, unknown: ahead.unknown_among(places), all: false })
        };
        let whole = lot(from.clone(), &ahead.places, &ahead.last);
        if let Some(done) = self.write_by_database(&whole).await? {
            return Ok(done.locked);
        }
        let (mut from, mut locked) = (from, HashSet::new());
        for places in ahead.places.chunks(MAX_ROWS_HERE as usize) {
            let Some(last) = places.last() else { break };
            let part = lot(from.replace(last.clone()), places, last);
            let done = self.write_by(Way::Here, &part).await?;
            locked.extend(done.into_iter().flat_map(|done| done.locked));
        }
        Ok(locked)
    }

    /// None if the database cannot do it, for another reason than a conflict.
    async fn write_by_database(&mut self, lot: &Arc<Lot>) -> Result<Option<Done>, DbErr> {
        if self.way() == Way::Here {
            return Ok(None);
        }
        let mut done = self.write_by(Way::Database, lot).await;
        if matches!(done, Ok(None)) {
            // Somebody has inserted a row there, which is locked with the others next time.
            done = self.write_by(Way::Database, lot).await;
        }
        let error = match done {
            Ok(Some(done)) => {
                self.failures = 0;
                return Ok(Some(done));
            }
            Err(error) if DatabaseError::is_conflict(&error) => return Err(error),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        self.failures += 1;
        let error = error.as_ref().map(tracing::field::display);
        tracing::debug!(table = self.plan.table, error, "baseline: these rows are encoded here");
        Ok(None)
    }

    /// See [`chunk::write`].
    async fn write_by(&mut self, way: Way, lot: &Arc<Lot>) -> Result<Option<Done>, DbErr> {
        let mut attempts = Attempts::default();
        let done = loop {
            match chunk::write::<E>(&self.db, &self.plan, lot, way).await {
                Err(error) if attempts.again(&error).await => {}
                done => break done?,
            }
        };
        if let Some(done) = &done {
            self.report.written += done.written;
            if done.way == Way::Here {
                self.report.encoded_here += done.written;
            }
        }
        Ok(done)
    }

    /// See [`closing`].
    async fn close(&mut self) -> Result<(), DbErr> {
        if !closing::is_needed(&self.db, &self.plan.table).await? {
            return Ok(());
        }
        let mut last: Option<Place> = None;
        loop {
            let keys = keys_behind::<E>(last.as_ref(), self.plan.backend);
            let rows = read(&self.db, &keys, 1).await?;
            let Some(row) = rows.first() else { return Ok(()) };
            let place = Place::of::<E>(row, self.plan.backend)?;
            if self.write_one(&place, true).await? > 0 {
                return Ok(());
            }
            // It went away meanwhile.
            last = Some(place);
        }
    }
}

/// The number stands in the text: a limit that is told later may be planned for as a tenth of the table.
async fn read(
    db: &DatabaseConnection,
    keys: &SelectStatement,
    limit: u32,
) -> Result<Vec<QueryResult>, DbErr> {
    let mut statement = StatementBuilder::build(keys, &db.get_database_backend());
    write!(statement.sql, " LIMIT {limit}").map_err(|error| DbErr::Custom(error.to_string()))?;
    let mut attempts = Attempts::default();
    loop {
        match db.query_all_raw(statement.clone()).await {
            Err(error) if attempts.again(&error).await => {}
            done => return done,
        }
    }
}
