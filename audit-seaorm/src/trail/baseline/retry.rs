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

/// How often something was run already that lost against another transaction.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// Whether to run it again, after a while.
    pub(super) async fn again(&mut self, error: &DbErr) -> bool {
        if self.0 >= ATTEMPTS || !is_conflict(error) {
            return false;
        }
        sleep(PAUSE * 2_u32.pow(self.0)).await;
        self.0 += 1;
        true
    }
}

pub(super) fn is_conflict(error: &DbErr) -> bool {
    let text = error.to_string();
    CONFLICTS.iter().any(|conflict| text.contains(conflict))
}
