//! The forms of the encoder in the words of each database.
//!
//! A form is an expression of SQL that gives the JSON of a column. What it gives for a value is what
//! [`encode`](crate::encode::encode) gives, up to forms that mean the same (`1.50` and `1.5` as numbers, the order of
//! keys); where a value has a form that only the encoder can write, the expression gives no JSON, so that the
//! statement fails and the encoder's turn comes.

mod mysql;
mod postgres;
mod sqlite;

use audit_core::{FieldRule, Policy, REDACTED};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Iterable, Statement,
    StatementBuilder,
    prelude::Uuid,
    sea_query::{Alias, ArrayType, ColumnType, Expr, Query, SelectStatement},
};

use super::place::ROW;
use crate::{
    Auditable,
    encode::Shape,
    entity::TABLE,
    record::{self, key_columns},
};

/// More columns than any usual table has. `SQLite` takes expressions of a thousand levels.
const MAX_COLUMNS: usize = 300;

/// How the database writes the entries of a table.
pub(super) struct Forms {
    backend: DbBackend,
    /// The record id as text.
    pub(super) record_id: String,
    /// The image.
    pub(super) image: String,
}

/// A column: its name as text of JSON in quotes of SQL, and the form of its value.
type Field = (String, String);

impl Forms {
    /// None if there is a column, or a key, of which the database cannot write the form.
    pub(super) async fn of<E: Auditable>(
        db: &DatabaseConnection,
        policy: &Policy,
    ) -> Result<Option<Self>, DbErr> {
        let backend = db.get_database_backend();
        let (Some(key), Some(fields)) = (key::<E>(backend), fields::<E>(backend, policy)) else {
            return Ok(None);
        };
        let record_id = match backend {
            DbBackend::MySql => match collation(db).await? {
                Some(collation) => format!("({key} COLLATE {collation})"),
                None => key,
            },
            _ => key,
        };
        let image = match backend {
            DbBackend::Postgres => postgres::object(&fields),
            DbBackend::MySql => mysql::object(&fields),
            _ => sqlite::object(&fields),
        };
        Ok(Some(Self { backend, record_id, image }))
    }

    /// An id of version 7 with this head and a tail of the database's making.
    pub(super) fn id(&self, stamp: Uuid) -> String {
        let (head, _) = stamp.as_u64_pair();
        match self.backend {
            DbBackend::Postgres => postgres::id(head),
            DbBackend::MySql => mysql::id(head),
            _ => sqlite::id(head),
        }
    }

    /// The last entry of the record that begins or ends its life does not begin it, or there is none.
    pub(super) fn is_unknown(&self, table: &str) -> Expr {
        let (one, two) = match self.backend {
            DbBackend::Postgres => ("$1", "$2"),
            _ => ("?", "?"),
        };
        // A subquery with a limit is asked row by row, along the index: as NOT EXISTS it may become a join with the
        // whole trail.
        let last = format!(
            "COALESCE((SELECT a.operation FROM {TABLE} a WHERE a.table_name = {one} AND a.record_id = {two} \
             AND CASE WHEN a.operation IN ('CREATE', 'DELETE', 'BASELINE') THEN 1 ELSE 0 END = 1 ORDER BY a.timestamp DESC, a.id DESC LIMIT 1), 'DELETE') = 'DELETE'"
        );
        let record_id = Expr::cust(self.record_id.clone());
        Expr::cust_with_exprs(last, [Expr::val(table), record_id])
    }
}

/// Keys as `record::id_of` writes them. Whoever uses it holds the two against each other.
fn key<E: Auditable>(backend: DbBackend) -> Option<String> {
    let columns: Vec<_> = key_columns::<E>()
        .map(|column| {
            let (shape, expr) = (shape::<E>(column)?, expression(backend, column)?);
            let Shape::One(ty) = shape else { return None };
            Some((ty, expr))
        })
        .collect::<Option<_>>()?;
    match backend {
        DbBackend::Postgres => postgres::record_id(&columns),
        DbBackend::MySql => mysql::record_id(&columns),
        _ => sqlite::record_id(&columns),
    }
}

/// In the order of their names, as the encoder has them.
fn fields<E: Auditable>(backend: DbBackend, policy: &Policy) -> Option<Vec<Field>> {
    let mut columns: Vec<_> =
        E::Column::iter().map(|column| (record::name(column), column)).collect();
    columns.retain(|(name, _)| policy.rule_of(name) != Some(FieldRule::Skip));
    columns.sort_by(|(a, _), (b, _)| a.cmp(b));
    if columns.len() > MAX_COLUMNS {
        return None;
    }
    let field = |(name, column): (String, E::Column)| {
        let form = match policy.rule_of(&name) {
            Some(_) => mark(backend),
            None => form::<E>(backend, column)?,
        };
        Some((plain(&name)?, form))
    };
    columns.into_iter().map(field).collect()
}

