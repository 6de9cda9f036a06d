use std::collections::{BTreeSet, HashMap};

use audit_core::{AuditEntry, Image, Operation};
use futures_util::TryStreamExt;
use sea_orm::{DbErr, prelude::DateTimeUtc};
use serde_json::Value as Json;

use super::{
    error::RestoreError,
    span::{Ends, Span},
    table::Table,
};
use crate::{
    AuditTransaction, registry, search_path,
    trail::{
        AuditQuery, AuditTrail,
        columns::Columns,
        renames::Renames,
        state::{self, Fold},
    },
};

/// What is to be undone.
pub(super) struct Undoing {
    pub(super) records: Vec<Undo>,
    /// In the order in which it is undone: the newest first, so that on the way the database is nowhere but where it
    /// has been, and foreign keys and unique columns hold as they held then.
    pub(super) steps: Vec<Step>,
    /// The time of the newest entry.
    pub(super) until: DateTimeUtc,
}

/// What is to be undone of one record.
pub(super) struct Undo {
    pub(super) table: &'static dyn Table,
    pub(super) record_id: String,
    pub(super) ends: Ends,
    pub(super) span: Span,
    /// Whether the record is brought back as a whole, and not just in what the entries changed.
    pub(super) whole: bool,
}

/// Entries of one record that no entry of another one comes between.
pub(super) struct Step {
    /// Its place among the records.
    pub(super) record: usize,
    /// The record ahead of them.
    pub(super) then: Option<Image>,
}

/// The entries that a query finds, of whichever records.
pub(super) async fn changes(
    txn: &AuditTransaction,
    query: AuditQuery,
) -> Result<Option<Undoing>, RestoreError> {
    let entries = query.oldest_first().limit(u64::MAX).stream(txn);
    let entries: Vec<_> = entries.try_collect().await?;
    let Some(until) = entries.last().map(|entry| entry.timestamp) else { return Ok(None) };
    let tables = facts(txn, &entries).await?;
    let mut gathered = Gathered::default();
    for entry in entries {
        if let Some(facts) = tables.get(&entry.table_name) {
            gathered.add(entry, facts)?;
        }
    }
    Ok(Some(gathered.finish(until)))
}

/// The entries of one record that are later than `when`.
pub(super) async fn record(
    txn: &AuditTransaction,
    table: &'static dyn Table,
    record_id: &str,
    query: AuditQuery,
    when: DateTimeUtc,
) -> Result<Option<Undoing>, RestoreError> {
    let (columns, renames) = (table.columns(), table.renames());
    let query = query.table(table.name()).record(record_id).oldest_first().limit(u64::MAX);
    let mut entries = std::pin::pin!(query.stream(txn));
    let (mut fold, mut span) = (Fold::default(), Span::default());
    let (mut then, mut until) = (None, None);
    while let Some(entry) = entries.try_next().await? {
        let event = state::event(&entry, &renames).map_err(DbErr::from)?;
        if entry.timestamp > when {
            if span.ends().is_none() {
                then = until.is_some().then(|| fold.image().cloned());
            }
            span.apply(event.clone(), &columns);
        }
        fold.apply(event);
        until = Some(entry.timestamp);
    }
    let Some(until) = until else { return Ok(None) };
    if span.ends().is_none() {
        then = Some(fold.image().cloned());
    }
    // What the entries up to then tell, and for the rest what the later ones found.
    let found = span.ends().and_then(|ends| ends.then.clone());
    let then = match then {
        None => found,
        Some(None) => None,
        Some(Some(known)) => {
            let mut then = found.unwrap_or_default();
            then.extend(known);
            Some(then)
        }
    };
    let ends = Ends { then: then.clone(), since: fold.into_image() };
    let record_id = record_id.to_owned();
    let undo = Undo { table, record_id, ends, span, whole: true };
    Ok(Some(Undoing { records: vec![undo], steps: vec![Step { record: 0, then }], until }))
}

