//! `INSERT … ON CONFLICT`, which tells nobody whether it inserted or updated, nor from what.
//!
//! It is tried in a savepoint first. That tells which rows it is about, whatever the conflict is
//! decided by: columns, an expression, a constraint, any unique key of the table. Taken back, those
//! that are there already are locked and read; they are the before-images. Then the others are
//! inserted by a plain INSERT, which fails if somebody else was faster, and all begins again.
//!
//! `MariaDB` keeps the lock on a key that only the attempt had, and hands it to whoever waits for the key: two that then insert
//! it wait for each other. There the statement itself tells whether it has met a row, and an attempt that has only inserted is not taken
//! back.

use std::collections::HashMap;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait,
    sea_query::{InsertStatement, OnConflict},
};

use super::{
    Rows, Written,
    keys::{Key, key_of},
    met,
    selection::locked_by_key,
};
use crate::{
    Auditable,
    capture::{Executor, Ground, before_image::Intent, returning},
    database_error::{DatabaseError, Kind},
    error::AuditError,
    found::Found,
    record,
    writer::Recorder,
};

/// How often others may be faster.
const ATTEMPTS: usize = 10;

pub(super) async fn upsert<E: Auditable>(
    recorder: &Recorder<E>,
    ground: &Ground<'_>,
    rows: Rows<E>,
    on_conflict: &OnConflict,
) -> Result<Written<E>, DbErr> {
    let does_nothing = does_nothing::<E>(on_conflict);
    if does_nothing && ground.db.get_database_backend() != DbBackend::MySql {
        // What it gives back it has inserted.
        let rows = returning::inserted::<E>(ground.db, rows.insert(Some(on_conflict))).await?;
        let changes = rows.iter().map(|row| recorder.created(row)).collect();
        return Ok((changes, rows.into_iter().map(|row| row.model).collect()));
    }
    if !matches!(ground.db, Executor::Transaction(_)) {
        return Err(AuditError::UpsertOutside { table: recorder.table().to_owned() }.into());
    }
    let upsert = Upsert { recorder, ground, on_conflict, does_nothing };
    match upsert.together(&rows).await? {
        Some(written) => Ok(written),
        None => upsert.one_by_one(rows).await,
    }
}

struct Upsert<'a, E> {
    recorder: &'a Recorder<E>,
    ground: &'a Ground<'a>,
    on_conflict: &'a OnConflict,
    does_nothing: bool,
}

/// What an attempt tells.
enum Tried<E: EntityTrait> {
    /// These rows. None of them was there, so it stands.
    Inserted(Vec<Found<E>>),
    /// The keys of the rows that it would write.
    TakenBack(Vec<Key>),
    /// `PostgreSQL` refuses to write a row twice in one statement. The others do it, and `PostgreSQL` does if the two are in
    /// different statements.
    Refused,
}

impl<E: EntityTrait> Tried<E> {
    fn taken_back(rows: &[Found<E>]) -> Self {
        Self::TakenBack(rows.iter().map(|row| key_of::<E>(&row.model)).collect())
    }
}

