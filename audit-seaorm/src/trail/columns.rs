use std::collections::BTreeMap;

use audit_core::{Image, REDACTED, same_json};
use serde_json::Value as Json;

use crate::{
    Auditable,
    encode::{Shape, decode_as, same_value},
    record, rules,
};

/// The columns that can be compared: those that the entity has and records.
pub(crate) struct Columns(BTreeMap<String, Shape>);

impl Columns {
    pub(super) fn of<E: Auditable>() -> Self {
        let columns = rules::told_columns::<E>();
        Self(columns.map(|column| (record::name(column), Shape::of::<E>(column))).collect())
    }

    /// The columns that have one value in `known` and another one in `image`. What one of them does not
    /// tell is no difference: a column that came later, or a value that is redacted.
    pub(super) fn differing(&self, known: &Image, image: &Image) -> Vec<String> {
        let differs = |(column, shape): &(&String, &Shape)| {
            known.get(*column).zip(image.get(*column)).is_some_and(|(a, b)| !same(shape, a, b))
        };
        self.0.iter().filter(differs).map(|(column, _)| column.clone()).collect()
    }

    /// Whether a column has the same value on both sides, or none on either.
    pub(super) fn same(&self, column: &str, a: Option<&Json>, b: Option<&Json>) -> bool {
        match (a, b, self.0.get(column)) {
            (Some(a), Some(b), Some(shape)) => same(shape, a, b),
            (Some(a), Some(b), None) => same_json(a, b),
            (a, b, _) => a.is_none() && b.is_none(),
        }
    }
}

/// By value: the form may be another one, such as `1.0` and `1.00`.
fn same(shape: &Shape, a: &Json, b: &Json) -> bool {
    if a == REDACTED || b == REDACTED || same_json(a, b) {
        return true;
    }
    match (decode_as(shape, a), decode_as(shape, b)) {
        (Ok(a), Ok(b)) => same_value(&a, &b),
        _ => false,
    }
}
