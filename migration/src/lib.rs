//! The table of the audit trail, as migrations for `SQLite`, `PostgreSQL` and `MariaDB`.
//!
//! Inside the application's own migrator, first, so that a migration that writes audited rows finds it:
//!
//! ```
//! use sea_orm_migration::prelude::*;
//!
//! struct Migrator;
//!
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         let mut migrations = audit_migration::migrations();
//!         migrations.extend([/* your own */] as [Box<dyn MigrationTrait>; 0]);
//!         migrations
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
//! # let db = sea_orm_migration::sea_orm::Database::connect("sqlite::memory:").await?;
//! Migrator::up(&db, None).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Or alone, with [`Migrator`], which keeps its own book so that it meets no other migrator:
//!
//! ```
//! use audit_migration::{Migrator, MigratorTrait};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sea_orm_migration::DbErr> {
//! # let db = sea_orm_migration::sea_orm::Database::connect("sqlite::memory:").await?;
//! Migrator::up(&db, None).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A released migration is never edited: what changes later comes as a further one.

mod checks;
mod m20261123_000001_create_audit_trail;
mod m20261125_000001_append_only;
mod m20261126_000001_partition_by_month;
mod m20261126_000002_create_schedule;
mod migrator;

use sea_orm_migration::MigrationTrait;

pub use m20261123_000001_create_audit_trail::CreateAuditTrail;
pub use m20261125_000001_append_only::AppendOnly;
pub use m20261126_000001_partition_by_month::PartitionByMonth;
pub use m20261126_000002_create_schedule::CreateSchedule;
pub use migrator::Migrator;
pub use sea_orm_migration::MigratorTrait;

/// All migrations of the audit trail, in order. `down` drops the trail with everything in it.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(CreateAuditTrail), Box::new(CreateSchedule)]
}

/// A migration to put behind [`migrations`] where the database itself is to keep entries from being changed or deleted:
/// see [`AppendOnly`].
///
/// ```
/// use sea_orm_migration::prelude::*;
///
/// struct Migrator;
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         let mut migrations = audit_migration::migrations();
///         migrations.push(audit_migration::append_only());
///         migrations
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
/// # let db = sea_orm_migration::sea_orm::Database::connect("sqlite::memory:").await?;
/// Migrator::up(&db, None).await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn append_only() -> Box<dyn MigrationTrait> {
    Box::new(AppendOnly)
}

/// A migration to put behind [`migrations`] where `PostgreSQL` is to keep the trail in parts, one for each month: old ones go
/// at once, however many entries they have, and indexes stay small. With [`append_only`] in either order.
///
/// It makes a new table partitioned, and converts one that has entries already while others write: see
/// [`PartitionByMonth`]. It runs outside of the migrator's transaction, and can be run again after a failure.
/// `AuditTrail::create_partitions` of `audit-seaorm`, or its `AuditUpkeep`, makes the months to come.
///
/// It refuses to run where it would break something: a view of the trail, a foreign key to it, a unique index without
/// the time, a row security policy, a publication. Anywhere but on `PostgreSQL` it fails, and says what to use instead:
///
/// ```
/// use sea_orm_migration::prelude::*;
///
/// struct Migrator;
///
/// impl MigratorTrait for Migrator {
///     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
///         let mut migrations = audit_migration::migrations();
///         migrations.push(audit_migration::partition_by_month());
///         migrations
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
/// # let db = sea_orm_migration::sea_orm::Database::connect("sqlite::memory:").await?;
/// let error = Migrator::up(&db, None).await.unwrap_err().to_string(); // on SQLite
/// assert!(error.contains("let AuditTrail::prune delete what is too old"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn partition_by_month() -> Box<dyn MigrationTrait> {
    Box::new(PartitionByMonth)
}
