use std::marker::PhantomData;

use audit_core::{Image, UnreadableReason as Reason};
use sea_orm::{ConnectionTrait, DbErr};

use super::{
    baselined::Baselined,
    batch::{Batch, Record},
    fold::Life,
    report::{Finding, FindingKind, Verification},
    suspects::Suspects,
};
use crate::{
    Auditable, record, search_path,
    trail::{
        columns::Columns,
        entries::{self, Entry, Event},
        keys::Keys,
        renames::Renames,
        rows::{self, Row},
    },
};

/// Replays the trail of one table.
///
/// The entries come record by record, and each record is held against its row. Only if the table has
/// more rows than were met on the way are its rows gone through as well.
pub(super) struct Replay<'a, C, E> {
    db: &'a C,
    keys: Keys,
    columns: Columns,
    report: Verification,
    met: u64,
    suspects: Suspects,
    baselined: Baselined,
    entity: PhantomData<fn() -> E>,
}

impl<'a, C: ConnectionTrait, E: Auditable> Replay<'a, C, E> {
    pub(super) async fn run(db: &'a C) -> Result<Verification, DbErr> {
        let table = search_path::name_in_trail(db, record::table_name::<E>()).await?;
        let mut replay = Self {
            db,
            keys: Keys::of::<E>(db.get_database_backend()),
            columns: Columns::of::<E>(),
            report: Verification::new(table),
            met: 0,
            suspects: Suspects::default(),
            baselined: Baselined::default(),
            entity: PhantomData,
        };
        replay.entries().await?;
        replay.report.rows = rows::count::<E, C>(db).await?;
        if replay.report.rows != replay.met {
            replay.rows().await?;
        }
        replay.suspects.report(&mut replay.report);
        Ok(replay.report)
    }

    fn pages(&self) -> entries::Pages {
        entries::Pages::named(self.report.table.clone(), Renames::of::<E>()).found().whole()
    }

    async fn entries(&mut self) -> Result<(), DbErr> {
        let mut pages = self.pages();
        let mut batch = Batch::default();
        loop {
            let page = pages.next(self.db).await?;
            if page.is_empty() {
                return self.compare(batch.take()).await;
            }
            for entry in page {
                if let Some(columns) = of_no_record(&entry) {
                    self.report.entries += 1;
                    self.report.add(Finding {
                        kind: FindingKind::EntryUnreadable,
                        record_id: entry.record_id,
                        entry: entry.id,
                        columns,
                    });
                    continue;
                }
                if !batch.is_of(&entry.record_id) {
                    if batch.is_full() {
                        self.compare(batch.take()).await?;
                    }
                    batch.begin(entry.record_id.clone());
                    self.report.records += 1;
                }
                if let Some(record) = batch.records.last_mut() {
                    self.apply(record, entry).await?;
                }
            }
        }
    }

    async fn apply(&mut self, record: &mut Record, entry: Entry) -> Result<(), DbErr> {
        self.report.entries += 1;
        record.last_entry = entry.id;
        if !entry.in_time {
            self.find(FindingKind::TimeAltered, record, Vec::new());
        }
        let unreadable = unreadable_columns(&entry);
        if entry.unreadable.is_some_and(|it| it.reason("timestamp") == Some(Reason::TimeForm)) {
            self.find(FindingKind::TimeForm, record, Vec::new());
        }
        let accounts = matches!(entry.event, Some(Event::Delete { .. } | Event::Baseline { .. }));
        match record.fold.apply(entry.event, &self.columns) {
            Some((FindingKind::BeganBeforeTrail, _))
                if self.baselined.covers(self.db, &self.report.table, entry.at).await? =>
            {
                record.groundless = entry.id;
            }
            // With its columns, below.
            Some((FindingKind::EntryUnreadable, _)) | None => {}
            Some((kind, columns)) => self.find(kind, record, columns),
        }
        if !unreadable.is_empty() {
            self.find(FindingKind::EntryUnreadable, record, unreadable);
        }
        if accounts {
            record.groundless = None;
        }
        Ok(())
    }

