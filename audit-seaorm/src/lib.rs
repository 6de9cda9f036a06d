//! A complete, true and attributable history of what a `SeaORM` 2 application writes.
//!
//! Three steps: derive [`Auditable`] on an entity, run the migration of `audit-migration`, open an
//! [`AuditContext`] around what a user does. From then on every create, update and delete of the
//! entity leaves an entry that commits with it, and [`AuditTrail`] reads it back.
//!
//! ```
//! use audit_seaorm::{AuditContext, AuditTrail, AuditUser};
//! use sea_orm::{ActiveValue::Set, Database, DbErr, IntoActiveModel};
//! use audit_migration::{Migrator, MigratorTrait};
//!
//! mod post {
//!     use audit_seaorm::Auditable;
//!     use sea_orm::entity::prelude::*;
//!
//!     #[sea_orm::model]
//!     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
//!     #[sea_orm(table_name = "post")]
//!     pub struct Model {
//!         #[sea_orm(primary_key)]
//!         pub id: i32,
//!         pub title: String,
//!         #[auditable(redact)]
//!         pub token: Option<String>,
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
//! let db = Database::connect("sqlite::memory:").await?;
//! # db.get_schema_builder().register(post::Entity).apply(&db).await?;
//! Migrator::up(&db, None).await?;
//!
//! let ann = AuditUser::new("42").email("ann@example.com");
//! AuditContext::new().user(ann).scope(async {
//!     let post = post::ActiveModel { title: Set("Draft".to_owned()), ..Default::default() };
//!     let mut post = post.insert(&db).await?.into_active_model();
//!     post.title = Set("Final".to_owned());
//!     post.update(&db).await
//! }).await?;
//!
//! let trail = AuditTrail::find_for_record(&db, post::Entity, 1).await?;
//! assert_eq!(trail[0].user_id.as_deref(), Some("42"));
//! assert_eq!(trail[0].old_values.as_ref().unwrap()["title"], "Draft");
//! assert_eq!(trail[0].new_values.as_ref().unwrap()["title"], "Final");
//! # Ok(())
//! # }
//! ```
//!
//! # From the derive to production
//!
//! 1. **Entities.** [`derive@Auditable`] on each entity that is to be audited, `#[auditable(redact)]` on what nobody may read later.
//!    Code that writes stays as it is. Hooks of your own stay, under [`macro@audited`].
//! 2. **The table.** `audit_migration::migrations()` first in your migrator, and where the database itself is to refuse changes
//!    of the trail, `append_only()` behind them. On `PostgreSQL` there is `partition_by_month()`, too.
//! 3. **Who.** [`AuditContext::scope`] around each request and each job; in axum and tonic the layer of the feature `tower` does it.
//!    [`spawn`] carries it into tasks.
//! 4. **What.** [`AuditConfig`]: tables left out, columns redacted, what happens when an entry cannot be stored. Install one, in
//!    code or from the environment.
//! 5. **A guard.** [`AuditConnection`] around the pool refuses what would go past the trail, and says what to write instead:
//!    [`Entity::audited()`](mod@audited) for many rows, [`AuditTransaction`] for many writes.
//! 6. **Rows that are older.** [`AuditTrail::baseline`], once for each table, writes into the trail how they stand.
//! 7. **Reading.** [`find_for_record`](AuditTrail::find_for_record), [`query`](AuditTrail::query),
//!    [`history`](AuditTrail::history), [`as_of`](AuditTrail::as_of), [`blame`](AuditTrail::blame),
//!    [`top_users`](AuditTrail::top_users); [`restore`](AuditTrail::restore) takes changes back. The feature `viewer` has a page for
//!    people.
//! 8. **Keeping it.** Everything is kept for ever, unless a [`Retention`] sets limits, which [`AuditUpkeep`] applies;
//!    [`AuditTrail::verify`] holds the trail against the rows; [`AuditTrail::health`] and the feature `metrics` tell whether it works. [`AuditWriter`] takes entries out of the
//!    way of writes, for a price.
//!
//! The start of an application, then:
//!
//! ```standalone_crate
//! use audit_migration::{Migrator, MigratorTrait};
//! use audit_seaorm::{AuditConfig, AuditConnection, AuditTrail, AuditUpkeep, UpkeepHandle};
//! use sea_orm::Database;
//!
//! async fn start(url: &str) -> Result<(AuditConnection, UpkeepHandle), Box<dyn std::error::Error>> {
//!     AuditConfig::from_env()?.redact("user", ["password"]).install()?;
//!     let pool = Database::connect(url).await?;
//!     Migrator::up(&pool, None).await?; // or your own, with ours in it
//!     // Once a day, by whichever instance comes first. It deletes nothing unless a retention is set.
//!     let upkeep = AuditUpkeep::new(&pool).start();
//!     let db = AuditConnection::new(pool); // pass this on in the place of the pool
//!     if !AuditTrail::health(&db).await.is_working() {
//!         return Err("no entry can be stored".into());
//!     }
//!     Ok((db, upkeep))
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (_, upkeep) = start("sqlite::memory:").await?;
//! # upkeep.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The repository's `docs/` has more: guarantees with their tests, every write path, operations, the security model.
//!
//! # How a change becomes an entry
//!
//! `ActiveModel::update(&db)` of an audited entity runs the user's own before-hook, opens a
//! transaction (on a pool) or a savepoint (on a transaction), reads the before-image under a row
//! lock, lets `SeaORM` write, takes the after-image, stores the entry on the same connection,
//! commits, and runs the user's own after-hook. Whatever fails or is cancelled on the way takes row
//! and entry with it.
//!
//! # What it does not see
//!
//! What the database does by itself: cascades, triggers, functions, views; and other programs.
//! [`AuditTrail::verify`] finds what they changed, and [`AuditTrail::record`] takes such a change by hand.
//!
//! `SeaORM`'s own builders and raw SQL call no hook. `Entity::audited()` has the same builders, recorded: see
//! [`audited`](mod@audited). An [`AuditConnection`] around the pool refuses what goes past them, and an
//! [`AuditTransaction`] does so by itself. The repository's `docs/write-paths.md` has every write path, one by
//! one.
//!
//! # Generic code
//!
//! Code that knows only `SeaORM`'s traits (`fn f<A: ActiveModelTrait>(..)`) meets the hooks instead of
//! the methods above. Its updates are recorded as theirs are. So are its inserts and deletes on a
//! transaction, except that a hook cannot put a savepoint around them: if one of them fails or is
//! dropped half-way, roll the transaction back. On a bare pool they cannot be made one with their
//! entries and follow [`AuditConfig::on_escape`]: refused by default, with an error that says what to
//! write.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `macros` | yes | `#[derive(Auditable)]`, `#[audited]` |
//! | `stream` | yes | [`AuditTransaction`] streams, as `SeaORM`'s own transactions do |
//! | `with-rust_decimal`, `with-time` | yes | columns of these types, as in `SeaORM`'s own defaults |
//! | `metrics` | no | counters, gauges and histograms through the `metrics` facade: see [`metrics`](https://docs.rs/audit-seaorm/latest/audit_seaorm/metrics) |
//! | `tower` | no | [`AuditLayer`](https://docs.rs/audit-seaorm/latest/audit_seaorm/struct.AuditLayer.html): a context for each request of axum, tonic and whatever else is built on tower and http |
//! | `axum` | no | the same, with the client's address from axum's `ConnectInfo` |
//! | `viewer` | no | [`AuditViewer`](https://docs.rs/audit-seaorm/latest/audit_seaorm/struct.AuditViewer.html): the history page, a router for axum |
//! | `rbac` | no | `SeaORM`'s `RestrictedConnection` and `RestrictedTransaction` are recorded on; the role needs `insert` on `audit_trail`, and `select` on what it changes |
//! | `with-bigdecimal`, `with-ipnetwork`, `with-mac_address`, `postgres-array`, `postgres-vector` | no | columns of these types: switch on what you switch on in `SeaORM` |
//!
//! No database driver is switched on.

