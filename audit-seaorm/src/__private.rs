//! What the derive's output calls. No promise is made to anybody else.

pub use inventory;
pub use sea_orm;
pub use sea_orm::prelude::async_trait::async_trait;

pub use crate::__link_methods as link_methods;
pub use crate::auditable::is_version;
pub use crate::audited::of as audited;
pub use crate::capture::links;
pub use crate::capture::{
    after_delete, after_save, before_delete, before_save, delete, delete_model, insert, save,
    update, update_without_returning,
};
pub use crate::registry::AuditedTable;
/// For the suite, which has entries of other times than now.
pub use crate::writer::store;
