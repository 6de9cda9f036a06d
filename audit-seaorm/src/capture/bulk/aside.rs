//! Many rows, set aside in a temporary table while one statement writes them.
//!
//! A statement of the user's stays one statement, however many rows it is for: a constraint that the database checks at
//! its end, or a trigger that it fires for each statement, would notice several. So all before-images are needed at once,
//! and they may be more than fits into memory. The database keeps them: in a table that no other session can read, and
//! that is gone when the statement has been recorded.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult,
    Iterable, Order, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, IntoIden, LockType, Query, SelectStatement, TableName, TableRef},
};

use super::{
    keys::{self, Key},
    page_size::PageSize,
    selection::Selection,
};
use crate::{
    capture::{
        Executor, Ground, Intent,
        former::{BEFORE, has_names, named},
    },
    database_error::{DatabaseError, Kind},
    found::{self, Found},
    measure::{Step, added},
    record::key_columns,
};

const TABLE: &str = "audit_before";
/// The rows of a selection as they stand, locked until the transaction ends.
pub(super) struct Aside<'a, E> {
    selection: &'a Selection<E>,
    ground: &'a Ground<'a>,
    /// The number of the last row, and of the last one that was read.
    rows: i64,
    read: i64,
    size: PageSize,
}

impl<'a, E: EntityTrait> Aside<'a, E> {
    /// None where there can be no such table: outside of a transaction, on a connection that takes no text of ours, or
    /// if the role may make none.
    pub(super) async fn of(
        selection: &'a Selection<E>,
        ground: &'a Ground<'a>,
        intent: Intent,
    ) -> Result<Option<Self>, DbErr> {
        if !can_be_made::<E>(ground.db).await? {
            return Ok(None);
        }
        let rows = added(Step::Image, fill(selection, ground.db, intent)).await?;
        let aside = |rows| Self { selection, ground, rows, read: 0, size: PageSize::default() };
        Ok(rows.map(aside))
    }

    /// These rows and no others, whatever the filter has come to find meanwhile. The filter stays beside them: it finds
    /// the rows as it would have without us.
    pub(super) fn condition(&self) -> Condition {
        let own = Expr::tuple(key_columns::<E>().map(|key| Expr::col(key.as_column_ref())));
        let mut these = Query::select();
        these.exprs(places::<E>().map(|place| Expr::col(key(place)))).from(table(self.backend()));
        let these = Condition::all().add(own.in_subquery(these.take()));
        if self.selection.is_by_row() { these.add(self.selection.condition()) } else { these }
    }

