use audit_core::AuditEntry;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, Iterable, Statement, Value,
    sea_query::{Expr, InsertStatement},
};

use crate::{
    capture::Executor,
    entity::{self, Column, Entity},
    sql_text::{self, Kind},
};

/// Inserts entries by one statement, without asking for anything back.
pub(super) async fn insert<C: ConnectionTrait>(
    db: &C,
    entries: Vec<AuditEntry>,
) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let values: Vec<_> = entries.into_iter().flat_map(|entry| row(backend, entry)).collect();
    if Executor::of(db).is_typed() {
        // Some take no text of our own.
        db.execute(&query(&values)).await?;
    } else {
        db.execute_raw(statement(backend, values)).await?;
    }
    Ok(())
}

fn statement(backend: DbBackend, values: Vec<Value>) -> Statement {
    sql_text::statement::<Entity>(backend, Kind::InsertEntries, Vec::new(), values, |values| {
        backend.build(&query(values))
    })
}

fn query(values: &[Value]) -> InsertStatement {
    let mut insert = InsertStatement::new();
    insert.into_table(Entity).columns(Column::iter());
    for row in values.chunks(Column::iter().len()) {
        insert.values_panic(row.iter().cloned().map(Expr::val));
    }
    insert
}

/// In the order of the columns.
pub(super) fn row(backend: DbBackend, entry: AuditEntry) -> [Value; 13] {
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
        entity::moment(backend, entry.timestamp),
    ]
}

#[cfg(test)]
mod tests {
    use audit_core::{Change, Image, Policy, Stamp};
    use sea_orm::{EntityTrait, QueryTrait, Values};

    use super::*;
    use crate::entity::ActiveModel;

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
            let mut by_entity = Entity::insert_many(rows).build(backend);
            for value in by_entity.values.iter_mut().flat_map(|Values(values)| values) {
                if let Value::ChronoDateTimeUtc(Some(at)) = value {
                    *value = entity::moment(backend, *at);
                }
            }
            let values = entries.into_iter().flat_map(|entry| row(backend, entry)).collect();
            assert_eq!(statement(backend, values), by_entity);
        }
    }
}
