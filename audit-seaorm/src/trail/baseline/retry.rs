use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::sleep;

const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);

/// What databases say of a transaction that lost against another one, and may be run again.
const CONFLICTS: [&str; 7] = [
    "deadlock detected",
    "Deadlock found",
    "could not serialize",
    "Lock wait timeout",
    "Record has changed since last read",
    "database is locked",
    "database table is locked",
];

/// Runs a transaction anew when it lost against another one.
pub(super) async fn retried<T>(run: impl AsyncFn() -> Result<T, DbErr>) -> Result<T, DbErr> {
    for attempt in 0..ATTEMPTS {
        match run().await {
            Err(error) if is_conflict(&error) => sleep(PAUSE * 2_u32.pow(attempt)).await,
            done => return done,
        }
    }
    run().await
}

pub(super) fn is_conflict(error: &DbErr) -> bool {
    let text = error.to_string();
    CONFLICTS.iter().any(|conflict| text.contains(conflict))
}
