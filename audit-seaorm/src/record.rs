//! A record as the trail sees it: table, id, image.

use audit_core::{FieldRule, Image};
use sea_orm::{
    EntityTrait, IdenStatic, Iterable, ModelTrait, PrimaryKeyToColumn, Value, sea_query::ValueTuple,
};
use serde_json::Value as Json;

use crate::{
    Auditable,
    encode::{encode, same_value},
    error::AuditError,
};

/// The table's name in the trail: with its schema, if the entity names one.
pub(crate) fn table_name<E: EntityTrait>() -> String {
    let entity = E::default();
    qualified(entity.schema_name(), entity.table_name())
}

pub(crate) fn qualified(schema: Option<&str>, table: &str) -> String {
    match schema {
        Some(schema) => format!("{schema}.{table}"),
        None => table.to_owned(),
    }
}

/// The columns of the primary key, in key order.
pub(crate) fn key_columns<E: EntityTrait>() -> impl Iterator<Item = E::Column> {
    E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column)
}

/// The primary key of a row.
pub(crate) fn key<E: EntityTrait>(row: &E::Model) -> ValueTuple {
    ValueTuple::Many(key_columns::<E>().map(|column| row.get(column)).collect())
}

/// The record id of a primary key given by the user.
pub(crate) fn id_of_key<E: EntityTrait>(key: ValueTuple) -> Result<String, AuditError> {
    id_of_values::<E>(&key.into_iter().collect::<Vec<_>>())
}

/// The record id of the values of a primary key.
pub(crate) fn id_of_values<E: EntityTrait>(key: &[Value]) -> Result<String, AuditError> {
    let parts = key_columns::<E>().zip(key).map(|(column, value)| key_part::<E>(column, value));
    Ok(id_text(parts.collect::<Result<_, _>>()?))
}

/// The record id of a row.
pub(crate) fn id_of<E: EntityTrait>(model: &E::Model) -> Result<String, AuditError> {
    let parts = key_columns::<E>().map(|column| key_part::<E>(column, &model.get(column)));
    Ok(id_text(parts.collect::<Result<_, _>>()?))
}

/// Texts stand in a key as they are: the encoder's escapes are for values.
fn key_part<E: EntityTrait>(column: E::Column, value: &Value) -> Result<Json, AuditError> {
    match value {
        Value::String(Some(text)) => Ok(Json::from(text.as_str())),
        Value::Char(Some(char)) => Ok(Json::from(char.to_string())),
        other => encode_column::<E>(column, other),
    }
}

fn id_text(mut parts: Vec<Json>) -> String {
    match (parts.len(), parts.pop()) {
        (1, Some(Json::String(text))) => text,
        (1, Some(part)) => part.to_string(),
        (_, last) => {
            parts.extend(last);
            Json::from(parts).to_string()
        }
    }
}

/// The columns that are recorded, in the clear or not.
pub(crate) fn recorded_columns<E: Auditable>() -> impl Iterator<Item = E::Column> {
    let skipped = |column: &E::Column| {
        E::RULES
            .iter()
            .any(|(ruled, rule)| *rule == FieldRule::Skip && ruled.as_str() == column.as_str())
    };
    E::Column::iter().filter(move |column| !skipped(column))
}

/// The image of a row. A skipped column is not in it, and may be of a type that has no form.
pub(crate) fn image<E: Auditable>(model: &E::Model) -> Result<Image, AuditError> {
    recorded_columns::<E>()
        .map(|column| Ok((name(column), encode_column::<E>(column, &model.get(column))?)))
        .collect()
}

/// The images of a row before and after a change. What is equal by value is equal in form too, so
/// that a decimal rewritten from `1.0` to `1.00` is not taken for a change.
pub(crate) fn images<E: Auditable>(
    before: &E::Model,
    after: &E::Model,
) -> Result<(Image, Image), AuditError> {
    let (mut old, mut new) = (Image::new(), Image::new());
    for column in recorded_columns::<E>() {
        let (former, latter) = (before.get(column), after.get(column));
        let encoded = encode_column::<E>(column, &former)?;
        let value = if same_value(&former, &latter) {
            encoded.clone()
        } else {
            encode_column::<E>(column, &latter)?
        };
        old.insert(name(column), encoded);
        new.insert(name(column), value);
    }
    Ok((old, new))
}

pub(crate) fn name<C: IdenStatic>(column: C) -> String {
    column.as_str().to_owned()
}

fn encode_column<E: EntityTrait>(column: E::Column, value: &Value) -> Result<Json, AuditError> {
    encode(value).map_err(|source| AuditError::Encode {
        table: table_name::<E>(),
        column: name(column),
        source,
    })
}