/// What is to be known of the tables of these entries, by their names.
async fn facts(
    txn: &AuditTransaction,
    entries: &[AuditEntry],
) -> Result<HashMap<String, Facts>, RestoreError> {
    let mut columns: HashMap<&str, BTreeSet<String>> = HashMap::new();
    for entry in entries {
        let known = columns.get(&*entry.table_name);
        let whole = match known {
            None if registry::tables(&entry.table_name).len() > 1 => whole(txn, entry).await?,
            _ => None,
        };
        let names = columns.entry(&entry.table_name).or_default();
        names.extend(whole.iter().flat_map(columns_of).chain(columns_of(entry)).cloned());
    }
    let mut facts = HashMap::new();
    for (name, columns) in columns {
        let table = fitting(written_as(txn, name).await?, &columns);
        let table = table.ok_or_else(|| RestoreError::NoEntity { table: name.to_owned() })?;
        let known = Facts { table, columns: table.columns(), renames: table.renames() };
        facts.insert(name.to_owned(), known);
    }
    Ok(facts)
}

/// The entities that write this table on this connection. Another connection may find another table under the name
/// that an entity has.
async fn written_as(
    txn: &AuditTransaction,
    name: &str,
) -> Result<Vec<&'static dyn Table>, RestoreError> {
    let mut found = Vec::new();
    for table in registry::tables(name) {
        if search_path::name_in_trail(txn, table.name()).await? == name {
            found.push(table);
        }
    }
    Ok(found)
}

/// An entry of the same record that has all of its columns, for an update has few.
async fn whole(
    txn: &AuditTransaction,
    entry: &AuditEntry,
) -> Result<Option<AuditEntry>, RestoreError> {
    let of_record = AuditTrail::query().table(&entry.table_name).record(&entry.record_id);
    let whole =
        of_record.operations([Operation::Create, Operation::Delete, Operation::Baseline]).limit(1);
    Ok(whole.all(txn).await?.pop())
}

fn columns_of(entry: &AuditEntry) -> impl Iterator<Item = &String> {
    let images = [&entry.old_values, &entry.new_values].into_iter().flatten();
    images.filter_map(Json::as_object).flat_map(Image::keys)
}

/// The entity of a table; of several, the smallest that knows these columns.
fn fitting(
    tables: Vec<&'static dyn Table>,
    columns: &BTreeSet<String>,
) -> Option<&'static dyn Table> {
    tables.into_iter().min_by_key(|table| {
        let (names, renames) = (table.names(), table.renames());
        let mut known = names.iter().flat_map(|name| renames.names(name)).collect::<BTreeSet<_>>();
        known.retain(|name| columns.contains(*name));
        (columns.len() - known.len(), names.len(), table.entity())
    })
}

/// Entries of many records, added in their order.
#[derive(Default)]
struct Gathered {
    places: HashMap<(String, String), usize>,
    records: Vec<Undo>,
    steps: Vec<(usize, Span)>,
}

struct Facts {
    table: &'static dyn Table,
    columns: Columns,
    renames: Renames,
}

impl Gathered {
    fn add(&mut self, entry: AuditEntry, facts: &Facts) -> Result<(), DbErr> {
        let event = state::event(&entry, &facts.renames)?;
        let record_id = entry.record_id.clone();
        let place = *self.places.entry((entry.table_name, entry.record_id)).or_insert_with(|| {
            self.records.push(Undo {
                table: facts.table,
                record_id,
                ends: Ends::default(),
                span: Span::default(),
                whole: false,
            });
            self.records.len() - 1
        });
        self.records[place].span.apply(event.clone(), &facts.columns);
        match self.steps.last_mut() {
            Some((last, span)) if *last == place => span.apply(event, &facts.columns),
            _ => {
                let mut span = Span::default();
                span.apply(event, &facts.columns);
                self.steps.push((place, span));
            }
        }
        Ok(())
    }

    fn finish(mut self, until: DateTimeUtc) -> Undoing {
        for record in &mut self.records {
            record.ends = record.span.ends().cloned().unwrap_or_default();
        }
        let steps = self.steps.into_iter().rev();
        let steps = steps.map(|(record, span)| Step {
            record,
            then: span.ends().and_then(|ends| ends.then.clone()),
        });
        Undoing { records: self.records, steps: steps.collect(), until }
    }
}