    /// Holds records against their rows.
    async fn compare(&mut self, records: Vec<Record>) -> Result<(), DbErr> {
        let ids: Vec<_> = records.iter().map(|record| &*record.id).collect();
        let mut rows = rows::located::<E, C>(self.db, &self.keys, &ids, None).await?;
        for record in records {
            if let Some(entry) = record.groundless {
                let (kind, record_id) = (FindingKind::BeganBeforeTrail, record.id.clone());
                let entry = Some(entry);
                self.report.add(Finding { kind, record_id, entry, columns: Vec::new() });
            }
            match rows.remove(&record.id) {
                Some(row) => {
                    self.met += 1;
                    self.meet(&record, row);
                }
                None if record.fold.life() == Life::Present => {
                    self.suspects.add(record.id, record.last_entry);
                }
                None => {}
            }
        }
        Ok(())
    }

    fn meet(&mut self, record: &Record, row: Row) {
        let Some(row) = row else {
            return self.find(FindingKind::RowUnreadable, record, Vec::new());
        };
        if record.fold.life() == Life::Absent {
            return self.find(FindingKind::RowAfterDelete, record, Vec::new());
        }
        let differing = self.columns.differing(record.fold.known(), &row);
        if !differing.is_empty() {
            self.find(FindingKind::RowDiffers, record, differing);
        }
    }

    /// Looks for rows that have no entries, and for those that have and were not met.
    async fn rows(&mut self) -> Result<(), DbErr> {
        let mut pages = rows::Pages::default();
        loop {
            let page = pages.next::<E, C>(self.db).await?;
            if page.is_empty() {
                return Ok(());
            }
            let ids: Vec<_> = page.iter().map(|(id, _)| &**id).collect();
            let recorded = entries::recorded(self.db, &self.report.table, &ids).await?;
            let ids: Vec<_> = recorded.iter().map(|id| &**id).collect();
            let located = rows::located::<E, C>(self.db, &self.keys, &ids, None).await?;
            for (id, row) in page {
                if !recorded.contains(&id) {
                    self.find(FindingKind::NeverRecorded, &Record::new(id), Vec::new());
                } else if !located.contains_key(&id) {
                    self.meet_late(id, row).await?;
                }
            }
        }
    }

    /// Holds a row against its record that the key of the record did not lead to. The entries by
    /// themselves have been checked already.
    async fn meet_late(&mut self, id: String, row: Image) -> Result<(), DbErr> {
        let mut pages = self.pages().only(&id);
        let mut record = Record::new(id);
        loop {
            let page = pages.next(self.db).await?;
            if page.is_empty() {
                break;
            }
            for entry in page {
                record.last_entry = entry.id;
                record.fold.apply(entry.event, &self.columns);
            }
        }
        if record.fold.life() == Life::Present {
            self.suspects.clear_of_suspicion(&record.id);
        }
        self.meet(&record, Some(row));
        Ok(())
    }

    fn find(&mut self, kind: FindingKind, record: &Record, columns: Vec<String>) {
        let (record_id, entry) = (record.id.clone(), record.last_entry);
        self.report.add(Finding { kind, record_id, entry, columns });
    }
}

/// The columns of `audit_trail` that cannot be read. A time in another form is a finding of its own.
fn unreadable_columns(entry: &Entry) -> Vec<String> {
    let columns = entry.unreadable.iter().flat_map(|it| &it.columns);
    let columns = columns.filter(|(_, reason)| **reason != Reason::TimeForm);
    columns.map(|(column, _)| column.clone()).collect()
}

/// Those of an entry of which nobody knows whose it is: it is of no record, whatever its id looks like.
fn of_no_record(entry: &Entry) -> Option<Vec<String>> {
    let is_named = entry.unreadable.as_ref().is_none_or(|it| it.reason("record_id").is_none());
    (!is_named).then(|| unreadable_columns(entry))
}
