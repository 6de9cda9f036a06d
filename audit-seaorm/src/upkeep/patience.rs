use std::time::Duration;

use sea_orm::DbErr;

use crate::database_error::DatabaseError;

/// Does something again while others are in its way, with a pause in between.
pub(super) async fn patiently<T, F: Future<Output = Result<T, DbErr>>>(
    attempts: u32,
    pause: Duration,
    work: impl Fn() -> F,
) -> Result<T, DbErr> {
    let mut left = attempts;
    loop {
        left = left.saturating_sub(1);
        match work().await {
            Err(error) if left > 0 && DatabaseError::is_conflict(&error) => {
                tokio::time::sleep(pause).await;
            }
            outcome => return outcome,
        }
    }
}
