use audit_core::{AuditConfig, AuditContext, RequireUser};

use crate::{AuditCounters, error::AuditError};

/// A write in whose scope no user is named: refuses it, or lets it through and says so.
pub(crate) fn require_user(config: &AuditConfig, table: &str) -> Result<(), AuditError> {
    if AuditContext::has_user() {
        return Ok(());
    }
    AuditCounters::count_without_user();
    match config.user_policy() {
        RequireUser::Allow => Ok(()),
        RequireUser::Warn => {
            tracing::warn!(table, "audited write in whose scope no user is named");
            Ok(())
        }
        _ => Err(AuditError::NoUser { table: table.to_owned() }),
    }
}
