//! Holding the trail of a table against its rows.

mod baselined;
mod batch;
mod fold;
mod replay;
mod report;
mod suspects;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IsolationLevel,
    TransactionOptions,
};

pub(super) use self::baselined::last_baseline;
use self::replay::Replay;
pub use self::report::{Finding, FindingKind, Verification};
use super::AuditTrail;
use crate::{
    AuditConfig, Auditable,
    capture::{Executor, shield},
    engine::{PoolId, require_transactions},
    error::AuditError,
    own_transaction::OwnTransaction,
    record,
    registry::TableName,
};

impl AuditTrail {
    /// Replays the entries of a table against its rows, and reports every record that the trail does
    /// not explain: a change that has no entry, an image that is wrong, an entry that is gone, a row
    /// without entries and entries without their row.
    ///
    /// A few hundred entries and rows are in memory at a time, however long the trail is.
    ///
    /// On a connection pool all is read in one transaction that only reads and sees one state of the
    /// database, so that others may go on writing. A transaction of yours is used as it is: below
    /// `REPEATABLE READ` what others commit meanwhile can show as findings. The same goes for a
    /// connection of a type that is not known.
    ///
    /// # What is compared
    ///
    /// Values, not their forms: `1.0` is `1.00`. Not compared are columns that the entity skips, those
    /// that it does not have any more, redacted values, and what no entry tells, such as a column that
    /// the table got later.
    ///
    /// A row that was there before the trail began is a finding
    /// ([`NeverRecorded`](FindingKind::NeverRecorded), or
    /// [`BeganBeforeTrail`](FindingKind::BeganBeforeTrail) once it was changed), for nothing tells it
    /// from a row whose entries were removed. [`AuditTrail::baseline`] puts an end to that. So are findings
    /// changes that were deliberately not recorded, and those of a column while it was skipped.
    ///
    /// # Baselines
    ///
    /// A BASELINE entry is where the trail begins to vouch for a record. What entries before it tell is held against
    /// it ([`BaselineDiffers`](FindingKind::BaselineDiffers)), and that they begin with no CREATE is no finding any more.
    /// Neither is it of a record whose entries began before the last BASELINE of the *table*, and which was deleted
    /// before its turn came: its row is gone, and the DELETE tells all of it. So of a record that was gone by the time
    /// of the last baseline it goes unnoticed if its first entries are removed. For every other record that begins
    /// with no CREATE and no BASELINE it is a finding: rows that came past the trail since, and rows for which
    /// a baseline never came.
    ///
    /// Two processes that changed one record in turn, with clocks that disagree by more than the time
    /// between, leave entries in another order than that of the changes: this shows as
    /// [`BeforeImageDiffers`](FindingKind::BeforeImageDiffers).
    ///
    /// Entries that wait in the queue of an [`AuditWriter`](crate::AuditWriter) are missing here: flush it first.
    ///
    /// # Errors
    ///
    /// Those of the database; if the configuration in force excludes the table; if a row does
    /// not fit the entity while there are rows without entries, for then its record is not known.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, FindingKind};
    /// use sea_orm::{ActiveValue::Set, ConnectionTrait, Database, DbErr, IntoActiveModel};
    /// # use audit_migration::MigratorTrait;
    /// # mod post {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    /// #     #[sea_orm(table_name = "post")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub title: String,
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// let post = post::ActiveModel { title: Set("Draft".to_owned()), ..Default::default() };
    /// let mut post = post.insert(&db).await?.into_active_model();
    /// post.title = Set("Final".to_owned());
    /// post.update(&db).await?;
    /// assert!(AuditTrail::verify(&db, post::Entity).await?.is_clean());
    ///
    /// db.execute_unprepared("UPDATE post SET title = 'Forged'").await?;
    /// let report = AuditTrail::verify(&db, post::Entity).await?;
    /// let finding = &report.findings()[0];
    /// assert_eq!(finding.kind, FindingKind::RowDiffers);
    /// assert_eq!((&*finding.record_id, &*finding.columns), ("1", &["title".to_owned()][..]));
    /// println!("{report}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify<C, E>(db: &C, entity: E) -> Result<Verification, DbErr>
    where
        C: ConnectionTrait,
        E: Auditable,
    {
        let _ = entity;
        let table = record::table_name::<E>();
        if !AuditConfig::current().records(&table) {
            return Err(AuditError::Excluded { table }.into());
        }
        let pool = match Executor::of(db) {
            Executor::Pool(pool) => Some(pool),
            Executor::Guarded(guarded) => Some(guarded.inner()),
            _ => None,
        };
        if let Some(pool) = pool {
            require_transactions(pool, &PoolId::of(pool), TableName::of::<E>()).await?;
            let txn = snapshot(pool).await?;
            let report = Replay::<_, E>::run(&*txn).await;
            return txn.finish(report).await;
        }
        require_transactions(db, &PoolId::default(), TableName::of::<E>()).await?;
        super::bring_up_to_date(db).await?;
        Replay::<_, E>::run(db).await
    }
}

/// A transaction that sees the database as it is at its first statement. On `SQLite` every one does.
async fn snapshot(pool: &DatabaseConnection) -> Result<OwnTransaction, DbErr> {
    let options = match pool.get_database_backend() {
        DbBackend::Sqlite => TransactionOptions::default(),
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
    };
    let pool = pool.clone();
    shield::run(async move { OwnTransaction::on(&pool, options).await }, async |txn| Ok(txn)).await
}