fn form<E: Auditable>(backend: DbBackend, column: E::Column) -> Option<String> {
    let (shape, expr) = (shape::<E>(column)?, expression(backend, column)?);
    let (def, at) = (column.def(), &expr);
    match backend {
        DbBackend::Postgres => postgres::form(&shape, at),
        DbBackend::MySql => mysql::form(&shape, def.get_column_type(), at),
        _ => sqlite::form(&shape, at),
    }
}

/// None where the database's type is in the user's words, and may be anything.
fn shape<E: Auditable>(column: E::Column) -> Option<Shape> {
    match (column.def().get_column_type(), Shape::of::<E>(column)) {
        (ColumnType::Custom(_), _) => None,
        (ty, Shape::Array(_)) if !matches!(ty, ColumnType::Array(_)) => None,
        (_, shape) => Some(shape),
    }
}

/// The column as it is read.
fn expression<C: ColumnTrait>(backend: DbBackend, column: C) -> Option<String> {
    let read = column.select_as(Expr::col((Alias::new(ROW), column)));
    let select: SelectStatement = Query::select().expr(read).take();
    let Statement { sql, values, .. } = StatementBuilder::build(&select, &backend);
    let bound = values.is_some_and(|values| !values.0.is_empty());
    sql.strip_prefix("SELECT ").filter(|_| !bound).map(|expr| format!("({expr})"))
}

fn mark(backend: DbBackend) -> String {
    match backend {
        DbBackend::Postgres => format!("CAST('{REDACTED}' AS text)"),
        _ => format!("'\"{REDACTED}\"'"),
    }
}

/// A column's name that means itself in any quotes.
fn plain(name: &str) -> Option<String> {
    let odd = |c: char| c.is_control() || ['\\', '\'', '"', '?', '$'].contains(&c);
    (!name.contains(odd)).then(|| name.to_owned())
}

/// That of the trail's ids, which is not the one of the table.
async fn collation(db: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    let sql = "SELECT CAST(collation_name AS CHAR) FROM information_schema.columns \
               WHERE table_schema = DATABASE() AND table_name = ? AND column_name = 'record_id'";
    let statement = Statement::from_sql_and_values(DbBackend::MySql, sql, [TABLE.into()]);
    let row = db.query_one_raw(statement).await?;
    row.map_or(Ok(None), |row| row.try_get_by_index(0))
}

fn is_integer(ty: &ArrayType) -> bool {
    matches!(
        ty,
        ArrayType::TinyInt
            | ArrayType::SmallInt
            | ArrayType::Int
            | ArrayType::BigInt
            | ArrayType::TinyUnsigned
            | ArrayType::SmallUnsigned
            | ArrayType::Unsigned
            | ArrayType::BigUnsigned
    )
}

fn is_text(ty: &ArrayType) -> bool {
    matches!(ty, ArrayType::String | ArrayType::Enum(_))
}

/// What a date or time is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calendar {
    Date,
    Time,
    Naive,
    Moment,
}

fn calendar(ty: &ArrayType) -> Option<Calendar> {
    Some(match ty {
        ArrayType::ChronoDate => Calendar::Date,
        ArrayType::ChronoTime => Calendar::Time,
        ArrayType::ChronoDateTime => Calendar::Naive,
        ArrayType::ChronoDateTimeUtc
        | ArrayType::ChronoDateTimeLocal
        | ArrayType::ChronoDateTimeWithTimeZone => Calendar::Moment,
        #[cfg(feature = "with-time")]
        ArrayType::TimeDate => Calendar::Date,
        #[cfg(feature = "with-time")]
        ArrayType::TimeTime => Calendar::Time,
        #[cfg(feature = "with-time")]
        ArrayType::TimeDateTime => Calendar::Naive,
        #[cfg(feature = "with-time")]
        ArrayType::TimeDateTimeWithTimeZone => Calendar::Moment,
        _ => return None,
    })
}

fn is_decimal(ty: &ArrayType) -> bool {
    match ty {
        #[cfg(feature = "with-rust_decimal")]
        ArrayType::Decimal => true,
        #[cfg(feature = "with-bigdecimal")]
        ArrayType::BigDecimal => true,
        _ => false,
    }
}
