use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::sleep;

use crate::database_error::DatabaseError;

const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);

/// How often something was run already that lost against another transaction.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    /// Whether to run it again, after a while.
    pub(super) async fn again(&mut self, error: &DbErr) -> bool {
        if self.0 >= ATTEMPTS || !DatabaseError::is_conflict(error) {
            return false;
        }
        sleep(PAUSE * 2_u32.pow(self.0)).await;
        self.0 += 1;
        true
    }
}
