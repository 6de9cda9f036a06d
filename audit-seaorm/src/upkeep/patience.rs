use std::time::Duration;

use sea_orm::DbErr;

/// What another transaction was the reason of, as the databases put it. Nothing has been changed then.
const IN_THE_WAY: [&str; 5] = [
    "deadlock detected",
    "Deadlock found",
    "Lock wait timeout",
    "lock timeout",
    "database is locked",
];

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
            Err(error) if left > 0 && is_in_the_way(&error) => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
}

/// Whether it was not the statement, but somebody else's transaction.
pub(crate) fn is_in_the_way(error: &DbErr) -> bool {
    let text = error.to_string();
    IN_THE_WAY.iter().any(|words| text.contains(words))
}