    /// The next rows as they were and as they are; none once there are no more.
    pub(super) async fn changed(&mut self) -> Result<Option<Vec<(E::Model, Found<E>)>>, DbErr> {
        let Some(page) = self.next_page() else { return Ok(None) };
        let backend = self.backend();
        let mut rows = E::find().into_query();
        rows.inner_join(before(backend), same_key::<E>()).cond_where(page);
        rows.exprs(found::extras::<E>(backend)).order_by((BEFORE, "n"), Order::Asc);
        for (place, column) in E::Column::iter().enumerate() {
            rows.expr_as(former(place), named(column));
        }
        if backend == DbBackend::MySql {
            // A plain read sees a row that the statement did not change as the transaction saw it first.
            rows.lock(LockType::Update);
        }
        let read = |row: &QueryResult| {
            Ok((E::Model::from_query_result(row, BEFORE)?, Found::read(row, backend)?))
        };
        self.ground.db.query_all(&rows).await?.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// The next rows of which there is none by now; none once there are no more.
    pub(super) async fn gone(&mut self) -> Result<Option<Vec<Found<E>>>, DbErr> {
        let there = Query::select()
            .expr(Expr::val(1))
            .from(E::default().table_ref())
            .cond_where(same_key::<E>())
            .take();
        self.former(Expr::exists(there).not()).await
    }

    /// The keys of the next rows; none once there are no more, and then it begins again.
    pub(super) async fn keys(&mut self) -> Result<Option<Vec<Key>>, DbErr> {
        let rows = self.former(Expr::val(1).eq(1)).await?;
        if rows.is_none() {
            self.read = 0;
        }
        Ok(rows.map(|rows| rows.iter().map(|row| keys::key_of::<E>(&row.model)).collect()))
    }

    /// Takes into account how much the entries of a page weigh.
    pub(super) fn weigh(&mut self, weight: usize) {
        self.size.adapt(weight);
    }

    /// Hands the outcome on when the table is gone.
    pub(super) async fn end<T>(self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        let backend = self.backend();
        // The others take it back together with the write that failed.
        if outcome.is_err() && backend != DbBackend::MySql {
            return outcome;
        }
        let kind = if backend == DbBackend::MySql { "TEMPORARY " } else { "" };
        let drop = format!("DROP {kind}TABLE {}", name(backend));
        let dropped = self.ground.db.execute_unprepared(&drop).await;
        outcome.and_then(|value| dropped.map(|_| value))
    }

    async fn former(&mut self, condition: Expr) -> Result<Option<Vec<Found<E>>>, DbErr> {
        let Some(page) = self.next_page() else { return Ok(None) };
        let backend = self.backend();
        let mut rows = Query::select();
        rows.from(before(backend)).cond_where(page.add(condition));
        rows.exprs(found::extras::<E>(backend)).order_by((BEFORE, "n"), Order::Asc);
        for (place, column) in E::Column::iter().enumerate() {
            rows.expr_as(former(place), column.into_iden());
        }
        let rows = self.ground.db.query_all(&rows).await?;
        rows.iter().map(|row| Found::read(row, backend)).collect::<Result<_, _>>().map(Some)
    }

    /// Goes on to the next rows, and tells which these are.
    fn next_page(&mut self) -> Option<Condition> {
        let last = self.read;
        self.read = Ord::min(self.rows, last.saturating_add_unsigned(self.size.rows()));
        let number = || Expr::col((BEFORE, "n"));
        (last < self.rows)
            .then(|| Condition::all().add(number().gt(last)).add(number().lte(self.read)))
    }

    fn backend(&self) -> DbBackend {
        self.ground.db.get_database_backend()
    }
}

async fn can_be_made<E: EntityTrait>(db: Executor<'_>) -> Result<bool, DbErr> {
    if !matches!(db, Executor::Transaction(_)) || !has_names::<E>() {
        return Ok(false);
    }
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    // Asked first, for a refusal would undo the transaction.
    let allowed = Expr::cust("has_database_privilege(current_database(), 'TEMP')");
    let row = db.query_one(&Query::select().expr(allowed).take()).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// Tells the number of the last row; none if the role may make no such table.
async fn fill<E: EntityTrait>(
    selection: &Selection<E>,
    db: Executor<'_>,
    intent: Intent,
) -> Result<Option<i64>, DbErr> {
    let backend = db.get_database_backend();
    let mut create = backend.build(&rows::<E>(selection, intent, backend));
    create.sql = created::<E>(backend, &create.sql);
    match db.execute_raw(create).await {
        Err(error) if is_refused(backend, &error) => return Ok(None),
        created => created?,
    };
    if let Some(index) = index(backend) {
        db.execute_unprepared(index).await?;
    }
    let last = Expr::cust("COALESCE(MAX(n), 0)");
    let last = db.query_one(&Query::select().expr(last).from(table(backend)).take()).await?;
    last.map_or(Ok(Some(0)), |last| last.try_get_by_index(0).map(Some))
}

/// `MariaDB` tells that the role may not, and `MySQL` that it has no such statement. Both leave the transaction as it was.
fn is_refused(backend: DbBackend, error: &DbErr) -> bool {
    let kind = DatabaseError::of(error).map(|error| error.kind);
    backend == DbBackend::MySql && matches!(kind, Some(Kind::NotAllowed | Kind::SyntaxError))
}

/// What is set aside of the rows, in the order of their keys: these as they are, and the columns as the model reads them.
fn rows<E: EntityTrait>(
    selection: &Selection<E>,
    intent: Intent,
    backend: DbBackend,
) -> SelectStatement {
    let rows = E::find().select_only().filter(selection.condition());
    let rows = key_columns::<E>().zip(0..).fold(rows, |rows, (column, place)| {
        rows.expr_as(Expr::col(column.as_column_ref()), key(place)).order_by_asc(column)
    });
    let rows = E::Column::iter().zip(0..).fold(rows, |rows, (column, place)| {
        rows.expr_as(column.select_as(Expr::col(column.as_column_ref())), image(place))
    });
    rows.lock(intent.lock(backend)).into_query()
}

/// The statement that makes the table of these rows, each with its number in `n`.
fn created<E: EntityTrait>(backend: DbBackend, rows: &str) -> String {
    let name = name(backend);
    if backend == DbBackend::MySql {
        // A rollback does not take it back, so one may be left of a transaction that nobody saw end.
        let keys = places::<E>().map(key).collect::<Vec<_>>().join(", ");
        return format!(
            "CREATE OR REPLACE TEMPORARY TABLE {name} \
             (n BIGINT AUTO_INCREMENT PRIMARY KEY, KEY ({keys})) ENGINE = InnoDB {rows}"
        );
    }
    let until = if backend == DbBackend::Postgres { "ON COMMIT DROP" } else { "" };
    format!(
        "CREATE TEMPORARY TABLE {name} {until} AS \
         SELECT ROW_NUMBER() OVER () AS n, s.* FROM ({rows}) s"
    )
}

/// By which pages are found. The keys need none: `IN` builds one.
fn index(backend: DbBackend) -> Option<&'static str> {
    match backend {
        DbBackend::Postgres => Some("CREATE UNIQUE INDEX ON pg_temp.audit_before (n)"),
        DbBackend::Sqlite => Some("CREATE UNIQUE INDEX temp.audit_before_n ON audit_before (n)"),
        _ => None,
    }
}

fn schema(backend: DbBackend) -> Option<&'static str> {
    match backend {
        DbBackend::Postgres => Some("pg_temp"),
        DbBackend::Sqlite => Some("temp"),
        _ => None,
    }
}

fn name(backend: DbBackend) -> String {
    schema(backend).map_or_else(|| TABLE.to_owned(), |schema| format!("{schema}.{TABLE}"))
}

fn table(backend: DbBackend) -> TableRef {
    TableRef::Table(qualified(backend), None)
}

fn before(backend: DbBackend) -> TableRef {
    TableRef::Table(qualified(backend), Some(BEFORE.into_iden()))
}

fn qualified(backend: DbBackend) -> TableName {
    match schema(backend) {
        Some(schema) => TableName::from((schema, TABLE)),
        None => TableName::from(TABLE),
    }
}

fn same_key<E: EntityTrait>() -> Condition {
    key_columns::<E>().zip(0..).fold(Condition::all(), |same, (column, place)| {
        same.add(Expr::col(column.as_column_ref()).eq(Expr::col((BEFORE, key(place)))))
    })
}

fn former(place: usize) -> Expr {
    Expr::col((BEFORE, image(place)))
}

fn places<E: EntityTrait>() -> impl Iterator<Item = usize> {
    key_columns::<E>().enumerate().map(|(place, _)| place)
}

fn key(place: usize) -> String {
    format!("k{place}")
}

fn image(place: usize) -> String {
    format!("c{place}")
}
