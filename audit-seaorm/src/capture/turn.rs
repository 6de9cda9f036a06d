use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Line = Arc<AsyncMutex<()>>;

/// Who waits for which transaction, by its address. A line exists while somebody stands in it.
static LINES: LazyLock<Mutex<HashMap<usize, Line>>> = LazyLock::new(Mutex::default);

/// The right to run one operation on a transaction.
///
/// Futures joined on one transaction share its connection, and their statements interleave: one
/// would read its before-image, the other change the row, and the savepoints would nest crosswise. So
/// operations on the same transaction take turns. Those on different ones never wait here for each
/// other, or two that meet at a row lock could wait in a circle that no database sees.
pub(super) struct Turn {
    address: usize,
    line: Option<Line>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    pub(super) async fn take<T>(txn: &T) -> Self {
        let address = std::ptr::from_ref(txn).addr();
        let line = Arc::clone(lines().entry(address).or_default());
        // Made before the wait, so that a wait which is cancelled leaves the line as well.
        let mut turn = Self { address, line: Some(Arc::clone(&line)), guard: None };
        turn.guard = Some(line.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut lines = lines();
        self.line = None;
        // The map's own: nobody stands here, and nobody comes while the map is locked.
        if lines.get(&self.address).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.address);
        }
    }
}

fn lines() -> MutexGuard<'static, HashMap<usize, Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sea_orm::{Database, TransactionTrait};
    use tokio::time::timeout;

    use super::*;

    /// Interleaving is rare with a real connection, whose own lock the last holder mostly gets again:
    /// so the rule is tested here by itself.
    #[tokio::test]
    async fn operations_on_one_transaction_take_turns_and_others_do_not_wait() {
        let db = Database::connect("sqlite::memory:").await.expect("a database in memory");
        let other = Database::connect("sqlite::memory:").await.expect("another one");
        let one = db.begin().await.expect("a transaction");
        let two = other.begin().await.expect("a transaction");
        let soon = Duration::from_millis(20);

        let first = Turn::take(&one).await;
        assert!(timeout(soon, Turn::take(&one)).await.is_err(), "the second waits");
        drop(timeout(soon, Turn::take(&two)).await.expect("another transaction does not wait"));
        drop(first);
        drop(timeout(soon, Turn::take(&one)).await.expect("the line is free again"));
        assert!(lines().is_empty(), "nobody stands anywhere, not even who gave up waiting");
    }
}
