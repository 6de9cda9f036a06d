use sea_orm::{DbErr, QueryResult, RuntimeErr, Value, sea_query::Expr, sqlx};

/// What stands in a column, whatever that is. `SQLite` takes any value in any column, and a text need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stored {
    Text(String),
    /// A text that is no UTF-8.
    Garbled(Vec<u8>),
    Bytes(Vec<u8>),
}

impl Stored {
    /// None of NULL.
    pub(crate) fn read(row: &QueryResult, column: &str) -> Option<Self> {
        match row.try_get::<Option<String>>("", column) {
            Ok(text) => text.map(Self::Text),
            Err(error) => {
                let bytes = row.try_get::<Option<Vec<u8>>>("", column).ok().flatten()?;
                Some(if is_text(&error) { Self::Garbled(bytes) } else { Self::Bytes(bytes) })
            }
        }
    }

    /// For comparing with the column: texts come before bytes, each in the order of its bytes.
    pub(crate) fn expr(&self) -> Expr {
        match self {
            Self::Text(text) => Expr::val(text),
            Self::Garbled(bytes) => {
                Expr::cust_with_values("CAST(? AS TEXT)", [Value::from(bytes.clone())])
            }
            Self::Bytes(bytes) => Expr::val(bytes.clone()),
        }
    }

    /// As much of it as is text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Garbled(bytes) | Self::Bytes(bytes) => {
                String::from_utf8_lossy(&bytes).into_owned()
            }
        }
    }
}

/// Whether a text could not be read for its bytes, and not for its type.
fn is_text(error: &DbErr) -> bool {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) =
        error
    else {
        return false;
    };
    match &**error {
        sqlx::Error::ColumnDecode { source, .. } => source.is::<std::str::Utf8Error>(),
        _ => false,
    }
}
