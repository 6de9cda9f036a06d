//! The harness of the one test suite.
//!
//! Every test is an `async fn(TestDb)` that panics to fail. It runs once on each backend, each
//! time with an empty database of its own:
//!
//! ```
//! // suite/capture.rs, listed in suite/main.rs
//! use audit_tests::TestDb;
//!
//! audit_tests::tests! {
//!     insert_leaves_one_create_entry,
//!     #[only(Postgres)] array_column_is_kept,
//!     #[once] derive_names_the_wrong_attribute,
//!     #[alone] cancelled_saves_leave_no_memory,
//!     #[only(Sqlite)] #[browser] a_page_can_be_read,
//! }
//!
//! async fn insert_leaves_one_create_entry(t: TestDb) { /* … */ }
//! async fn array_column_is_kept(t: TestDb) { /* … */ }
//! async fn derive_names_the_wrong_attribute() { /* no database */ }
//! async fn cancelled_saves_leave_no_memory(t: TestDb) { /* nothing else runs meanwhile */ }
//! async fn a_page_can_be_read(t: TestDb) { /* through the browser at `audit_tests::browser::url()` */ }
//! ```
//!
//! `tests/run` starts the servers and sets these variables; `cargo test` alone needs them set:
//!
//! | Variable | Meaning |
//! |---|---|
//! | `AUDIT_TEST_POSTGRES_URL`, `AUDIT_TEST_MARIADB_URL` | a server on which databases may be created |
//! | `AUDIT_TEST_WEBDRIVER_URL`, `AUDIT_TEST_AXE` | a WebDriver for Chromium, and the file `axe.min.js` of axe-core |
//! | `AUDIT_TEST_SKIP` | backends, and `browser`, that may stay untested, comma-separated; any other missing one fails the run |
//! | `AUDIT_TEST_LONG` | set: long versions of the tests, see [`long`] |
//! | `AUDIT_TEST_SEED` | the seed of the one random history that `property` replays |
//! | `AUDIT_TEST_SUMMARY` | a file that gets the summary lines instead of stdout |

#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a panic is how a test fails")]

pub mod answer;
mod backend;
pub mod browser;
mod database;
pub mod logs;
pub mod memory;
mod runner;
mod test;
pub mod wire;

pub use backend::Backend;
pub use database::{TestDb, connect};
pub use runner::run;
pub use test::Test;

/// Whether the long versions of the tests were asked for (`tests/run --long`).
#[must_use]
pub fn long() -> bool {
    std::env::var_os("AUDIT_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// The README's code runs as it stands there.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// So does that of the page on operations.
#[cfg(doctest)]
#[doc = include_str!("../../docs/operations.md")]
struct Operations;
