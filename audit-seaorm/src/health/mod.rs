//! Whether auditing works, and how large the trail has become.

mod probe;
mod report;
mod size;

use std::time::Duration;

use audit_core::AuditConfig;
use sea_orm::{DatabaseConnection, DbErr, prelude::DateTimeUtc};

pub use self::{
    report::{Health, HealthProblem},
    size::TrailSize,
};
use crate::{AuditCounters, AuditPool, AuditTrail, AuditWriter, capture::shield, upkeep};
pub(crate) use size::measured;

/// How long a database may take to answer before auditing counts as not working.
const PATIENCE: Duration = Duration::from_secs(5);

impl AuditTrail {
    /// Whether auditing works, and how far behind it is: for a health endpoint, or the start of a program.
    ///
    /// It stores an entry in a transaction that it rolls back, so that a missing table, a missing right or a full disk shows,
    /// and reads a few single rows; and it looks at the background writer of the configuration in force. It never fails: what it finds is in [`Health::problems`]. It takes five seconds at
    /// most.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing that lasts: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::AuditTrail;
    /// use sea_orm::{Database, DbErr};
    /// # use audit_migration::MigratorTrait;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// let db = Database::connect("sqlite::memory:").await?;
    /// let health = AuditTrail::health(&db).await;
    /// assert!(!health.is_working());
    /// assert!(health.to_string().contains("the table audit_trail does not exist"));
    ///
    /// audit_migration::Migrator::up(&db, None).await?;
    /// assert!(AuditTrail::health(&db).await.is_working());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn health(db: &impl AuditPool) -> Health {
        let db = db.guarded().into_inner();
        let writer = AuditWriter::of(&AuditConfig::current()).map(|writer| writer.status());
        let mut health = Health::new(AuditCounters::now(), writer);
        let look = shield::run(async move { Ok(db) }, look);
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(Ok(seen)) => health.see(seen),
            Ok(Err(error)) => health.problems.push(HealthProblem::CannotWrite(error.to_string())),
            Err(_) => health.problems.push(HealthProblem::NoAnswer(PATIENCE)),
        }
        health
    }
}

/// What the database tells.
#[derive(Clone, Copy)]
struct Seen {
    newest_entry: Option<DateTimeUtc>,
    months_ahead: Option<u32>,
    last_upkeep: Option<DateTimeUtc>,
}

async fn look(db: DatabaseConnection) -> Result<Seen, DbErr> {
    probe::store_and_take_back(&db).await?;
    Ok(Seen {
        newest_entry: probe::newest_entry(&db).await?,
        months_ahead: upkeep::months_ahead(&db).await?,
        last_upkeep: upkeep::last_run(&db).await,
    })
}
