use std::fmt;

use audit_core::Operation;
use sea_orm::{
    ColumnTrait, DbBackend, Value,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use serde_json::Value as Json;

use super::json;
use crate::{
    entity::Column,
    error::AuditError,
    trail::{moment, renames::Renames},
};

/// Metadata is stored to this depth as it is; see `AuditEntry::new`.
const METADATA_DEPTH: usize = 16;

/// No column's name is longer on any database, and it is sent several times.
const LONGEST_NAME: usize = 4096;

/// One condition on an entry.
#[derive(Clone)]
pub(super) enum Filter {
    Table(String),
    Equal(Column, Value),
    OneOf(Column, Vec<Value>),
    Missing(Column),
    Present(Column),
    Changed(String),
    Holds(Column, String, Json),
    /// A value in an image, under whichever name the column had.
    Value(Column, String, Json),
    /// No entry can meet it.
    Nothing,
}

impl Filter {
    /// No text of the trail has U+0000 in it, and `PostgreSQL` fails on a question that has.
    pub(super) fn text(column: Column, text: String) -> Self {
        if text.contains('\0') { Self::Nothing } else { Self::Equal(column, text.into()) }
    }

    pub(super) fn table(name: String) -> Self {
        if name.contains('\0') { Self::Nothing } else { Self::Table(name) }
    }

    pub(super) fn uuid(column: Column, id: Uuid) -> Self {
        Self::Equal(column, id.into())
    }

    pub(super) fn changed(name: String) -> Self {
        let possible = name.len() <= LONGEST_NAME && !name.contains('\0');
        if possible { Self::Changed(name) } else { Self::Nothing }
    }

    /// `value` in the form that entries have.
    pub(super) fn holds(column: Column, name: String, value: Json) -> Self {
        let possible = !name.contains('\0') && !has_nul(&value);
        if possible { Self::Holds(column, name, value) } else { Self::Nothing }
    }

    /// `value` in the form that entries have, in an image.
    pub(super) fn value(side: Column, name: String, value: Json) -> Self {
        match Self::holds(side, name, value) {
            Self::Holds(side, name, value) => Self::Value(side, name, value),
            other => other,
        }
    }

    pub(super) fn metadata(key: String, value: Json) -> Self {
        if depth(&value) > METADATA_DEPTH {
            return Self::Nothing;
        }
        Self::holds(Column::Metadata, key, value)
    }

    /// The table that it demands.
    pub(super) fn demanded_table(&self) -> Option<&str> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The column of which it demands a value.
    pub(super) fn value_column(&self) -> Option<&str> {
        match self {
            Self::Value(_, name, _) => Some(name),
            _ => None,
        }
    }

    /// Whether the database can be asked this.
    pub(super) fn check(&self, backend: DbBackend) -> Result<(), AuditError> {
        match self {
            Self::Changed(name) | Self::Holds(_, name, _) | Self::Value(_, name, _)
                if !is_searchable(name, backend) =>
            {
                Err(AuditError::UnsearchableName { name: name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// `renames` are those of the table that is searched, none if there are several.
    pub(super) fn condition(&self, backend: DbBackend, renames: &Renames) -> SimpleExpr {
        match self {
            Self::Table(name) => Column::TableName.eq(name),
            Self::Equal(column, value) => column.eq(value.clone()),
            Self::Missing(column) => column.is_null(),
            Self::Present(column) => column.is_not_null(),
            Self::OneOf(column, values) => column.is_in(values.iter().cloned()),
            // A baseline tells the value and changes none.
            Self::Changed(name) => {
                let changed = |name: &str| json::changed(backend, name);
                named(backend, renames, name, changed)
                    .and(Column::Operation.ne(Operation::Baseline.as_str()))
            }
            Self::Holds(column, name, value) => json::holds(backend, *column, name, value),
            Self::Value(side, name, value) => {
                let holds = |name: &str| json::holds(backend, *side, name, value);
                named(backend, renames, name, holds)
            }
            Self::Nothing => Expr::val(1).eq(0),
        }
    }
}

/// A condition on a column, under each of the names that it had and in the time of that name.
fn named(
    backend: DbBackend,
    renames: &Renames,
    column: &str,
    condition: impl Fn(&str) -> SimpleExpr,
) -> SimpleExpr {
    let spans = renames.spans(column).into_iter().map(|(name, from, until)| {
        let from = from.map(|from| Column::Timestamp.gte(moment(backend, from)));
        let until = until.map(|until| Column::Timestamp.lt(moment(backend, until)));
        from.into_iter().chain(until).fold(condition(&name), SimpleExpr::and)
    });
    spans.reduce(SimpleExpr::or).unwrap_or_else(|| Expr::val(1).eq(0))
}

/// Without the values: what is searched for may be what a column hides.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(column, _) | Self::OneOf(column, _) => write!(f, "{column:?}"),
            Self::Table(_) => f.write_str("TableName"),
            Self::Missing(column) => write!(f, "Missing({column:?})"),
            Self::Present(column) => write!(f, "Present({column:?})"),
            Self::Changed(name) => write!(f, "Changed({name:?})"),
            Self::Holds(column, name, _) | Self::Value(column, name, _) => {
                write!(f, "{column:?}({name:?})")
            }
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

/// `MariaDB` (10.11) finds no name in a JSON object that begins with `-`, however it is quoted.
pub(crate) fn is_searchable(name: &str, backend: DbBackend) -> bool {
    backend != DbBackend::MySql || !name.starts_with('-')
}

fn has_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Json::Object(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
