//! Conditions on what stands in a JSON column, in the words of each database. Names and values are bound,
//! never written into the text.

use sea_orm::{
    DbBackend, IdenStatic,
    sea_query::{Alias, Expr, ExprTrait, Func, Query, SimpleExpr},
};
use serde_json::Value as Json;

use crate::entity::Column;

/// The entry's column holds this value under this name.
pub(super) fn holds(backend: DbBackend, column: Column, name: &str, value: &Json) -> SimpleExpr {
    match backend {
        DbBackend::Postgres => Expr::cust_with_values(
            format!("{} -> $1 = CAST($2 AS jsonb)", column.as_str()),
            [name.to_owned(), value.to_string()],
        ),
        DbBackend::MySql => mysql::holds(column, name, value),
        _ => sqlite::holds(column, name, value),
    }
}

/// The value under this name is another one after than before; none is `null`. A redacted value that is on
/// both sides has changed.
pub(super) fn changed(backend: DbBackend, name: &str) -> SimpleExpr {
    let mark = Json::from(audit_core::REDACTED);
    let both = holds(backend, Column::OldValues, name, &mark).and(holds(
        backend,
        Column::NewValues,
        name,
        &mark,
    ));
    let differs = match backend {
        DbBackend::Postgres => Expr::cust_with_values(
            "COALESCE(old_values -> $1, 'null') <> COALESCE(new_values -> $1, 'null')",
            [name],
        ),
        DbBackend::MySql => mysql::differs(name),
        _ => sqlite::differs(name),
    };
    differs.or(both)
}

mod mysql {
    use super::{Alias, Column, Expr, ExprTrait, Func, IdenStatic, Json, SimpleExpr};

    /// Beyond it the database compares numbers as floats.
    const EXACT: u64 = 1 << 53;

    pub(super) fn holds(column: Column, name: &str, value: &Json) -> SimpleExpr {
        let text = value.to_string();
        let equal = equals(extract(column, name), Expr::val(text.clone()));
        if value.as_i64().is_some_and(|number| number.unsigned_abs() > EXACT)
            || value.as_u64().is_some_and(|number| number > EXACT)
        {
            return equal.and(extract(column, name).eq(text));
        }
        equal
    }

    pub(super) fn differs(name: &str) -> SimpleExpr {
        let side = |column| Func::coalesce([extract(column, name), Expr::val("null")]).into();
        equals(side(Column::OldValues), side(Column::NewValues)).not()
    }

    /// By value, whatever the order of keys; null where a side has no such name. `JSON_EQUALS` would do, but
    /// holds for NULL where it is a condition with bound values (MariaDB 10.11).
    fn equals(a: SimpleExpr, b: SimpleExpr) -> SimpleExpr {
        let form = |json| Func::cust(Alias::new("JSON_NORMALIZE")).arg(json);
        let bytes = |json| SimpleExpr::from(Func::cast_as(form(json), Alias::new("BINARY")));
        bytes(a).eq(bytes(b))
    }

    fn extract(column: Column, name: &str) -> SimpleExpr {
        let path = format!("$.{}", Json::from(name));
        let column = Expr::col(Alias::new(column.as_str()));
        Func::cust(Alias::new("JSON_EXTRACT")).arg(column).arg(path).into()
    }
}

/// Names are compared with those that `json_each` tells: its paths know no quote in a name.
mod sqlite {
    use super::{Alias, Column, Expr, ExprTrait, Func, IdenStatic, Json, Query, SimpleExpr};

    pub(super) fn holds(column: Column, name: &str, value: &Json) -> SimpleExpr {
        let (kind, atom) = (Expr::col(Alias::new("type")), Expr::col(Alias::new("value")));
        let same = match value {
            Json::Null => kind.eq("null"),
            Json::Bool(true) => kind.eq("true"),
            Json::Bool(false) => kind.eq("false"),
            Json::Number(number) => {
                let numbers = kind.is_in(["integer", "real"]);
                match number.as_i64() {
                    Some(number) => numbers.and(atom.eq(number)),
                    None => numbers.and(atom.eq(number.as_f64())),
                }
            }
            Json::String(text) => kind.eq("text").and(atom.eq(&**text)),
            Json::Array(_) => kind.eq("array").and(atom.eq(value.to_string())),
            Json::Object(_) => kind.eq("object").and(atom.eq(value.to_string())),
        };
        Expr::exists(
            Query::select()
                .expr(Expr::val(1))
                .from_function(each(column), Alias::new("field"))
                .and_where(Expr::col(Alias::new("key")).eq(name))
                .and_where(same)
                .take(),
        )
    }

    pub(super) fn differs(name: &str) -> SimpleExpr {
        let side = |column, what: &'static str| -> SimpleExpr {
            let found = Query::select()
                .column(Alias::new(what))
                .from_function(each(column), Alias::new("field"))
                .and_where(Expr::col(Alias::new("key")).eq(name))
                .take();
            SimpleExpr::SubQuery(None, Box::new(found.into()))
        };
        let kind = |column| Func::coalesce([side(column, "type"), Expr::val("null")]);
        let (old, new) = (Column::OldValues, Column::NewValues);
        let value = side(old, "value").binary(is_not(), side(new, "value"));
        SimpleExpr::from(kind(old)).ne(kind(new)).or(value)
    }

    fn is_not() -> sea_orm::sea_query::BinOper {
        sea_orm::sea_query::BinOper::IsNot
    }

    fn each(column: Column) -> sea_orm::sea_query::FunctionCall {
        Func::cust(Alias::new("json_each")).arg(Expr::col(Alias::new(column.as_str())))
    }
}
