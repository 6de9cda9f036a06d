#![allow(
    unsafe_code,
    reason = "SQLite reports its statements to a C function, and SQLx has no other way"
)]

use std::{
    ffi::{c_int, c_uint, c_void},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use libsqlite3_sys::{SQLITE_OK, SQLITE_TRACE_STMT, sqlite3_trace_v2};
use sea_orm::sqlx::SqlitePool;

use crate::Result;

/// Counts the statements that `SQLite` begins to run.
pub(crate) struct Trace {
    counter: &'static Arc<AtomicU64>,
}

impl Trace {
    /// On the one connection of the pool.
    pub(super) async fn install(pool: &SqlitePool) -> Result<Self> {
        // Leaked, so that no connection can outlive it: a few bytes for each case.
        let counter: &'static Arc<AtomicU64> = Box::leak(Box::default());
        let mut connection = pool.acquire().await?;
        let mut handle = connection.lock_handle().await?;
        // SAFETY: the handle is locked, so nobody else uses the connection; the callback has the
        // signature that SQLite asks for, and its argument lives for ever.
        let code = unsafe {
            sqlite3_trace_v2(
                handle.as_raw_handle().as_ptr(),
                SQLITE_TRACE_STMT as c_uint,
                Some(count),
                ptr::from_ref(&**counter).cast_mut().cast(),
            )
        };
        if code != SQLITE_OK {
            return Err(format!("SQLite cannot be traced: code {code}").into());
        }
        Ok(Self { counter })
    }

    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(self.counter)
    }
}

unsafe extern "C" fn count(
    _: c_uint,
    counter: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the counter that was given to `sqlite3_trace_v2`, which is never freed, and an atomic may
    // be shared.
    unsafe { &*counter.cast::<AtomicU64>() }.fetch_add(1, Ordering::Relaxed);
    0
}
