use audit_core::{Limits, Retention};
use chrono::{TimeDelta, Utc};
use sea_orm::{
    Condition, DatabaseConnection, DbBackend,
    prelude::DateTimeUtc,
    sea_query::{Expr, ExprTrait},
};

use crate::{entity::Column, trail::moment};

/// A retention as it is at one moment, as conditions on entries. They name no table, since partitions are asked, too.
pub(in crate::upkeep) struct Rules {
    pub(super) retention: Retention,
    pub(super) backend: DbBackend,
    now: DateTimeUtc,
}

impl Rules {
    /// None if a limit is zero.
    pub(super) fn new(db: &DatabaseConnection, retention: &Retention) -> Option<Self> {
        let mut limits = retention.tables().map(|(_, limits)| limits);
        let nothing =
            retention.limits_of_all().keeps_nothing() || limits.any(|own| own.keeps_nothing());
        let backend = db.get_database_backend();
        (!nothing).then(|| Self { retention: retention.clone(), backend, now: Utc::now() })
    }

    /// The moment from which on entries are young enough; none if they are at any age.
    pub(super) fn cutoff(&self, limits: Limits) -> Option<DateTimeUtc> {
        let days = limits.get_max_age_days()?;
        self.now.checked_sub_signed(TimeDelta::days(days.into()))
    }

    /// The latest of the cutoffs: what is younger is too old for no table.
    pub(super) fn latest_cutoff(&self) -> Option<DateTimeUtc> {
        let own = self.retention.tables().map(|(_, limits)| limits);
        own.chain([self.retention.limits_of_all()]).filter_map(|limits| self.cutoff(limits)).max()
    }

    /// Whether every entry from before this moment is too old, whatever its table, and none is held.
    pub(super) fn has_outlived_all_before(&self, moment: DateTimeUtc) -> bool {
        let own = self.retention.tables().map(|(_, limits)| limits);
        let mut limits = own.chain([self.retention.limits_of_all()]);
        Self::held(&self.retention).is_none()
            && limits.all(|limits| self.cutoff(limits).is_some_and(|cutoff| moment <= cutoff))
    }

    /// What has to stay at least by its age, or is held.
    pub(super) fn stays(&self) -> Condition {
        let own = self.retention.tables().map(|(table, limits)| (of_table(table), limits));
        let rest = [(self.of_the_rest(), self.retention.limits_of_all())];
        own.chain(rest)
            .map(|(of, limits)| match self.cutoff(limits) {
                Some(cutoff) => of.add(self.young(cutoff)),
                None => of,
            })
            .fold(Condition::any().add_option(Self::held(&self.retention)), Condition::add)
    }

    pub(super) fn young(&self, cutoff: DateTimeUtc) -> Expr {
        Expr::col(Column::Timestamp).gte(moment(self.backend, cutoff))
    }

    pub(super) fn old(&self, cutoff: DateTimeUtc) -> Expr {
        Expr::col(Column::Timestamp).lt(moment(self.backend, cutoff))
    }

    /// The entries of all tables that have no limits of their own. It is never an empty condition, which would stand for
    /// all entries in one place and for none in another.
    pub(super) fn of_the_rest(&self) -> Condition {
        let table = Expr::col(Column::TableName);
        let own: Vec<_> =
            self.retention.tables().map(|(table, _)| table).filter(storable).collect();
        Condition::all().add(if own.is_empty() {
            table.is_not_null()
        } else {
            table.is_not_in(own)
        })
    }

    /// What is held, whatever the limits say; none if nothing is.
    pub(in crate::upkeep) fn held(retention: &Retention) -> Option<Condition> {
        let mut held = Condition::any();
        let tables: Vec<_> = retention.kept_tables().filter(storable).collect();
        let users: Vec<_> = retention.kept_users().filter(storable).collect();
        if !tables.is_empty() {
            held = held.add(Expr::col(Column::TableName).is_in(tables));
        }
        if !users.is_empty() {
            held = held.add(Expr::col(Column::UserId).is_in(users));
        }
        for (table, record) in retention.kept_records().filter(|(a, b)| storable(a) && storable(b))
        {
            held = held.add(of_table(table).add(Expr::col(Column::RecordId).eq(record)));
        }
        (!held.is_empty()).then_some(held)
    }

    /// What is not held. `NOT` alone would leave out the entries without a user.
    pub(super) fn free(&self) -> Condition {
        let users: Vec<_> = self.retention.kept_users().filter(storable).collect();
        let tables: Vec<_> = self.retention.kept_tables().filter(storable).collect();
        let mut free = Condition::all();
        if !tables.is_empty() {
            free = free.add(Expr::col(Column::TableName).is_not_in(tables));
        }
        if !users.is_empty() {
            let user = Expr::col(Column::UserId);
            free = free.add(user.clone().is_null().or(user.is_not_in(users)));
        }
        let records = self.retention.kept_records().filter(|(a, b)| storable(a) && storable(b));
        records.fold(free, |free, (table, record)| {
            free.add(of_table(table).add(Expr::col(Column::RecordId).eq(record)).not())
        })
    }
}

pub(super) fn of_table(table: &str) -> Condition {
    Condition::all().add(Expr::col(Column::TableName).eq(table))
}

/// No text of the trail has U+0000 in it, and `PostgreSQL` fails on a question that has.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "a filter hands it so")]
pub(super) fn storable(text: &&str) -> bool {
    !text.contains('\0')
}
