use audit_core::AuditEntry;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, Statement, Value,
    sea_query::{Expr, Query},
};

use crate::{
    capture::Executor,
    entity::{ActiveModel, Column, Entity},
    sql_text::{self, Kind},
};

/// Inserts entries by one statement, without asking for anything back.
pub(super) async fn insert<C: ConnectionTrait>(
    db: &C,
    entries: Vec<AuditEntry>,
) -> Result<(), DbErr> {
    if Executor::of(db).is_typed() {
        // Some take statements of SeaORM's alone.
        let rows = entries.into_iter().map(ActiveModel::from);
        Entity::insert_many(rows).exec_without_returning(db).await?;
        return Ok(());
    }
    db.execute_raw(statement(db.get_database_backend(), entries)).await?;
    Ok(())
}

fn statement(backend: DbBackend, entries: Vec<AuditEntry>) -> Statement {
    let values = entries.into_iter().flat_map(row).collect();
    sql_text::statement::<Entity>(backend, Kind::InsertEntries, Vec::new(), values, |values| {
        let mut insert = Query::insert();
        insert.into_table(Entity).columns(Column::iter());
        for row in values.chunks(Column::iter().len()) {
            insert.values_panic(row.iter().cloned().map(Expr::val));
        }
        backend.build(&insert)
    })
}

/// In the order of the columns.
fn row(entry: AuditEntry) -> [Value; 13] {
    [
        entry.id.into(),
        entry.table_name.into(),
        entry.record_id.into(),
        entry.operation.as_str().into(),
        entry.old_values.into(),
        entry.new_values.into(),
        entry.user_id.into(),
        entry.user_email.into(),
        entry.request_id.into(),
        entry.transaction_id.into(),
        entry.reason.into(),
        entry.metadata.into(),
        entry.timestamp.into(),
    ]
}

#[cfg(test)]
mod tests {
    use audit_core::{Change, Image, Policy, Stamp};
    use sea_orm::QueryTrait;

    use super::*;

    fn entry() -> AuditEntry {
        let change = Change::create("post", "1", Image::new());
        let recorded = Policy::new().apply(change).ok().flatten().expect("a create is recorded");
        AuditEntry::new(recorded, None, None, Stamp::next())
    }

    /// `SeaORM` knows the columns and their order.
    #[test]
    fn it_is_the_statement_that_the_entity_makes() {
        for backend in [DbBackend::Sqlite, DbBackend::Postgres, DbBackend::MySql] {
            let entries = vec![entry(), entry()];
            let rows = entries.iter().cloned().map(ActiveModel::from);
            let by_entity = Entity::insert_many(rows).build(backend);
            assert_eq!(statement(backend, entries), by_entity);
        }
    }
}
