//! Rows as models of their entity. `SeaORM`'s own errors tell neither table nor record, and some of them quote the value,
//! which a column may hide: ours name the place, and never a value.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable,
    JsonValue, QueryResult, QueryTrait, Select, Value,
};

use crate::{
    encode::{Shape, decode_as},
    error::AuditError,
    record,
};

/// The row whose columns begin with `prefix`.
pub(crate) fn read<E: EntityTrait>(row: &QueryResult, prefix: &str) -> Result<E::Model, DbErr> {
    E::Model::from_query_result(row, prefix).map_err(|_| misfit::<E>(row, prefix).into())
}

/// The rows of a query.
pub(crate) async fn all<E: EntityTrait, C: ConnectionTrait>(
    db: &C,
    rows: Select<E>,
) -> Result<Vec<E::Model>, DbErr> {
    let rows = db.query_all(&rows.into_query()).await?;
    rows.iter().map(|row| read::<E>(row, "")).collect()
}

/// An error of `SeaORM`'s over rows that it read itself.
pub(crate) fn without_values<E: EntityTrait>(error: DbErr) -> DbErr {
    match error {
        DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => {
            let table = record::table_name::<E>();
            AuditError::RowMisfit { table, record_id: None, column: None }.into()
        }
        error => error,
    }
}

fn misfit<E: EntityTrait>(row: &QueryResult, prefix: &str) -> AuditError {
    let table = record::table_name::<E>();
    let Ok(JsonValue::Object(values)) = JsonValue::from_query_result(row, prefix) else {
        return AuditError::RowMisfit { table, record_id: None, column: None };
    };
    let value = |column: E::Column| {
        let json = values.get(column.as_str())?;
        decode_as(&Shape::of::<E>(column), json).ok()
    };
    let key: Option<Vec<Value>> = record::key_columns::<E>().map(value).collect();
    let record_id = key.and_then(|key| record::id_of_values::<E>(&key).ok());
    // Such as the name of an enum's variant that is no variant.
    let unfit = |column: &E::Column| {
        let mut row = <E::ActiveModel as ActiveModelTrait>::default();
        value(*column).is_some_and(|value| row.try_set(*column, value).is_err())
    };
    let column = E::Column::iter().find(unfit).map(record::name);
    AuditError::RowMisfit { table, record_id, column }
}
