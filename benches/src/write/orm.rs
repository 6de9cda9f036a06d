//! What an application does, without auditing and with it.

use audit_seaorm::{AuditContext, AuditTransaction, AuditUser};
use sea_orm::{DatabaseConnection, TransactionTrait};

use super::{
    case::{BULK, UPDATES, Write},
    contender::Contender,
};
use crate::{
    Result,
    meter::Meter,
    post::{audited, plain},
};

/// Who writes; the floor names the same.
pub(super) const USER_ID: &str = "42";
pub(super) const USER_EMAIL: &str = "ann@example.com";
pub(super) const REQUEST_ID: &str = "request-1";

pub(super) struct Plain<'a>(pub(super) &'a DatabaseConnection);

impl Contender for Plain<'_> {
    async fn on_pool(&self, write: Write, number: i64) -> Result<()> {
        Ok(plain::write(self.0, write, number).await?)
    }

    async fn in_transaction(&self, write: Write, number: i64, meter: &mut Meter) -> Result<()> {
        let txn = self.0.begin().await?;
        let lap = meter.start();
        plain::write(&txn, write, number).await?;
        meter.stop(&lap);
        Ok(txn.commit().await?)
    }

    async fn updates(&self, first: i64) -> Result<()> {
        let txn = self.0.begin().await?;
        for number in first..first + UPDATES {
            plain::write(&txn, Write::Update, number).await?;
        }
        Ok(txn.commit().await?)
    }

    async fn bulk(&self, write: Write) -> Result<()> {
        match write {
            Write::Insert => plain::insert_many(self.0, 1..=BULK).await?,
            Write::Update => plain::update_many(self.0).await?,
            Write::Delete => plain::delete_many(self.0).await?,
        }
        Ok(())
    }
}

pub(super) struct Audited<'a>(pub(super) &'a DatabaseConnection);

impl Audited<'_> {
    /// Around what is measured, as a web server has it around a request.
    pub(super) async fn scope<T>(work: impl Future<Output = T>) -> T {
        let ann = AuditUser::new(USER_ID).email(USER_EMAIL);
        AuditContext::new().user(ann).request_id(REQUEST_ID).scope(Box::pin(work)).await
    }
}

impl Contender for Audited<'_> {
    async fn on_pool(&self, write: Write, number: i64) -> Result<()> {
        Ok(audited::write(self.0, write, number).await?)
    }

    async fn in_transaction(&self, write: Write, number: i64, meter: &mut Meter) -> Result<()> {
        let txn = self.0.begin().await?;
        let lap = meter.start();
        audited::write(&txn, write, number).await?;
        meter.stop(&lap);
        Ok(txn.commit().await?)
    }

    async fn updates(&self, first: i64) -> Result<()> {
        let txn = AuditTransaction::begin(self.0).await?;
        for number in first..first + UPDATES {
            audited::write(&txn, Write::Update, number).await?;
        }
        Ok(txn.commit().await?)
    }

    async fn bulk(&self, write: Write) -> Result<()> {
        match write {
            Write::Insert => audited::insert_many(self.0, 1..=BULK).await?,
            Write::Update => audited::update_many(self.0).await?,
            Write::Delete => audited::delete_many(self.0).await?,
        }
        Ok(())
    }
}