#[cfg(test)]
extern crate self as audit_seaorm;

#[doc(hidden)]
pub mod __private;
mod auditable;
pub mod audited;
mod capture;
mod chunk;
mod database_clock;
mod database_error;
pub mod encode;
mod engine;
pub mod entity;
mod error;
mod found;
mod guard;
mod health;
mod measure;
mod own_transaction;
mod read_row;
mod record;
mod redaction;
mod registry;
mod rules;
mod search_path;
mod sql_text;
mod stored;
mod trail;
mod transaction;
mod upkeep;
#[cfg(feature = "viewer")]
mod viewer;
mod writer;

#[cfg(feature = "tower")]
pub use audit_core::{
    AddressRange, AsyncUser, AuditBody, AuditFuture, AuditLayer, AuditService,
    ParseAddressRangeError, ProxyHeader, UserExtractor,
};
pub use audit_core::{
    AuditConfig, AuditContext, AuditEntry, AuditUser, Background, Change, ConfigError, Escape,
    FailurePolicy, FieldChange, FieldRule, Image, InAuditContext, Limits, Listing, Operation,
    Printable, PrintableValue, REDACTED, RequireUser, Retention, Unreadable, UnreadableReason,
    WhenFull, spawn, spawn_blocking,
};
#[cfg(feature = "macros")]
pub use audit_seaorm_macros::{Auditable, audited};
pub use auditable::{AuditHooks, Auditable, FormerName, RestoreRule};
pub use guard::{AuditConnection, AuditPool, Cascade};
pub use health::{Health, HealthProblem, TrailSize};
#[cfg(feature = "metrics")]
pub use measure::names as metrics;
pub use trail::{
    ActivityBucket, AllTables, AuditQuery, AuditTrail, Baseline, BaselineReport, Blame, Bucket,
    Cursor, DEFAULT_LIMIT, DEFAULT_TOP, Diff, FieldRestore, Finding, FindingKind, Gap, GapReason,
    Incomplete, MAX_BUCKETS, OperationStats, Page, ParseCursorError, RecordActivity, RecordRestore,
    Restore, RestoreError, RestorePlan, Revision, State, StatesAsOf, TableActivity, TableInfo,
    TableOutcome, UserActivity, Verification,
};
pub use transaction::AuditTransaction;
pub use upkeep::{
    AuditUpkeep, Partition, Prune, PrunePlan, Pruned, Turn, UpkeepError, UpkeepHandle, UpkeepReport,
};
#[cfg(feature = "viewer")]
pub use viewer::{Admission, AsyncGuard, AuditViewer, ViewerGuard};
pub use writer::{
    AuditCounters, AuditWriter, AuditWriterStatus, JsonLinesFile, LastResort, Reason, Replayed,
    Unwritten,
};
