use audit_core::AuditEntry;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, PrimaryKeyTrait};

use super::AuditTrail;

impl AuditTrail {
    /// The history of one record, newest first, by its primary key; a composite key is a tuple in the
    /// order of the key's columns. A record that is gone, or never was, has a history all the same:
    /// what the trail holds. The key is that of the entries, as the database gives it back: `1.00` for a
    /// `DECIMAL(10, 2)`, `ab  ` for a `CHAR(4)` of `PostgreSQL`'s.
    ///
    /// Columns that are redacted or skipped today are `"[REDACTED]"`, as in every read; values that were recorded before are there by
    /// [`AuditQuery::as_stored`](crate::AuditQuery::as_stored).
    ///
    /// # Errors
    ///
    /// Those of the database.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::{AuditTrail, Operation};
    /// use sea_orm::{ActiveValue::Set, Database, DbErr};
    /// use audit_migration::MigratorTrait;
    ///
    /// mod label {
    ///     use audit_seaorm::Auditable;
    ///     use sea_orm::entity::prelude::*;
    ///
    ///     #[sea_orm::model]
    ///     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    ///     #[sea_orm(table_name = "label")]
    ///     pub struct Model {
    ///         #[sea_orm(primary_key, auto_increment = false)]
    ///         pub post_id: i32,
    ///         #[sea_orm(primary_key, auto_increment = false)]
    ///         pub language: String,
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(label::Entity).apply(&db).await?;
    /// audit_migration::Migrator::up(&db, None).await?;
    ///
    /// let label = label::ActiveModel { post_id: Set(7), language: Set("en".to_owned()) };
    /// label.insert(&db).await?.delete(&db).await?;
    ///
    /// let trail = AuditTrail::find_for_record(&db, label::Entity, (7, "en".to_owned())).await?;
    /// let operations: Vec<_> = trail.iter().map(|entry| entry.operation).collect();
    /// assert_eq!(operations, [Operation::Delete, Operation::Create]);
    /// assert_eq!(trail[0].record_id, r#"[7,"en"]"#);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_for_record<C, E, K>(
        db: &C,
        entity: E,
        key: K,
    ) -> Result<Vec<AuditEntry>, DbErr>
    where
        C: ConnectionTrait,
        E: EntityTrait,
        K: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
    {
        let entries = Self::query().record_of(entity, key).limit(u64::MAX);
        entries.all(db).await
    }
}
