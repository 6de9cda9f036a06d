use sea_orm::{DbBackend, EntityTrait, Value, sea_query::ArrayType};
use serde_json::Value as Json;

use crate::{
    capture::bulk::keys::Key,
    encode::{Shape, decode_as},
    record,
};

/// Turns record ids back into primary keys.
pub(super) struct Keys {
    shapes: Vec<Shape>,
    backend: DbBackend,
}

impl Keys {
    pub(super) fn of<E: EntityTrait>(backend: DbBackend) -> Self {
        Self { shapes: record::key_columns::<E>().map(Shape::of::<E>).collect(), backend }
    }

    /// None if no row of the table can have this id.
    pub(super) fn parse(&self, record_id: &str) -> Option<Key> {
        match &self.shapes[..] {
            [shape] => {
                let text = || part(shape, &Json::from(record_id));
                let json = || part(shape, &serde_json::from_str(record_id).ok()?);
                Some(vec![text().or_else(json).filter(|value| self.fits(value))?])
            }
            shapes => {
                let parts: Vec<Json> = serde_json::from_str(record_id).ok()?;
                if parts.len() != shapes.len() {
                    return None;
                }
                let values = shapes.iter().zip(&parts).map(|(shape, json)| part(shape, json));
                values.map(|value| value.filter(|value| self.fits(value))).collect()
            }
        }
    }

    /// Whether a row with this id is found by its key. `SQLite` compares a moment as the text that it was stored as, with
    /// an offset or without.
    pub(super) fn can_find(&self, record_id: &str) -> bool {
        let is_text = |shape: &Shape| self.backend == DbBackend::Sqlite && is_moment(shape);
        !self.shapes.iter().any(is_text) && self.parse(record_id).is_some()
    }

    /// Whether the driver takes it: it panics on an integer that is too large for the database, and
    /// `PostgreSQL` fails on U+0000.
    fn fits(&self, value: &Value) -> bool {
        match value {
            Value::BigUnsigned(Some(number)) => {
                self.backend == DbBackend::MySql || i64::try_from(*number).is_ok()
            }
            Value::String(Some(text)) => {
                self.backend != DbBackend::Postgres || !text.contains('\0')
            }
            _ => true,
        }
    }
}

/// Whether it is a moment with an offset.
fn is_moment(shape: &Shape) -> bool {
    match shape {
        Shape::One(
            ArrayType::ChronoDateTimeUtc
            | ArrayType::ChronoDateTimeLocal
            | ArrayType::ChronoDateTimeWithTimeZone,
        ) => true,
        #[cfg(feature = "with-time")]
        Shape::One(ArrayType::TimeDateTimeWithTimeZone) => true,
        _ => false,
    }
}

/// Texts stand in a key as they are, see `record::id_of`.
fn part(shape: &Shape, json: &Json) -> Option<Value> {
    match (shape, json) {
        (_, Json::Null) => None,
        (Shape::One(ArrayType::String), Json::String(text)) => Some(Value::from(text.as_str())),
        (Shape::One(ArrayType::Char), Json::String(text)) => {
            let mut characters = text.chars();
            let only = characters.next().filter(|_| characters.as_str().is_empty());
            only.map(Value::from)
        }
        _ => decode_as(shape, json).ok(),
    }
}
