use std::{collections::BTreeMap, fmt};

use audit_core::{Limits, Printable};
use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, DbErr, IdenStatic, Order,
    sea_query::{
        Alias, Asterisk, Expr, ExprTrait, Func, OverStatement, Query, SelectStatement,
        WindowStatement,
    },
};

use super::{Rules, rules::of_table};
use crate::{
    entity::{Column, Entity},
    stored::Stored,
};

/// What [`Prune::exec`](crate::Prune::exec) would delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrunePlan {
    by_table: BTreeMap<String, u64>,
}

impl PrunePlan {
    /// How many entries of each table would go; tables that would lose none are not among them.
    #[must_use]
    pub fn by_table(&self) -> &BTreeMap<String, u64> {
        &self.by_table
    }

    /// How many entries would go.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_table.values().sum()
    }
}

impl fmt::Display for PrunePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries would be deleted", self.total())?;
        for (table, entries) in &self.by_table {
            write!(f, "\n  {entries} of ")?;
            Printable(table).fmt(f)?;
        }
        Ok(())
    }
}

/// The places of an entry, counted from the newest.
const OF_RECORD: &str = "place_of_record";
const OF_TABLE: &str = "place_of_table";

pub(super) async fn count(db: &DatabaseConnection, rules: &Rules) -> Result<PrunePlan, DbErr> {
    let Some(beyond) = beyond(rules) else { return Ok(PrunePlan::default()) };
    let table = Column::TableName;
    let count = Query::select()
        .column(table)
        .expr_as(Func::count(Expr::col(Asterisk)), "gone")
        .from_subquery(entries(rules), "entries")
        .cond_where(Condition::all().add(beyond).add(rules.free()))
        .group_by_col(table)
        .take();
    let rows = db.query_all(&count).await?;
    let mut by_table = BTreeMap::new();
    for row in &rows {
        let gone: i64 = row.try_get("", "gone")?;
        let table = Stored::read(row, table.as_str()).map(Stored::into_text);
        *by_table.entry(table.unwrap_or_default()).or_default() += gone.unsigned_abs();
    }
    Ok(PrunePlan { by_table })
}

/// What is beyond a limit; none if there is no limit.
fn beyond(rules: &Rules) -> Option<Condition> {
    let own = rules.retention.tables().map(|(table, limits)| (of_table(table), limits));
    let rest = [(rules.of_the_rest(), rules.retention.limits_of_all())];
    let limited = own.chain(rest).filter(|(_, limits)| *limits != Limits::new());
    limited
        .map(|(of, limits)| of.add(beyond_limits(rules, limits)))
        .reduce(|a, b| Condition::any().add(a).add(b))
}

fn beyond_limits(rules: &Rules, limits: Limits) -> Condition {
    // A limit that no count can reach is none.
    let more = |place: &'static str, limit: u64| {
        Expr::col(Alias::new(place)).gt(i64::try_from(limit).unwrap_or(i64::MAX))
    };
    // An age that goes beyond the calendar is none.
    let old = rules.cutoff(limits).map(|cutoff| rules.old(cutoff));
    Condition::any()
        .add(Expr::val(1).eq(0))
        .add_option(old)
        .add_option(limits.get_newest_per_record().map(|limit| more(OF_RECORD, limit)))
        .add_option(limits.get_newest_per_table().map(|limit| more(OF_TABLE, limit)))
}

fn entries(rules: &Rules) -> SelectStatement {
    let columns = [Column::TableName, Column::RecordId, Column::UserId, Column::Timestamp];
    let mut entries = Query::select();
    entries.columns(columns).from(Entity);
    let uses = |limit: fn(Limits) -> Option<u64>| {
        let mut all = rules
            .retention
            .tables()
            .map(|(_, limits)| limits)
            .chain([rules.retention.limits_of_all()]);
        all.any(|limits| limit(limits).is_some())
    };
    if uses(|limits| limits.get_newest_per_record()) {
        number(&mut entries, &[Column::TableName, Column::RecordId], OF_RECORD);
    }
    if uses(|limits| limits.get_newest_per_table()) {
        number(&mut entries, &[Column::TableName], OF_TABLE);
    }
    entries
}

fn number(entries: &mut SelectStatement, among: &[Column], name: &'static str) {
    let mut window = WindowStatement::new();
    for column in among {
        window.partition_by(*column);
    }
    window.order_by(Column::Timestamp, Order::Desc).order_by(Column::Id, Order::Desc);
    entries.expr_window_as(Func::cust("ROW_NUMBER"), window, name);
}
