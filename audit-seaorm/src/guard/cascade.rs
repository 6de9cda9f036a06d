use std::fmt;

use sea_orm::sea_query::ForeignKeyAction;

/// A foreign key by which the database changes audited records by itself, and nobody sees it.
///
/// [`AuditConnection::cascades`](crate::AuditConnection::cascades) lists them. Make the key `RESTRICT` or
/// `NO ACTION` and write the children first: `cascade_delete` and the `delete` of `SeaORM`'s
/// `ActiveModelEx` do, and leave an entry for each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cascade {
    /// The table referred to, of which a delete or an update is what sets it off.
    pub parent: String,
    /// The columns referred to.
    pub parent_columns: Vec<String>,
    /// The audited table whose rows the database deletes or changes.
    pub child: String,
    /// The columns that refer to the parent.
    pub child_columns: Vec<String>,
    /// The name of the constraint. `SQLite` keeps none.
    pub constraint: Option<String>,
    /// What happens to the child's rows when the parent's are deleted.
    pub on_delete: ForeignKeyAction,
    /// What happens to the child's rows when the parent's keys change.
    pub on_update: ForeignKeyAction,
}

impl fmt::Display for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.constraint.as_deref().unwrap_or("a foreign key");
        let columns = self.child_columns.join(", ");
        write!(f, "{name}: `{}` ({columns}) refers to `{}`", self.child, self.parent)?;
        for (event, action) in [("DELETE", self.on_delete), ("UPDATE", self.on_update)] {
            if let Some(action) = word(action) {
                write!(f, " ON {event} {action}")?;
            }
        }
        Ok(())
    }
}

/// What it is called if it changes the child.
pub(super) fn word(action: ForeignKeyAction) -> Option<&'static str> {
    match action {
        ForeignKeyAction::Cascade => Some("CASCADE"),
        ForeignKeyAction::SetNull => Some("SET NULL"),
        ForeignKeyAction::SetDefault => Some("SET DEFAULT"),
        _ => None,
    }
}
