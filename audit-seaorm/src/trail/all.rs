//! All audited tables at once: the derive has entered each of them, so none is forgotten.

use std::{collections::BTreeMap, fmt};

use audit_core::{AuditConfig, Printable};
use futures_util::future::BoxFuture;
use sea_orm::{DatabaseConnection, DbErr};

use super::{AuditTrail, BaselineReport, Verification};
use crate::{
    AuditPool,
    registry::{self, AuditedTable},
};

/// An audited table of the program, as [`AuditTrail::tables`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableInfo {
    /// Its name in the trail: `table`, or `schema.table` where the entity names a schema.
    pub name: String,
    /// The Rust types of its entities. There may be several, each for a part of its columns.
    pub entities: Vec<&'static str>,
    /// Whether the configuration in force records it: false if it is excluded.
    pub is_recorded: bool,
}

/// What came of one table.
#[derive(Debug)]
#[non_exhaustive]
pub enum TableOutcome<R> {
    /// It was done.
    Done(R),
    /// The configuration in force excludes the table, so nothing was done.
    Excluded,
    /// It failed. Other tables are not affected.
    Failed(DbErr),
}

/// What came of each audited table, by its name in the trail. Where several entities of a table had to be asked, it is there
/// once for each.
#[derive(Debug)]
#[non_exhaustive]
pub struct AllTables<R> {
    /// In the order of the names.
    pub tables: Vec<(String, TableOutcome<R>)>,
}

impl<R> AllTables<R> {
    /// The tables for which it failed.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &DbErr)> {
        self.tables.iter().filter_map(|(table, outcome)| match outcome {
            TableOutcome::Failed(error) => Some((table.as_str(), error)),
            _ => None,
        })
    }

    /// The tables that the configuration excludes.
    pub fn excluded(&self) -> impl Iterator<Item = &str> {
        let excluded = |outcome: &TableOutcome<R>| matches!(outcome, TableOutcome::Excluded);
        self.tables.iter().filter(move |(_, it)| excluded(it)).map(|(table, _)| table.as_str())
    }

    /// The reports of the tables for which it was done.
    pub fn done(&self) -> impl Iterator<Item = &R> {
        self.tables.iter().filter_map(|(_, outcome)| match outcome {
            TableOutcome::Done(report) => Some(report),
            _ => None,
        })
    }
}

impl AllTables<Verification> {
    /// Whether the trail explains each table that is not excluded. A table that could not be verified is not explained.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failed().next().is_none() && self.done().all(Verification::is_clean)
    }
}

/// A line or more for each table.
impl<R: fmt::Display> fmt::Display for AllTables<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (table, outcome)) in self.tables.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            match outcome {
                TableOutcome::Done(report) => report.fmt(f)?,
                TableOutcome::Excluded => write!(f, "{}: excluded", Printable(table))?,
                TableOutcome::Failed(error) => write!(f, "{}: failed: {error}", Printable(table))?,
            }
        }
        Ok(())
    }
}

impl AuditTrail {
    /// All audited tables of the program, in the order of their names, those that the configuration excludes among them.
    ///
    /// The derive enters an entity at link time, so a new one is in the list without a line of code.
    #[must_use]
    pub fn tables() -> Vec<TableInfo> {
        let config = AuditConfig::current();
        let tables = by_name().into_iter().map(|(name, entities)| TableInfo {
            entities: entities.iter().map(|facts| facts.table().entity()).collect(),
            is_recorded: config.records(&name),
            name,
        });
        tables.collect()
    }

    /// [`verify`](Self::verify) for each audited table, one after the other. Each sees one state of the database, and
    /// others may have written between two tables.
    ///
    /// Of several entities of one table, those are asked that are needed to compare each column. A table that is excluded
    /// is reported as such, and one that fails does not keep the others from being verified.
    ///
    /// ```standalone_crate
    /// use audit_seaorm::AuditTrail;
    /// # use audit_migration::MigratorTrait;
    /// # use sea_orm::{ActiveValue::Set, ConnectionTrait, Database, DbErr};
    /// # mod post {
    /// #     use sea_orm::entity::prelude::*;
    /// #     #[sea_orm::model]
    /// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    /// #     #[sea_orm(table_name = "post")]
    /// #     pub struct Model {
    /// #         #[sea_orm(primary_key)]
    /// #         pub id: i32,
    /// #         pub title: String,
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # db.get_schema_builder().register(post::Entity).apply(&db).await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// # db.execute_unprepared("INSERT INTO post (title) VALUES ('older than the trail')").await?;
    /// assert_eq!(AuditTrail::tables()[0].name, "post");
    /// assert!(!AuditTrail::verify_all(&db).await.is_clean());
    ///
    /// println!("{}", AuditTrail::baseline_all(&db).await); // post: 1 rows written, …
    /// let report = AuditTrail::verify_all(&db).await;
    /// assert!(report.is_clean(), "{report}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub async fn verify_all(db: &impl AuditPool) -> AllTables<Verification> {
        for_each(db, needed, |facts, db| (facts.verify)(db)).await
    }

    /// [`baseline`](Self::baseline) for each audited table, one after the other, with the reason of the context in force.
    ///
    /// Of several entities of one table the one with the most columns is taken. A table that is excluded is reported as
    /// such, and one that fails does not keep the others from theirs.
    ///
    /// # Cancel safety
    ///
    /// As [`Baseline::exec`](crate::Baseline::exec): what is missing comes with the next run.
    pub async fn baseline_all(db: &impl AuditPool) -> AllTables<BaselineReport> {
        for_each(db, widest, |facts, db| (facts.baseline)(db)).await
    }
}

type Entities = Vec<&'static AuditedTable>;

/// The entities of each table, the one with the most columns first.
fn by_name() -> BTreeMap<String, Entities> {
    let mut tables: BTreeMap<String, Entities> = BTreeMap::new();
    for facts in registry::entities() {
        tables.entry(facts.table().name()).or_default().push(facts);
    }
    for entities in tables.values_mut() {
        entities.sort_by_key(|it| (usize::MAX - (it.columns)().len(), it.table().entity()));
    }
    tables
}

/// Those that have a column which none of those before has.
fn needed(entities: Entities) -> Entities {
    let mut columns = Vec::new();
    let adds = |facts: &&'static AuditedTable| {
        let known = columns.len();
        for column in (facts.columns)() {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns.len() > known
    };
    entities.into_iter().filter(adds).collect()
}

fn widest(entities: Entities) -> Entities {
    entities.into_iter().take(1).collect()
}

async fn for_each<R>(
    db: &impl AuditPool,
    choose: fn(Entities) -> Entities,
    work: for<'a> fn(
        &'static AuditedTable,
        &'a DatabaseConnection,
    ) -> BoxFuture<'a, Result<R, DbErr>>,
) -> AllTables<R> {
    let (db, config) = (db.guarded().into_inner(), AuditConfig::current());
    let mut tables = Vec::new();
    for (name, entities) in by_name() {
        if !config.records(&name) {
            tables.push((name, TableOutcome::Excluded));
            continue;
        }
        for facts in choose(entities) {
            let outcome = match work(facts, &db).await {
                Ok(report) => TableOutcome::Done(report),
                Err(error) => TableOutcome::Failed(error),
            };
            tables.push((name.clone(), outcome));
        }
    }
    AllTables { tables }
}
