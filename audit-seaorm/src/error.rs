use std::{fmt, sync::Arc};

use audit_core::{ConfigError, Operation, PolicyError, Printable};
use sea_orm::{
    DbErr,
    prelude::{DateTimeUtc, Uuid},
};

use crate::{
    encode::EncodeError,
    guard::{Control, Kind},
    trail::Incomplete,
    transaction::Broken,
};

/// Why a change could not be recorded. It reaches the caller as [`DbErr::Custom`], the one variant
/// by which a hook can speak.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("column `{column}` of `{table}` cannot be recorded: {source}")]
    Encode { table: String, column: String, source: EncodeError },
    #[error(
        "the table audit_trail does not exist: run audit_migration::Migrator::up, or put \
         audit_migration::migrations() into your own migrator, before what writes ({0})"
    )]
    TableMissing(DbErr),
    #[error("this transaction cannot go on, because {0}: roll it back and run it again as a whole")]
    BrokenTransaction(Broken),
    #[error(
        "a transaction nested in this one is still open: commit it, roll it back or drop it first"
    )]
    NestedTransactionOpen,
    #[error(
        "`{table}` is excluded from the trail by the configuration in force, so that there is nothing to \
         verify: take it out of the exclusion, or verify it in the scope of another configuration"
    )]
    Excluded { table: String },
    #[error(
        "`{table}` is excluded from the trail by the configuration in force, so that its baseline would be written \
         nowhere: take it out of the exclusion, or run this in the scope of another configuration"
    )]
    BaselineExcluded { table: String },
    #[error(
        "the baseline of `{table}` would be written nowhere, inside of AuditContext::without_audit: run it outside"
    )]
    BaselinePaused { table: String },
    #[error(
        "DELETE of `{parent}` refused: the database would change audited records by itself, with no entry of \
         it: {path}. Delete these records first or let go of the parent, as `cascade_delete` and the \
         `delete` of ActiveModelEx do, or make the foreign key RESTRICT or NO ACTION"
    )]
    Cascades { parent: String, path: String },
    #[error(
        "DELETE of `{parent}` refused: the database may change audited records by itself, with no entry of it: \
         {path}. Make the foreign key RESTRICT or NO ACTION, or derive Auditable on the parent as well: then \
         a delete is refused only if there are such records. AuditContext::without_audit(..) lets it pass, \
         where they are deleted already"
    )]
    CascadesUnseen { parent: String, path: String },
    #[error("the range of time ends ({to}) before it begins ({from}): swap them")]
    Range { from: DateTimeUtc, to: DateTimeUtc },
    #[error(
        "the range of time has {buckets} buckets, more than {max}: ask for a shorter one, or for longer buckets"
    )]
    TooManyBuckets { buckets: u64, max: u64 },
    #[error("the range of time goes beyond the calendar: ask for a shorter one")]
    Calendar,
    #[error("no entry can be searched for this value of column `{column}`: {source}")]
    Unsearchable { column: String, source: EncodeError },
    #[error(
        "MariaDB cannot search JSON for {name:?}, or any name that begins with `-`: filter the entries of a wider query"
    )]
    UnsearchableName { name: String },
    #[error(transparent)]
    Query(Arc<AuditError>),
    #[error("{0}. `AuditTrail::state_as_of` and `State` give what is known")]
    Incomplete(Incomplete),
    #[error(
        "entry {} of audit_trail cannot be read: it was altered. `AuditTrail::verify` tells of all such entries",
        entry.unwrap_or_default()
    )]
    EntryUnreadable { entry: Option<Uuid> },
    #[error(
        "audit_trail has no partitions: put audit_migration::partition_by_month() behind the other migrations, or          let `AuditTrail::prune` delete what is too old"
    )]
    NotPartitioned,
    #[error(
        "audit_trail has partitions on PostgreSQL alone: here, let `AuditTrail::prune` delete what is too old"
    )]
    NoPartitionsHere,
    #[error("partitions are made for {most} months ahead at most, and {asked} were asked for")]
    MonthsAhead { most: u32, asked: u32 },
    #[error(
        "a limit of the retention is zero, which would leave nothing of the trail: it must be one at least"
    )]
    RetentionKeepsNothing,
    #[error(
        "a write of `{was}` was rolled back, because its entity has named another table before the write ended: {now}. \
         `schema_name` and `table_name` must name one table for as long as a write runs; a write that was dropped \
         half-way ends outside of the task that named it"
    )]
    Renamed { was: String, now: String },
    #[error(
        "write of `{table}` refused: no user is named in its scope, and the configuration requires one. Open a scope \
         around it, `AuditContext::new().user(AuditUser::new(..)).scope(..)`; for what the application does by itself \
         name `AuditUser::system(\"nightly-job\")`. A task made by tokio::spawn has no scope: use audit_seaorm::spawn"
    )]
    NoUser { table: String },
    #[error("audit_trail cannot be audited itself")]
    OwnTable,
    #[error(
        "the id of the user has {chars} characters, more than the {max} of audit_trail.user_id"
    )]
    UserIdTooLong { chars: usize, max: usize },
    #[error(
        "an update of many rows of `{table}` would change the primary key, so that nobody could follow \
         the record: insert the new rows and delete the old ones"
    )]
    KeyChange { table: String },
    #[error(
        "rows of `{table}` that were not locked have been changed with the others: another transaction \
         wrote them meanwhile. Run this again, or with IsolationLevel::RepeatableRead"
    )]
    ChangedMeanwhile { table: String },
    #[error(
        "an upsert of `{table}` cannot be recorded, because it changes the primary key of a row, or \
         because others keep inserting the same rows: leave the key out of the columns that it updates, \
         or run it again"
    )]
    UpsertUnclear { table: String },
    #[error(
        "a restore needs a DatabaseConnection, an AuditConnection or an AuditTransaction, so that all of it is one \
         transaction"
    )]
    RestoreOutside,
    #[error(
        "the row of record {record_id} of `{table}` does not fit the entity, so that it cannot be written"
    )]
    RowUnreadable { table: String, record_id: String },
    #[error(
        "{} of `{table}` does not fit the entity{}: give the type a place for it, or correct the row",
        row_of(record_id.as_deref()),
        in_column(column.as_deref())
    )]
    RowMisfit { table: String, record_id: Option<String>, column: Option<String> },
    #[error("`{table}` has no column `{column}` that a restore could leave out")]
    NoSuchColumn { table: String, column: String },
    #[error(
        "INSERT of `{table}` refused: a row with this key is there already, and on MariaDB SeaORM does not \
         tell a link that it left alone from one that it made. If this is a many-to-many relation, derive \
         Auditable on the entities at its ends, too, or load the links and save the new ones alone"
    )]
    LinkIsThere { table: String },
    #[error(
        "an upsert of `{table}` needs SeaORM's own DatabaseConnection or DatabaseTransaction, or an \
         AuditTransaction"
    )]
    UpsertOutside { table: String },
    #[error(
        "`{table}` is stored by {engine}, which has no transactions, so that a change and its entry cannot be committed \
         together: run ALTER TABLE `{table}` ENGINE=InnoDB, or exclude an audited table by AuditConfig::exclude_table"
    )]
    NoTransactions { table: String, engine: String },
    #[error(
        "audit_trail is a view in this database, so that it may have entries of several databases, and nothing in them \
         tells their `{table}` apart: name the database in the entity, by `schema_name`, or give each database a trail of \
         its own"
    )]
    SharedTrail { table: String },
    #[error(
        "an insert by a builder, on MariaDB, of `{table}` needs SeaORM's own DatabaseConnection or \
         DatabaseTransaction, or an AuditTransaction: call `insert` on each ActiveModel here"
    )]
    InsertOutside { table: String },
    #[error(
        "{operation} of `{table}` refused: this call reached a method of SeaORM's traits with {place}, \
         where the change and its entry cannot be made one. {}; \
         AuditConfig::on_escape(Escape::Warn) lets it pass, recorded as well as can be",
        place.advice()
    )]
    Escaped { operation: Operation, table: String, place: Place },
    #[error(
        "{kind} of `{table}` refused: this statement would change an audited table and leave no entry. \
         {}; AuditContext::without_audit(..) lets it pass unrecorded, and \
         `on_escape(Escape::Warn)` reports it only",
        kind.advice()
    )]
    Bypassed { kind: Kind, table: String },
    #[error(
        "{0} of audit_trail refused: nobody but audit-seaorm writes the trail. AuditTrail::record(..) \
         adds an entry; upkeep goes through `AuditConnection::inner()` or AuditContext::without_audit(..)"
    )]
    TrailWritten(Kind),
    #[error(
        "{control} refused: it would part the changes of this AuditTransaction from their entries. {}",
        control.advice()
    )]
    Control { control: Control },
    #[error(
        "{0} refused: what it does to audited tables cannot be seen from here. Write its statements \
         out, or run it in AuditContext::without_audit(..) if it changes none of them"
    )]
    Opaque(&'static str),
    #[error(
        "statement refused: it names the audited table `{table}`, may change it, and cannot be read{}. \
         Write it with `Entity::audited()` or in plainer SQL, or run it in \
         AuditContext::without_audit(..) if it does not change the table",
        because(*why)
    )]
    Unreadable { table: String, why: Option<&'static str> },
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(" ({why})"))
}

fn row_of(record_id: Option<&str>) -> String {
    record_id
        .map_or_else(|| "a row".to_owned(), |id| format!("the row of record {}", Printable(id)))
}

fn in_column(column: Option<&str>) -> String {
    let told =
        |column| format!(", for column `{column}` holds a value that its type does not know");
    column.map_or_else(String::new, told)
}

/// Where a write went that capture cannot follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Pool,
    Unknown(&'static str),
}

impl Place {
    fn advice(self) -> &'static str {
        match self {
            Self::Pool => {
                "Call the method on the concrete ActiveModel, or pass a transaction from `db.begin()`"
            }
            Self::Unknown(_) => {
                "Pass SeaORM's own DatabaseConnection or DatabaseTransaction, or an AuditTransaction"
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool => f.write_str("a connection pool"),
            Self::Unknown(name) => write!(f, "a {name}, which is not known to be a transaction"),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "one of its writes was dropped half-way",
            Self::EntryFailed => "the entry of one of its changes could not be made",
            Self::Unclear => "one of its writes failed and may have changed the row",
        })
    }
}

impl From<AuditError> for DbErr {
    fn from(error: AuditError) -> Self {
        Self::Custom(format!("audit: {error}"))
    }
}
