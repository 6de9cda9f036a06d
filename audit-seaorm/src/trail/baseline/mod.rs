//! The present state of a table, written into its trail: what is older than the trail becomes known.
//!
//! Chunk by chunk along the primary key ([`run`]), each in a short transaction of its own ([`chunk`]), by the
//! database's own `INSERT … SELECT` ([`insert`], [`sql`]) or, where it cannot write a type as the encoder does, by
//! rows that are encoded here ([`encoded`]).

mod chunk;
mod closing;
mod encoded;
mod insert;
mod place;
mod plan;
mod report;
mod retry;
mod run;
mod sql;

use std::{fmt, marker::PhantomData};

use sea_orm::DbErr;

pub use self::report::BaselineReport;
use super::AuditTrail;
use crate::{AuditPool, Auditable};

/// How many rows are a chunk unless [`Baseline::chunk_size`] is called.
const CHUNK: u32 = 10_000;

impl AuditTrail {
    /// Writes the rows of a table that the trail does not know yet into the trail, each as a BASELINE entry: "at this
    /// moment the record stood thus". From then on [`as_of`](Self::as_of), [`verify`](Self::verify) and
    /// [`restore`](Self::restore) work for rows that are older than the trail, or than what is left of it.
    ///
    /// It is for a table of any size, while the application writes: see [`Baseline`].
    ///
    /// ```
    /// use audit_seaorm::{AuditContext, AuditTrail};
    /// # use audit_migration::MigratorTrait;
    /// use chrono::Utc;
    /// # use sea_orm::{ConnectionTrait, Database, DbErr};
    /// # mod post {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    /// #     #[sea_orm(table_name = "post")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub title: String,
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// db.execute_unprepared("INSERT INTO post (title) VALUES ('older'), ('than the trail')").await?;
    /// assert!(!AuditTrail::verify(&db, post::Entity).await?.is_clean());
    ///
    /// let baseline = AuditTrail::baseline(post::Entity)
    ///     .reason("the trail begins")
    ///     .on_progress(|so_far| println!("{so_far}"));
    /// let report = baseline.exec(&db).await?;
    /// assert_eq!(report.to_string(), "post: 2 rows written, 0 known already, in 1 chunk");
    ///
    /// assert!(AuditTrail::verify(&db, post::Entity).await?.is_clean());
    /// let then = AuditTrail::as_of(&db, post::Entity, 1, Utc::now()).await?;
    /// assert_eq!(then.unwrap().title, "older");
    ///
    /// let again = AuditTrail::baseline(post::Entity).exec(&db).await?;
    /// assert_eq!((again.written, again.known), (0, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn baseline<E: Auditable>(entity: E) -> Baseline<E> {
        let _ = entity;
        Baseline { chunk_size: CHUNK, reason: None, progress: None, entity: PhantomData }
    }
}

type OnProgress = Box<dyn FnMut(&BaselineReport) + Send>;

/// A baseline of a table, made by [`AuditTrail::baseline`].
///
/// # Which rows
///
/// Those of records whose entries have no CREATE and no BASELINE since their last DELETE. So a second run writes
/// nothing, and a run that ended half-way, killed or not, is resumed by running it again: what is done is passed over
/// quickly. What the entity and the configuration redact or skip is redacted or skipped here as well. Of several
/// entities of one table take the one that has all columns, for an entry has those of its entity.
///
/// # While the application writes
///
/// Each chunk is a transaction of its own, which locks its rows, takes the time, and writes them. Whoever wants
/// to write one of them waits for that long. A row that somebody else holds is left out and comes after its chunk, by
/// itself, so that a baseline never waits with locks in its hands: it cannot be part of a deadlock. (Such a row is
/// waited for as long as its transaction takes.) On `SQLite`, where there is one writer at a time, a chunk is one.
/// `PostgreSQL`, `MariaDB` from 10.6 and `MySQL` 8 can do that.
///
/// What has been committed and has no entry yet is not known to it. Entries that wait in a queue must be
/// written before it begins.
///
/// If a row that is older than the trail was deleted while the baseline ran, the last thing written is one more
/// BASELINE, of any row: the last one of a table is up to when [`verify`](AuditTrail::verify) takes such records for
/// older than the trail.
///
/// # How
///
/// By `INSERT … SELECT`, with values in the form that other entries have. Where the database cannot write that form
/// the rows are read, encoded here and inserted: always if there are columns of `f32` on `MariaDB`, of floats or
/// decimals on `SQLite`, of IP or MAC addresses, vectors, most arrays, or of a type in your own words
/// (`custom`), or a key of another type than integers, texts, enums and UUIDs; and chunk by chunk if a row of it has a
/// value that only the encoder can write.
#[must_use = "nothing is written until it is executed: `exec`"]
pub struct Baseline<E> {
    chunk_size: u32,
    reason: Option<String>,
    progress: Option<OnProgress>,
    entity: PhantomData<fn() -> E>,
}

impl<E> fmt::Debug for Baseline<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baseline")
            .field("chunk_size", &self.chunk_size)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl<E: Auditable> Baseline<E> {
    /// How many rows are one transaction. Smaller ones keep writers waiting for less. Defaults to 10,000.
    pub fn chunk_size(mut self, rows: u32) -> Self {
        self.chunk_size = rows.max(1);
        self
    }

    /// Why, for [`AuditEntry::reason`](crate::AuditEntry::reason). Defaults to that of the context.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Called after each chunk with what has been done so far. Defaults to nothing.
    pub fn on_progress(mut self, progress: impl FnMut(&BaselineReport) + Send + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Writes the baseline, in the name of the user in whose context it runs.
    ///
    /// It takes a pool, a `DatabaseConnection` or an `AuditConnection`, for the sake of its many transactions. Entries
    /// of one chunk share a [`transaction_id`](crate::AuditEntry::transaction_id), and often a time.
    ///
    /// # Errors
    ///
    /// Those of the database, after some attempts if it is about a conflict with others; if the table is
    /// excluded or the task is inside of [`AuditContext::without_audit`](crate::AuditContext::without_audit), since
    /// nothing would be recorded then; if a rule hides the primary key; a row that does not fit the entity. Chunks
    /// that are done stay.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the chunk that is under way comes to its end. What is missing comes with the next run.
    pub async fn exec(self, db: &impl AuditPool) -> Result<BaselineReport, DbErr> {
        run::run::<E>(self, db.guarded().into_inner()).await
    }
}
