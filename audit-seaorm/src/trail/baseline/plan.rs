use audit_core::{AuditConfig, AuditContext, AuditEntry, Change, Image, Policy, Stamp};
use sea_orm::{DatabaseConnection, DbBackend, DbErr, prelude::Uuid};

use super::sql::Forms;
use crate::{
    Auditable,
    capture::require_user,
    error::AuditError,
    record, search_path,
    writer::{Recorder, check_user},
};

/// What a baseline writes, whichever rows.
pub(super) struct Plan {
    pub(super) table: String,
    pub(super) backend: DbBackend,
    policy: Policy,
    context: Option<AuditContext>,
    /// How the database itself writes the entries, if it can.
    pub(super) forms: Option<Forms>,
}

impl Plan {
    pub(super) async fn of<E: Auditable>(
        db: &DatabaseConnection,
        reason: Option<String>,
    ) -> Result<Self, DbErr> {
        let table = record::table_name::<E>();
        if audit_core::is_paused() {
            return Err(AuditError::BaselinePaused { table }.into());
        }
        if !AuditConfig::current().records(&table) {
            return Err(AuditError::BaselineExcluded { table }.into());
        }
        let config = AuditConfig::current();
        config.check().map_err(AuditError::from)?;
        require_user(&config, &table)?;
        let policy = Recorder::<E>::current().policy();
        let context = match (AuditContext::current(), reason) {
            (context, None) => context,
            (context, Some(reason)) => Some(context.unwrap_or_default().reason(reason)),
        };
        let table = search_path::name_in_trail(db, table).await?;
        let backend = db.get_database_backend();
        let forms = Forms::of::<E>(db, &policy).await?;
        let plan = Self { table, backend, policy, context, forms };
        // Rules that hide the key, users with too long a name: before anything is written.
        plan.entry(String::new(), Image::new(), Uuid::nil(), Stamp::next())?;
        Ok(plan)
    }

    /// The entry of a record that stands thus now.
    pub(super) fn entry(
        &self,
        record_id: String,
        image: Image,
        group: Uuid,
        stamp: Stamp,
    ) -> Result<AuditEntry, AuditError> {
        let change = Change::baseline(&*self.table, record_id, image);
        let recorded = self.policy.apply(change)?;
        let recorded = recorded.ok_or(AuditError::EntryUnreadable { entry: None })?;
        let entry = AuditEntry::new(recorded, self.context.clone(), Some(group), stamp);
        check_user(&entry)?;
        Ok(entry)
    }
}