impl<E: Auditable> Upsert<'_, E> {
    /// None if the rows that came back do not tell which row became what: some were left alone, or
    /// several are the same record.
    async fn together(&self, rows: &Rows<E>) -> Result<Option<Written<E>>, DbErr> {
        for _ in 0..ATTEMPTS {
            let keys = match self.tried(rows).await? {
                Tried::Inserted(created) => return Ok(Some(self.all_created(created))),
                Tried::TakenBack(keys) => keys,
                Tried::Refused => return Ok(None),
            };
            if keys.len() != rows.len() || has_duplicates::<E>(&keys)? {
                return Ok(None);
            }
            if let Some(written) = self.written(rows.clone(), &keys).await? {
                return Ok(Some(written));
            }
        }
        Err(AuditError::UpsertUnclear { table: self.recorder.table().to_owned() }.into())
    }

    async fn one_by_one(&self, rows: Rows<E>) -> Result<Written<E>, DbErr> {
        let (mut changes, mut written) = (Vec::new(), Vec::new());
        for row in rows.each() {
            if let Some((change, row)) = Box::pin(self.together(&row)).await? {
                changes.extend(change);
                written.extend(row);
            }
        }
        Ok((changes, written))
    }

    fn all_created(&self, rows: Vec<Found<E>>) -> Written<E> {
        let changes = rows.iter().map(|row| self.recorder.created(row)).collect();
        (changes, rows.into_iter().map(|row| row.model).collect())
    }

    async fn tried(&self, rows: &Rows<E>) -> Result<Tried<E>, DbErr> {
        if self.ground.db.get_database_backend() == DbBackend::MySql {
            return self.tried_on_mariadb(rows).await;
        }
        self.savepoint("SAVEPOINT").await?;
        let insert = rows.insert(Some(self.on_conflict));
        let tried = returning::inserted::<E>(self.ground.db, insert).await;
        match tried {
            Err(error) if !is(Kind::CardinalityViolation, &error) => Err(error),
            tried => {
                self.take_back().await?;
                Ok(tried.map_or(Tried::Refused, |rows| Tried::taken_back(&rows)))
            }
        }
    }

    async fn tried_on_mariadb(&self, rows: &Rows<E>) -> Result<Tried<E>, DbErr> {
        self.savepoint(&format!("{}; SAVEPOINT", met::RESET)).await?;
        let attempt = met::attempt::<E>(rows, self.on_conflict, self.does_nothing);
        let (written, has_met) = met::answer::<E>(&self.ground.db.query_all_raw(attempt).await?)?;
        if !has_met {
            self.savepoint("RELEASE SAVEPOINT").await?;
            return Ok(Tried::Inserted(written));
        }
        self.take_back().await?;
        Ok(Tried::taken_back(&written))
    }

    /// None if somebody else inserted one of them meanwhile.
    async fn written(&self, rows: Rows<E>, keys: &[Key]) -> Result<Option<Written<E>>, DbErr> {
        let before = self.before(keys).await?;
        let ids = keys.iter().map(|key| id::<E>(key)).collect::<Result<Vec<_>, _>>()?;
        let (old, new) = rows.split(|index| before.contains_key(&ids[index]));
        let Some(created) = self.created(&new).await? else {
            return Ok(None);
        };
        let updated = self.updated(&old).await?;
        if updated.keys().any(|id| !before.contains_key(id)) {
            return Err(
                AuditError::UpsertUnclear { table: self.recorder.table().to_owned() }.into()
            );
        }
        Ok(Some(self.in_order(&ids, &before, created, updated)))
    }

    /// As the rows were given. That is the order in which the database gives the created ones back.
    fn in_order(
        &self,
        ids: &[String],
        before: &HashMap<String, Found<E>>,
        created: Vec<Found<E>>,
        mut updated: HashMap<String, Found<E>>,
    ) -> Written<E> {
        let (mut changes, mut written) = (Vec::new(), Vec::new());
        let mut created = created.into_iter();
        for id in ids {
            let (change, row) = if let Some(before) = before.get(id) {
                let Some(after) = updated.remove(id) else { continue };
                (self.recorder.updated(&before.model, &after), after)
            } else {
                let Some(row) = created.next() else { continue };
                (self.recorder.created(&row), row)
            };
            changes.push(change);
            written.push(row.model);
        }
        (changes, written)
    }

    async fn updated(&self, rows: &Rows<E>) -> Result<HashMap<String, Found<E>>, DbErr> {
        if rows.len() == 0 || self.does_nothing {
            return Ok(HashMap::new());
        }
        let insert = rows.insert(Some(self.on_conflict));
        by_id::<E>(returning::inserted::<E>(self.ground.db, insert).await?)
    }

    async fn before(&self, keys: &[Key]) -> Result<HashMap<String, Found<E>>, DbErr> {
        let rows = locked_by_key::<E>(self.ground, Intent::Update, keys).await?;
        by_id::<E>(rows)
    }

    /// None if one of them is there by now.
    async fn created(&self, rows: &Rows<E>) -> Result<Option<Vec<Found<E>>>, DbErr> {
        if rows.len() == 0 {
            return Ok(Some(Vec::new()));
        }
        self.savepoint("SAVEPOINT").await?;
        match returning::inserted::<E>(self.ground.db, rows.insert(None)).await {
            Ok(created) => {
                self.savepoint("RELEASE SAVEPOINT").await?;
                Ok(Some(created))
            }
            Err(error) if is(Kind::UniqueViolation, &error) => {
                self.take_back().await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn take_back(&self) -> Result<(), DbErr> {
        self.savepoint("ROLLBACK TO SAVEPOINT").await?;
        self.savepoint("RELEASE SAVEPOINT").await
    }

    async fn savepoint(&self, what: &str) -> Result<(), DbErr> {
        self.ground.db.execute_unprepared(&format!("{what} audit_upsert")).await?;
        Ok(())
    }
}

fn by_id<E: EntityTrait>(rows: Vec<Found<E>>) -> Result<HashMap<String, Found<E>>, DbErr> {
    rows.into_iter().map(|row| Ok((record::id_of::<E>(&row.model)?, row))).collect()
}

fn id<E: EntityTrait>(key: &Key) -> Result<String, AuditError> {
    record::id_of_values::<E>(key)
}

fn has_duplicates<E: EntityTrait>(keys: &[Key]) -> Result<bool, AuditError> {
    let mut seen = std::collections::HashSet::new();
    for key in keys {
        if !seen.insert(id::<E>(key)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `OnConflict` does not give its action back. So it is compared with one that does nothing, by what
/// `PostgreSQL` would be told: two that are equal may differ as values, by a NaN or by the columns that only
/// `MySQL` gets.
fn does_nothing<E: EntityTrait>(on_conflict: &OnConflict) -> bool {
    let text = |on_conflict: OnConflict| {
        let mut insert = InsertStatement::new();
        insert.into_table(E::default().table_ref()).or_default_values();
        DbBackend::Postgres.build(insert.on_conflict(on_conflict)).sql
    };
    text(on_conflict.clone()) == text(on_conflict.clone().do_nothing().to_owned())
}

fn is(kind: Kind, error: &DbErr) -> bool {
    DatabaseError::of(error).is_some_and(|error| error.kind == kind)
}
