use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use audit_core::{Image, Operation, REDACTED};
use sea_orm::DbErr;
use serde_json::Value as Json;

use super::{
    error::RestoreError,
    exceptions::Exceptions,
    gather::{Undo, Undoing},
    plan::{FieldRestore, RecordRestore},
    span::{Ends, value},
    table::{Hidden, Table},
};
use crate::{
    AuditTransaction, Gap,
    trail::{AuditTrail, columns::Columns, rows::MAX_RECORDS},
};

/// A record as it is, beside what is to become of it.
pub(super) struct Examined {
    pub(super) now: Option<Image>,
    /// None if it is as it was.
    pub(super) plan: Option<RecordRestore>,
    /// What a record that is gone had in the columns that were not changed.
    pub(super) rest: Image,
    pub(super) exceptions: Arc<Exceptions>,
}

/// Holds what is to be undone against the rows as they are.
pub(super) async fn examine(
    txn: &AuditTransaction,
    undoing: &Undoing,
    ignored: &[String],
    to_write: bool,
) -> Result<Vec<Examined>, RestoreError> {
    let mut rows = rows(txn, undoing, to_write).await?;
    let mut looks = HashMap::new();
    let mut examined = Vec::with_capacity(undoing.records.len());
    for undo in &undoing.records {
        let now = rows.remove(&(undo.table.name(), &*undo.record_id));
        let look = match looks.entry(undo.table.name()) {
            Entry::Occupied(look) => look.into_mut(),
            Entry::Vacant(place) => place.insert(Look::of(txn, undo.table, ignored).await?),
        };
        let now = now.map(|now| look.shown(now));
        let rest = match (&undo.ends.then, &now) {
            (Some(_), None) => rest(txn, undo).await?,
            _ => Image::new(),
        };
        let plan = look.plan(undo, now.as_ref(), &rest);
        let exceptions = Arc::clone(&look.exceptions);
        examined.push(Examined { now, plan, rest, exceptions });
    }
    Ok(examined)
}

type Rows<'a> = HashMap<(String, &'a str), Image>;

/// Table by table, in one order: two that restore the same records wait for each other.
async fn rows<'a>(
    txn: &AuditTransaction,
    undoing: &'a Undoing,
    to_write: bool,
) -> Result<Rows<'a>, DbErr> {
    let mut tables: BTreeMap<String, (&dyn Table, BTreeSet<&str>)> = BTreeMap::new();
    for undo in &undoing.records {
        let (_, ids) = tables.entry(undo.table.name()).or_insert((undo.table, BTreeSet::new()));
        ids.insert(&undo.record_id);
    }
    let mut rows = HashMap::new();
    for (name, (table, ids)) in tables {
        let ids: Vec<_> = ids.into_iter().collect();
        for ids in ids.chunks(MAX_RECORDS) {
            let mut found = table.rows(txn, ids, to_write).await?;
            let found = ids.iter().filter_map(|id| Some((*id, found.remove(*id)?)));
            rows.extend(found.map(|(id, row)| ((name.clone(), id), row)));
        }
    }
    Ok(rows)
}

/// What the trail knows of a record that is gone: all that its deletion found.
async fn rest(txn: &AuditTransaction, undo: &Undo) -> Result<Image, DbErr> {
    let entries = AuditTrail::query().table(undo.table.name()).record(&undo.record_id).as_stored();
    let entries = entries.limit(1);
    let Some(last) = entries.all(txn).await?.pop() else { return Ok(Image::new()) };
    match (last.operation, last.old_values) {
        (Operation::Delete, Some(Json::Object(values))) => {
            Ok(undo.table.renames().apply(values, last.timestamp))
        }
        _ => Ok(Image::new()),
    }
}

/// How the records of one table are looked at.
struct Look {
    table: &'static dyn Table,
    columns: Columns,
    hidden: Hidden,
    exceptions: Arc<Exceptions>,
}

impl Look {
    async fn of(
        txn: &AuditTransaction,
        table: &'static dyn Table,
        ignored: &[String],
    ) -> Result<Self, DbErr> {
        let exceptions = Arc::new(Exceptions::of(txn, table, ignored).await?);
        Ok(Self { table, columns: table.columns(), hidden: table.hidden(), exceptions })
    }

    /// The row as an entry would have it: what is hidden stays so.
    fn shown(&self, mut row: Image) -> Image {
        row.retain(|column, _| !self.hidden.is_skipped(column));
        for (column, value) in &mut row {
            if self.hidden.is_redacted(column) {
                *value = Json::from(REDACTED);
            }
        }
        row
    }

