use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, Iterable, PrimaryKeyToColumn, sea_query::OnConflict,
};

use super::{
    InsertManyResult, InsertResult, TryInsert,
    result::{KeyOf, key_value, last_insert_id, one_of},
    run,
};
use crate::{
    Auditable,
    capture::{
        Sent,
        bulk::{self, Keep, Kept, Rows, key_of},
    },
};

/// As `SeaORM`'s own [`Insert`](sea_orm::Insert).
#[must_use = "nothing is inserted until it is executed"]
pub struct Insert<E: Auditable>(pub(super) InsertMany<E>);

/// As `SeaORM`'s own [`InsertMany`](sea_orm::InsertMany): a column that one of the rows sets is written
/// for all of them, with NULL where it is not set.
#[must_use = "nothing is inserted until it is executed"]
pub struct InsertMany<E: Auditable> {
    pub(super) rows: Rows<E>,
    on_conflict: Option<OnConflict>,
}

impl<E: Auditable> Insert<E> {
    pub(super) fn new<A: ActiveModelTrait<Entity = E>>(row: [A; 1]) -> Self {
        Self(InsertMany::new(row))
    }

    /// What to do if the row is there already. An update of it is recorded as one.
    pub fn on_conflict(self, on_conflict: OnConflict) -> Self {
        Self(self.0.on_conflict(on_conflict))
    }

    /// Leaves a row with this primary key as it is.
    pub fn on_conflict_do_nothing(self) -> TryInsert<E> {
        self.0.on_conflict_do_nothing()
    }

    /// Leaves a row with the same values in these columns as it is.
    pub fn on_conflict_do_nothing_on<I>(self, columns: I) -> TryInsert<E>
    where
        I: IntoIterator<Item = E::Column>,
    {
        self.0.on_conflict_do_nothing_on(columns)
    }

    /// Tells a conflict by [`TryInsertResult`](sea_orm::TryInsertResult) and not by an error.
    pub fn try_insert(self) -> TryInsert<E> {
        TryInsert(self.0)
    }

    /// Inserts the row.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing; [`DbErr::RecordNotInserted`] if there was a conflict.
    pub async fn exec<C: ConnectionTrait>(self, db: &C) -> Result<InsertResult<E>, DbErr> {
        let last_insert_id = self.0.exec(db).await?.last_insert_id;
        Ok(InsertResult { last_insert_id: last_insert_id.ok_or(DbErr::RecordNotInserted)? })
    }

    /// Inserts the row and tells how many were written.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_without_returning<C: ConnectionTrait>(self, db: &C) -> Result<u64, DbErr> {
        self.0.exec_without_returning(db).await
    }

    /// Inserts the row and gives it back as it stands.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing; [`DbErr::RecordNotInserted`] if there was a conflict.
    pub async fn exec_with_returning<C: ConnectionTrait>(self, db: &C) -> Result<E::Model, DbErr> {
        self.0.exec_with_returning_one(db).await?.ok_or(DbErr::RecordNotInserted)
    }

    /// Inserts the row and gives its primary key back.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning_keys<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<KeyOf<E>>, DbErr> {
        self.0.exec_with_returning_keys(db).await
    }

    /// Inserts the row and gives back what was written.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning_many<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<E::Model>, DbErr> {
        self.0.exec_with_returning(db).await
    }
}

impl<E: Auditable> Insert<E> {
    /// Writes the values of `PostgreSQL`'s `GENERATED ALWAYS AS IDENTITY`, too.
    pub(crate) fn overriding_identity(self, overriding: bool) -> Self {
        let InsertMany { rows, on_conflict } = self.0;
        Self(InsertMany { rows: rows.overriding_identity(overriding), on_conflict })
    }
}

impl<E: Auditable> InsertMany<E> {
    pub(super) fn new<A, I>(rows: I) -> Self
    where
        A: ActiveModelTrait<Entity = E>,
        I: IntoIterator<Item = A>,
    {
        Self { rows: Rows::of(rows), on_conflict: None }
    }

    /// What to do with rows that are there already. An update of one is recorded as such.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = Some(on_conflict);
        self
    }

    /// Leaves rows with these primary keys as they are.
    pub fn on_conflict_do_nothing(self) -> TryInsert<E> {
        self.on_conflict_do_nothing_on(E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column))
    }

    /// Leaves rows with the same values in these columns as they are.
    pub fn on_conflict_do_nothing_on<I>(self, columns: I) -> TryInsert<E>
    where
        I: IntoIterator<Item = E::Column>,
    {
        let mut on_conflict = OnConflict::columns(columns);
        on_conflict.do_nothing_on(E::PrimaryKey::iter());
        TryInsert(self.on_conflict(on_conflict))
    }

    /// Tells a conflict by [`TryInsertResult`](sea_orm::TryInsertResult) and not by an error.
    pub fn try_insert(self) -> TryInsert<E> {
        TryInsert(self)
    }

    /// Inserts the rows.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing; [`DbErr::RecordNotInserted`] if there were rows and each had
    /// a conflict.
    pub async fn exec<C: ConnectionTrait>(self, db: &C) -> Result<InsertManyResult<E>, DbErr> {
        let empty = self.rows.len() == 0;
        let kept = self.write(Keep::Count, Sent::Returning, db).await?;
        let last_insert_id = last_insert_id(kept);
        if last_insert_id.is_none() && !empty {
            return Err(DbErr::RecordNotInserted);
        }
        Ok(InsertManyResult { last_insert_id })
    }

    /// Inserts the rows and tells how many were written.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_without_returning<C: ConnectionTrait>(self, db: &C) -> Result<u64, DbErr> {
        Ok(self.write(Keep::Count, Sent::Executed, db).await?.count)
    }

    /// Inserts the rows and gives back those that were written, as they stand.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<E::Model>, DbErr> {
        Ok(self.write(Keep::Rows, Sent::Returning, db).await?.rows)
    }

    /// Inserts the rows and gives back the primary keys of those that were written.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning_keys<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<KeyOf<E>>, DbErr> {
        let rows = self.exec_with_returning(db).await?;
        Ok(rows.iter().map(|row| key_value::<E>(key_of::<E>(row))).collect())
    }

    pub(super) async fn exec_with_returning_one<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Option<E::Model>, DbErr> {
        Ok(one_of(self.write(Keep::Rows, Sent::Returning, db).await?, db.get_database_backend()))
    }

    pub(super) async fn write<C: ConnectionTrait>(
        self,
        keep: Keep,
        sent: Sent,
        db: &C,
    ) -> Result<Kept<E>, DbErr> {
        let Self { rows, on_conflict } = self;
        run(bulk::InsertMany { rows, on_conflict, keep }, sent, db).await
    }
}
