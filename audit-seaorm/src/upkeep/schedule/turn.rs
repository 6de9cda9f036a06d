use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use sea_orm::{DatabaseConnection, prelude::DateTimeUtc};
use tracing::Instrument;

use super::{
    AuditUpkeep, Turn, UpkeepError, UpkeepReport,
    lease::{self, Claim, Lease},
};
use crate::{AuditTrail, health, upkeep::partition};

/// When upkeep came to its end last.
pub(crate) async fn last_run(db: &DatabaseConnection) -> Option<DateTimeUtc> {
    lease::ran_at(db, TASK).await
}

const TASK: &str = "upkeep";

/// How long an instance that is heard of no more is waited for, and how often one tells that it is there.
const LEASE: Duration = Duration::from_mins(5);
const SIGN_OF_LIFE: Duration = Duration::from_mins(1);

impl AuditUpkeep {
    /// Does it now if it is due and no other instance is at it.
    ///
    /// # Errors
    ///
    /// [`UpkeepError`]. It stays due, and what was done until then is done.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, some of it is done, and others wait for five minutes.
    pub async fn run(&self) -> Result<Turn, UpkeepError> {
        let lease = Lease::new(TASK, LEASE);
        match lease.claim(&self.db, self.every).await? {
            Claim::NotDue => return Ok(Turn::NotDue),
            Claim::Taken => return Ok(Turn::Taken),
            Claim::Granted => {}
        }
        let outcome = match select(
            pin!(self.work().instrument(tracing::info_span!("audit.upkeep"))),
            pin!(keep(&lease, &self.db)),
        )
        .await
        {
            Either::Left((outcome, _)) => outcome,
            Either::Right((error, _)) => Err(error),
        };
        let ended = lease.end(&self.db, outcome.is_ok()).await;
        let report = outcome?;
        ended?;
        Ok(Turn::Done(report))
    }

    async fn work(&self) -> Result<UpkeepReport, UpkeepError> {
        let mut report = UpkeepReport::default();
        if partition::is_partitioned(&self.db).await? {
            report.created_partitions = partition::create(&self.db, self.months_ahead).await?;
        }
        let prune = AuditTrail::prune().retention(self.retention.clone());
        report.pruned = prune.exec(&self.db).await?;
        health::measured(&self.db).await?;
        Ok(report)
    }
}

/// Keeps the lease for as long as it can be kept, and tells why it could not.
async fn keep(lease: &Lease, db: &DatabaseConnection) -> UpkeepError {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        match lease.renew(db).await {
            Ok(true) => {}
            Ok(false) => return UpkeepError::LeaseLost,
            Err(error) => return error.into(),
        }
    }
}
