use std::{collections::HashSet, marker::PhantomData, sync::Arc};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, QueryResult, StatementBuilder,
    sea_query::{Alias, Expr, SelectStatement},
};

use super::{
    Baseline, BaselineReport, OnProgress,
    chunk::{self, Done, Way},
    closing, encoded,
    place::{Place, Range, keys_behind},
    plan::Plan,
    retry::{is_conflict, retried},
};
use crate::Auditable;

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
    run.all_rows().await?;
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
    async fn look_ahead(&self, last: Option<&Place>) -> Result<Option<Ahead>, DbErr> {
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
        let found = retried(async || self.read(&keys, rows).await).await?;
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

    /// The number stands in the text: a limit that is told later may be planned for as a tenth of the table.
    async fn read(&self, keys: &SelectStatement, limit: u32) -> Result<Vec<QueryResult>, DbErr> {
        let mut statement = StatementBuilder::build(keys, &self.plan.backend);
        statement.sql.push_str(&format!(" LIMIT {limit}"));
        self.db.query_all_raw(statement).await
    }

    async fn chunk(&mut self, from: Option<Place>, ahead: &Ahead) -> Result<(), DbErr> {
        let locked = self.write(from, &ahead.places, false).await?;
        // What others held: each by itself, so that no lock of ours is held meanwhile.
        let busy = |place: &&Place| {
            ahead.unknown.contains(&place.record_id) && !locked.contains(&place.record_id)
        };
        for place in ahead.places.iter().filter(busy) {
            self.write_one(place, false).await?;
        }
        Ok(())
    }

    async fn write_one(&mut self, place: &Place, all: bool) -> Result<u64, DbErr> {
        let before = self.report.written;
        let only = Range::Only(place.clone());
        if self.write_by_database(&only, all).await?.is_none() {
            self.write_by(Way::Here, &only, all).await?;
        }
        Ok(self.report.written - before)
    }

    /// Writes the rows up to the last one of `places`, and tells which of them it could lock.
    async fn write(
        &mut self,
        from: Option<Place>,
        places: &[Place],
        all: bool,
    ) -> Result<HashSet<String>, DbErr> {
        let Some(last) = places.last() else { return Ok(HashSet::new()) };
        let range = Range::Between(from.clone(), last.clone());
        if let Some(done) = self.write_by_database(&range, all).await? {
            return Ok(done.locked);
        }
        let (mut from, mut locked) = (from, HashSet::new());
        for places in places.chunks(MAX_ROWS_HERE as usize) {
            let Some(last) = places.last() else { break };
            let range = Range::Between(from.replace(last.clone()), last.clone());
            locked.extend(self.write_by(Way::Here, &range, all).await?.locked);
        }
        Ok(locked)
    }

    /// None if the database cannot do it, for another reason than a conflict.
    async fn write_by_database(
        &mut self,
        range: &Range,
        all: bool,
    ) -> Result<Option<Done>, DbErr> {
        if self.way() == Way::Here {
            return Ok(None);
        }
        match self.write_by(Way::Database, range, all).await {
            Ok(done) => {
                self.failures = 0;
                Ok(Some(done))
            }
            Err(error) if is_conflict(&error) => Err(error),
            Err(error) => {
                self.failures += 1;
                let table = &self.plan.table;
                tracing::debug!(table, %error, "baseline: these rows are encoded here");
                Ok(None)
            }
        }
    }

    async fn write_by(&mut self, way: Way, range: &Range, all: bool) -> Result<Done, DbErr> {
        let write = async || chunk::write::<E>(&self.db, &self.plan, range, way, all).await;
        let done = retried(write).await?;
        self.report.written += done.written;
        if way == Way::Here {
            self.report.encoded_here += done.written;
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
            let rows = retried(async || self.read(&keys, 1).await).await?;
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