    fn plan(&self, undo: &Undo, now: Option<&Image>, rest: &Image) -> Option<RecordRestore> {
        let operation = match (&undo.ends.then, now) {
            (None, None) => return None,
            // It came and went, and what is there now is none of its business.
            (None, Some(_)) if !undo.whole && undo.ends.since.is_none() => return None,
            (None, Some(_)) => Operation::Delete,
            (Some(_), None) => Operation::Create,
            (Some(_), Some(_)) => Operation::Update,
        };
        let mut fields: Vec<_> = names(undo, now, rest)
            .filter(|column| match operation {
                Operation::Create => !self.exceptions.is_computed(column),
                _ => !self.exceptions.is_left_out(column),
            })
            .filter_map(|column| self.field(undo, column, now, rest))
            .collect();
        let gone = !undo.whole && undo.ends.since.is_some() && now.is_none();
        if gone && !fields.iter().any(|field| field.conflict) {
            // Of what it changed nothing can be given back, so that it is no reason to make it anew.
            return None;
        }
        let gaps = match operation {
            Operation::Create => self.gaps_of_new(undo, rest),
            Operation::Update => self.gaps_among(&fields),
            Operation::Delete | Operation::Baseline | Operation::Unknown => Vec::new(),
        };
        fields.retain(|field| gaps.iter().all(|gap| gap.column != field.column));
        let nothing = operation == Operation::Update && fields.is_empty() && gaps.is_empty();
        (!nothing).then(|| RecordRestore {
            table: undo.table.name(),
            record_id: undo.record_id.clone(),
            operation,
            fields,
            gaps,
        })
    }

    /// None if the column is as it was, or was not changed by what is undone.
    fn field(
        &self,
        undo: &Undo,
        column: &str,
        now: Option<&Image>,
        rest: &Image,
    ) -> Option<FieldRestore> {
        let ends = &undo.ends;
        let (then, since) = (value(ends.then.as_ref(), column), value(ends.since.as_ref(), column));
        let now = value(now, column);
        // A record that is made anew gets back what nobody changed as well.
        let then = then.or_else(|| rest.get(column).filter(|_| ends.then.is_some()));
        if self.is_hidden(column, [then, since, now]) {
            let shown = |side: Option<&Json>| side.map(|_| Json::from(REDACTED));
            return undo.span.touched.contains(column).then(|| FieldRestore {
                column: column.to_owned(),
                then: shown(then),
                since: shown(since),
                now: shown(now),
                conflict: false,
            });
        }
        let unchanged = |a, b| self.columns.same(column, a, b);
        let untold = ends.then.is_some() && then.is_none();
        if untold
            || unchanged(then, now)
            || (!undo.whole && ends.since.is_some() && unchanged(then, since))
        {
            return None;
        }
        if !undo.whole
            && let Some(between) = undo.span.between.iter().find(|it| it.column == column)
        {
            return Some(between.clone());
        }
        Some(FieldRestore {
            column: column.to_owned(),
            then: then.cloned(),
            since: since.cloned(),
            now: now.cloned(),
            conflict: !unchanged(since, now) && !self.exceptions.is_left_out(column),
        })
    }

    fn is_hidden(&self, column: &str, sides: [Option<&Json>; 3]) -> bool {
        let marked = sides.into_iter().flatten().any(|value| value == REDACTED);
        marked || self.hidden.is_redacted(column) || self.hidden.is_skipped(column)
    }

    /// What a record that is made anew would lack.
    fn gaps_of_new(&self, undo: &Undo, rest: &Image) -> Vec<Gap> {
        let mut gaps = self.table.gaps(&whole(undo, rest));
        gaps.retain(|gap| !self.exceptions.may_be_unknown(&gap.column));
        gaps
    }

    /// Those of the columns that cannot be written.
    fn gaps_among(&self, fields: &[FieldRestore]) -> Vec<Gap> {
        let values = fields.iter().filter_map(|it| Some((it.column.clone(), it.then.clone()?)));
        let mut gaps = self.table.gaps(&values.collect());
        // The columns that are not to be written are in no image.
        gaps.retain(|gap| fields.iter().any(|field| field.column == gap.column));
        gaps
    }
}

/// The columns of which anything is known.
fn names<'a>(
    undo: &'a Undo,
    now: Option<&'a Image>,
    rest: &'a Image,
) -> impl Iterator<Item = &'a str> {
    let Ends { then, since } = &undo.ends;
    let ends = then.iter().chain(since).flat_map(Image::keys);
    // A row that no entry tells of.
    let unexplained = now.filter(|_| then.is_none() && since.is_none());
    let now = unexplained.into_iter().flat_map(Image::keys);
    let names: BTreeSet<&str> = ends.chain(rest.keys()).chain(now).map(String::as_str).collect();
    names.into_iter()
}

/// A record that is gone, as it was.
fn whole(undo: &Undo, rest: &Image) -> Image {
    let mut whole = rest.clone();
    whole.extend(undo.ends.then.clone().unwrap_or_default());
    whole
}
