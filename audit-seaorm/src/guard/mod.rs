//! What stands between the application's own statements and the audited tables.
//!
//! Capture sends its statements past it. Every other one is looked at here. A few words decide that it cannot write
//! ([`words`]), or its tokens ([`lexer`]) tell what it writes ([`account`]). What writes an audited table without an
//! entry is an escape ([`verdict`]).
//!
//! The guard is no parser. It knows where in a statement the tables stand that are written, and takes each audited name
//! there for a write or for a doubt. What it does not know, it refuses where an audited table is named.

mod account;
mod cache;
mod cascade;
mod connection;
mod control;
mod delete;
mod foreign_keys;
mod heads;
mod known;
mod lexer;
mod names;
mod permits;
mod pool;
mod reading;
mod relations;
mod statement;
mod statements;
#[cfg(test)]
mod tests;
mod verbs;
mod verdict;
mod words;
mod zone;

use std::sync::Arc;

use audit_core::{AuditConfig, Escape, Operation};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, Statement};

use self::known::KnownKeys;
use self::reading::must_be_one;
use self::verdict::{Target, Verdict, Write};
pub use self::{cascade::Cascade, connection::AuditConnection, pool::AuditPool};
pub(crate) use self::{
    control::{Control, refuse_control},
    foreign_keys::{ForeignKey, Path},
    known::SchemaChange,
    permits::Permits,
    statement::Kind,
};
use crate::{
    AuditCounters, entity,
    error::AuditError,
    registry::{self, TableName},
};

/// What is done about statements that would change an audited table behind capture's back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    /// That of the configuration in force where none was chosen.
    escape: Option<Escape>,
    /// Those of the database behind an [`AuditConnection`].
    foreign_keys: Option<Arc<KnownKeys>>,
}

/// The connection that a statement is about to be sent on.
#[derive(Clone, Copy)]
pub(crate) struct Passage<'a> {
    pub(crate) backend: DbBackend,
    pub(crate) returning: bool,
    /// What hooks have seen to.
    pub(crate) permits: Option<&'a Permits>,
}

impl Guard {
    /// That of a transaction on the same connection.
    pub(crate) fn of_transaction(&self) -> Self {
        let known = self.foreign_keys.as_ref().map(KnownKeys::of_transaction);
        Self { escape: self.escape, foreign_keys: known.map(Arc::new) }
    }

    /// Reads the foreign keys, unless they are known well enough, and warns of those that change records.
    pub(crate) async fn learn(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        match &self.foreign_keys {
            Some(known) => known.learn(db).await,
            None => Ok(()),
        }
    }

    /// How a delete of this table would change records inside of the database.
    pub(crate) fn cascades(&self, parent: &TableName, config: &AuditConfig) -> Vec<Path> {
        let known = self.foreign_keys.as_ref().and_then(|known| known.keys());
        registry::learn();
        known.map_or_else(Vec::new, |keys| keys.paths(parent, config))
    }

    /// Lets a statement pass, or says why not. `db` is the connection past the guard.
    pub(crate) async fn admit(
        &self,
        db: &impl ConnectionTrait,
        sql: &str,
        passage: Passage<'_>,
    ) -> Result<Option<SchemaChange>, DbErr> {
        let seen = words::seen(passage.backend, sql);
        if seen.may_write && !audit_core::is_paused() {
            if delete::may_delete(sql) {
                self.learn(db).await?;
            }
            self.judge(sql, passage)?;
        }
        let known = self.foreign_keys.as_ref().filter(|_| seen.may_define);
        Ok(known.map(|known| SchemaChange(Arc::clone(known))))
    }

    fn judge(&self, sql: &str, passage: Passage<'_>) -> Result<(), DbErr> {
        let reading = cache::reading(passage.backend, sql);
        let config = AuditConfig::current();
        let escape = escape_of(&reading.verdict, &config, passage);
        match escape.or_else(|| self.cascaded(passage.backend, sql, &config)) {
            Some(escape) => self.escaped(escape, &config),
            None => Ok(()),
        }
    }

    /// A delete of a table whose own changes nobody records, but those of its children.
    fn cascaded(&self, backend: DbBackend, sql: &str, config: &AuditConfig) -> Option<AuditError> {
        let known = self.foreign_keys.as_ref()?.keys()?;
        let parents = known.unrecorded_parents(config);
        let parents = delete::deleted(backend, sql, parents);
        let path = parents.into_iter().find_map(|parent| known.paths_of(parent, config).pop())?;
        Some(AuditError::CascadesUnseen {
            parent: path.first()?.facts.parent.clone(),
            path: told(&path),
        })
    }

    pub(crate) fn escaped(&self, error: AuditError, config: &AuditConfig) -> Result<(), DbErr> {
        AuditCounters::count_escaped();
        match self.escape.unwrap_or_else(|| config.escape()) {
            Escape::Allow => Ok(()),
            Escape::Warn => {
                tracing::warn!(%error, "audited write escaped: the statement goes on without an entry");
                Ok(())
            }
            _ => Err(error.into()),
        }
    }
}

fn escape_of(verdict: &Verdict, config: &AuditConfig, passage: Passage<'_>) -> Option<AuditError> {
    match verdict {
        Verdict::Clear => None,
        Verdict::Writes(writes) => writes
            .iter()
            .filter(|write| !permitted(write, passage))
            .find_map(|write| Some(bypassed(write.kind, recorded(&write.target, config)?))),
        Verdict::Opaque(what) => Some(AuditError::Opaque(what)),
        Verdict::Unreadable(targets, why) => {
            let table = targets.iter().find_map(|target| recorded(target, config))?;
            Some(AuditError::Unreadable { table: table.to_owned(), why: *why })
        }
    }
}

fn permitted(write: &Write, passage: Passage<'_>) -> bool {
    let (Some(permits), Some(operation)) = (passage.permits, write.kind.of_hook()) else {
        return false;
    };
    let all = operation == Operation::Delete || passage.returning;
    match &write.target {
        Target::Trail => false,
        Target::Audited(tables) => {
            tables.iter().any(|table| permits.take(&table.in_trail, operation, all))
        }
    }
}

/// The table's name, if its changes are recorded.
fn recorded<'a>(target: &'a Target, config: &AuditConfig) -> Option<&'a str> {
    match target {
        Target::Trail => Some(entity::TABLE),
        Target::Audited(tables) => {
            tables.iter().map(|table| table.in_trail.as_str()).find(|table| config.records(table))
        }
    }
}

fn bypassed(kind: Kind, table: &str) -> AuditError {
    if table == entity::TABLE {
        return AuditError::TrailWritten(kind);
    }
    AuditError::Bypassed { kind, table: table.to_owned() }
}

/// The foreign keys of a path, in words.
pub(crate) fn told(path: &[Arc<ForeignKey>]) -> String {
    path.iter().map(|key| key.facts.to_string()).collect::<Vec<_>>().join("; ")
}

/// Sends a text that has been admitted, so that the database takes no more statements of it than the guard has seen.
pub(crate) async fn execute_admitted(
    db: &impl ConnectionTrait,
    sql: &str,
) -> Result<ExecResult, DbErr> {
    let backend = db.get_database_backend();
    if must_be_one(backend, sql) {
        // What is prepared is one statement, or an error.
        db.execute_raw(Statement::from_string(backend, sql)).await
    } else {
        db.execute_unprepared(sql).await
    }
}
