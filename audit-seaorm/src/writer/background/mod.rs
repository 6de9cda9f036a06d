//! Entries written after the commit of their change, by a task of its own.

mod backlog;
mod consumer;
mod doubt;
mod evidence;
mod held;
mod json_lines;
mod last_resort;
mod patience;
mod queue;
mod replay;
mod rest;
mod secret_file;
mod slot;
mod state;
mod status;
mod store;

use std::{any::Any, fmt, sync::Arc};

use audit_core::{AuditConfig, Background, BackgroundWriter};

pub(crate) use self::{backlog::Backlog, held::Held, slot::Slot};
pub use self::{
    json_lines::JsonLinesFile,
    last_resort::{LastResort, Reason},
    replay::Replayed,
    status::{AuditWriterStatus, Unwritten},
};
use self::{queue::Queue, state::Phase};
use crate::AuditPool;

/// Writes entries in the background, in batches, after the commit of their changes.
///
/// An application chooses it by [`AuditConfig::background`](crate::AuditConfig::background), to take the entries out
/// of the way of its writes. It gives up that a change and its entry are one: a process that is killed loses what
/// is in the queue and under way.
///
/// ```
/// use audit_seaorm::{AuditConfig, AuditTrail, AuditWriter, Background, JsonLinesFile};
/// use sea_orm::{ActiveValue::Set, Database};
/// # use audit_migration::MigratorTrait;
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
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
/// # audit_migration::Migrator::up(&db, None).await?;
/// let last_resort = JsonLinesFile::open("audit-rest.jsonl")?;
/// let writer = AuditWriter::start(&db, Background::new().queue(10_000), last_resort);
/// AuditConfig::new().background(&writer).install()?;
///
/// let post = post::ActiveModel { title: Set("Draft".to_owned()), ..Default::default() };
/// post.insert(&db).await?; // its entry is in the queue
///
/// writer.flush().await?;
/// assert_eq!(AuditTrail::find_for_record(&db, post::Entity, 1).await?.len(), 1);
/// writer.shutdown().await?; // at the end of the program
/// # std::fs::remove_file("audit-rest.jsonl")?;
/// # Ok(())
/// # }
/// ```
///
/// # What goes through the queue
///
/// Changes whose commit is ours to see: a write on a pool or an [`AuditConnection`](crate::AuditConnection), also of
/// many rows, and an [`AuditTransaction`](crate::AuditTransaction). On a `DatabaseTransaction` of the caller's,
/// which may be rolled back, entries are written in it as ever. So are those for which there is no room, and those
/// that a large unit holds beyond a few megabytes.
///
/// # What holds
///
/// A change that did not commit has no entry. One that did has exactly one once [`flush`](Self::flush) or
/// [`shutdown`](Self::shutdown) has returned without an error, whatever became of the connection: the id of an entry
/// is its key, and what may have been written is asked for before it is tried again.
///
/// Where the answer to a `COMMIT` is lost, the writer looks at the rows and at what came after, and so learns what
/// became of it. It looks twice, the longest of the [`pauses`](Background::pauses) apart: other processes have written
/// their entries of the record by then. [`flush`](Self::flush) waits for that. It is right as long as every change of
/// the record is recorded, and no process takes longer to write its entry. Where it does not tell, as for a change of
/// nothing but redacted columns, or if no entity of this program finds the row, the entry goes to the last resort as
/// [`Reason::InDoubt`].
///
/// Entries that pass through the queue appear in the order of their changes, as far as one record is concerned.
/// Reads of the trail do not wait for the queue: flush it first, above all ahead of
/// [`AuditTrail::verify`](crate::AuditTrail::verify). An entry written directly may be there before an earlier one
/// that is queued; once that is written, the trail is in order, which is that of time and id.
///
/// # How it ends
///
/// `shutdown` writes all there is. From then on entries are written with their changes. Dropping every handle
/// stops nothing: the configuration has one, too. If the runtime on which it was started ends first, what is left
/// goes to the last resort, and entries are written with their changes from then on.
#[derive(Clone)]
pub struct AuditWriter {
    queue: Arc<Queue>,
}

impl AuditWriter {
    /// Starts a writer, as a task of the current runtime. What it cannot write goes to `last_resort`; see
    /// [`start_without_last_resort`](Self::start_without_last_resort) for none.
    ///
    /// It takes a connection of this pool when it writes. The database must be the one in which the changes are
    /// made.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its timer enabled.
    #[must_use]
    pub fn start(db: &impl AuditPool, settings: Background, last_resort: impl LastResort) -> Self {
        Self::spawn(db, settings, Some(Box::new(last_resort)))
    }

    /// Starts a writer that drops what it cannot write: that is counted, and an error is logged.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with its timer enabled.
    #[must_use]
    pub fn start_without_last_resort(db: &impl AuditPool, settings: Background) -> Self {
        Self::spawn(db, settings, None)
    }

    fn spawn(
        db: &impl AuditPool,
        settings: Background,
        last_resort: Option<Box<dyn LastResort>>,
    ) -> Self {
        let db = db.guarded().into_inner();
        let queue = Arc::new(Queue::new(db.get_database_backend(), settings, last_resort));
        consumer::spawn(db, &queue);
        Self { queue }
    }

    /// Waits until all entries are written whose changes have committed before this call, without waiting for
    /// their batches to fill. While the database is away that takes as long as [`Background::give_up`] says.
    ///
    /// # Errors
    ///
    /// If entries did not get into the table since this was last told: they are with the last resort, or lost.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the writer writes them all the same.
    pub async fn flush(&self) -> Result<(), Unwritten> {
        let before = self.queue.want_all();
        self.until(|queue| !queue.holds(before)).await
    }

    /// Takes no more entries, writes all there are, and stops. While the database is away that takes as long as
    /// [`Background::give_up`] says. Later changes have their entries written with them.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the writer takes no more all the same, writes what there is, and stops.
    pub async fn shutdown(&self) -> Result<(), Unwritten> {
        self.queue.close();
        self.until(|queue| queue.phase() == Phase::Ended).await
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> AuditWriterStatus {
        let load = self.queue.load();
        AuditWriterStatus {
            queued: load.queued,
            in_doubt: load.in_doubt,
            oldest: load.oldest,
            max_queue: self.queue.settings.max_queue(),
            is_running: load.phase != Phase::Ended,
        }
    }

    /// The writer that is in force, if there is one.
    pub(crate) fn of(config: &AuditConfig) -> Option<Self> {
        let handle = Arc::clone(config.background_writer()?);
        Some(Self { queue: handle.downcast().ok()? })
    }

    async fn until(&self, is_done: impl Fn(&Queue) -> bool) -> Result<(), Unwritten> {
        loop {
            // Made ahead of the look, so that nothing that leaves meanwhile is missed.
            let left = self.queue.left.notified();
            if is_done(&self.queue) {
                break;
            }
            left.await;
        }
        let unwritten = self.queue.rest.since_asked();
        if unwritten == Unwritten::default() { Ok(()) } else { Err(unwritten) }
    }
}

impl BackgroundWriter for AuditWriter {
    fn handle(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::<Queue>::clone(&self.queue)
    }
}

impl fmt::Debug for AuditWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditWriter").field("status", &self.status()).finish_non_exhaustive()
    }
}
