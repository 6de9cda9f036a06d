//! What an audit trail is made of, without a database and without an ORM.
//!
//! Depend on this crate if you read entries, carry the context into a task of your own, or write an
//! adapter for another ORM. An application that uses `SeaORM` depends on `audit-seaorm`, which
//! re-exports everything here.
//!
//! - [`AuditContext`]: who acts and why, carried by the task.
//! - [`AuditConfig`]: what is recorded, and what happens when it cannot be.
//! - [`Change`] becomes an [`AuditEntry`] by [`Policy::apply`], a pure function.
//!
//! ```
//! use audit_core::{AuditContext, AuditUser};
//!
//! let user = AuditContext::new()
//!     .user(AuditUser::new("42").email("ann@example.com"))
//!     .sync_scope(AuditContext::current_user);
//! assert_eq!(user.unwrap().id(), "42");
//! assert!(AuditContext::current().is_none());
//! ```
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `tower` | no | [`AuditLayer`](https://docs.rs/audit-core/latest/audit_core/struct.AuditLayer.html): a context for each request of axum, tonic and whatever else is built on tower and http |
//! | `axum` | no | the same, with the client's address from axum's `ConnectInfo` |

mod background;
mod change;
mod clock;
mod config;
mod context;
mod diff;
mod entry;
mod env;
mod error;
mod field_change;
mod listing;
mod number;
mod operation;
mod policy;
mod printable;
mod retention;
mod scope;
mod spawn;
mod tables;
#[cfg(test)]
mod tests;
mod unreadable;
mod user;
#[cfg(feature = "tower")]
mod web;

pub use background::{Background, BackgroundWriter, WhenFull};
pub use change::{Change, Image};
pub use clock::Stamp;
pub use config::{AuditConfig, Escape, FailurePolicy, RequireUser};
pub use context::AuditContext;
pub use diff::same_json;
pub use entry::AuditEntry;
pub use error::{ConfigError, PolicyError, Problem};
pub use field_change::FieldChange;
pub use listing::Listing;
pub use operation::{Operation, ParseOperationError};
pub use policy::{FieldRule, MAX_RECORD_ID_CHARS, Policy, REDACTED, RecordedChange};
pub use printable::{Printable, PrintableValue};
pub use retention::{Limits, Retention};
pub use scope::is_paused;
pub use spawn::{InAuditContext, spawn, spawn_blocking};
pub use tables::KnownTables;
pub use unreadable::{Unreadable, UnreadableReason};
pub use user::AuditUser;
#[cfg(feature = "tower")]
pub use web::{
    AddressRange, AsyncUser, AuditBody, AuditFuture, AuditLayer, AuditService,
    ParseAddressRangeError, ProxyHeader, UserExtractor,
};
