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

mod m20261123_000001_create_audit_trail;
mod m20261125_000001_append_only;
mod migrator;

use sea_orm_migration::MigrationTrait;

pub use m20261123_000001_create_audit_trail::CreateAuditTrail;
pub use m20261125_000001_append_only::AppendOnly;
pub use migrator::Migrator;
pub use sea_orm_migration::MigratorTrait;

/// All migrations of the audit trail, in order. `down` drops the trail with everything in it.
#[must_use]
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(CreateAuditTrail)]
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
