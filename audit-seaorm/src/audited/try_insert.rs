use sea_orm::{ConnectionTrait, DbErr, TryInsertResult, sea_query::OnConflict};

use super::{
    Insert, InsertMany, InsertResult,
    result::{KeyOf, key_value},
};
use crate::{
    Auditable,
    capture::{
        Sent,
        bulk::{Keep, key_of},
    },
};

/// As `SeaORM`'s own [`TryInsert`](sea_orm::TryInsert): `Empty` if there was no row to insert,
/// `Conflicted` if none was inserted.
#[must_use = "nothing is inserted until it is executed"]
pub struct TryInsert<E: Auditable>(pub(super) InsertMany<E>);

impl<E: Auditable> TryInsert<E> {
    /// What to do with rows that are there already. An update of one is recorded as such.
    pub fn on_conflict(self, on_conflict: OnConflict) -> Insert<E> {
        Insert(self.0.on_conflict(on_conflict))
    }

    /// Leaves rows with these primary keys as they are.
    pub fn on_conflict_do_nothing(self) -> Self {
        self.0.on_conflict_do_nothing()
    }

    /// Leaves rows with the same values in these columns as they are.
    pub fn on_conflict_do_nothing_on<I>(self, columns: I) -> Self
    where
        I: IntoIterator<Item = E::Column>,
    {
        self.0.on_conflict_do_nothing_on(columns)
    }

    /// Inserts the rows that have no conflict.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<TryInsertResult<InsertResult<E>>, DbErr> {
        match self.0.exec(db).await {
            Ok(result) => Ok(result.last_insert_id.map_or(TryInsertResult::Empty, |id| {
                TryInsertResult::Inserted(InsertResult { last_insert_id: id })
            })),
            Err(DbErr::RecordNotInserted) => Ok(TryInsertResult::Conflicted),
            Err(error) => Err(error),
        }
    }

    /// Inserts the rows that have no conflict and tells how many.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_without_returning<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<TryInsertResult<u64>, DbErr> {
        let rows = self.rows(Sent::Executed, db).await?;
        Ok(map(rows, |rows| rows.len() as u64))
    }

    /// Inserts the rows that have no conflict and gives one of them back as it stands: the first, on `MariaDB` the
    /// one of `last_insert_id`.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<TryInsertResult<E::Model>, DbErr> {
        if self.0.rows.len() == 0 {
            return Ok(TryInsertResult::Empty);
        }
        let row = self.0.exec_with_returning_one(db).await?;
        Ok(row.map_or(TryInsertResult::Conflicted, TryInsertResult::Inserted))
    }

    /// Inserts the rows that have no conflict and gives their primary keys back.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning_keys<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<TryInsertResult<Vec<KeyOf<E>>>, DbErr> {
        let rows = self.exec_with_returning_many(db).await?;
        let keys =
            |rows: Vec<E::Model>| rows.iter().map(|row| key_value::<E>(key_of::<E>(row))).collect();
        Ok(map(rows, keys))
    }

    /// Inserts the rows that have no conflict and gives them back as they stand.
    ///
    /// # Errors
    ///
    /// Those of the database and of auditing.
    pub async fn exec_with_returning_many<C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<TryInsertResult<Vec<E::Model>>, DbErr> {
        self.rows(Sent::Returning, db).await
    }

    async fn rows<C: ConnectionTrait>(
        self,
        sent: Sent,
        db: &C,
    ) -> Result<TryInsertResult<Vec<E::Model>>, DbErr> {
        if self.0.rows.len() == 0 {
            return Ok(TryInsertResult::Empty);
        }
        let rows = self.0.write(Keep::Rows, sent, db).await?.rows;
        Ok(if rows.is_empty() {
            TryInsertResult::Conflicted
        } else {
            TryInsertResult::Inserted(rows)
        })
    }
}

fn map<T, U>(result: TryInsertResult<T>, inserted: impl FnOnce(T) -> U) -> TryInsertResult<U> {
    match result {
        TryInsertResult::Empty => TryInsertResult::Empty,
        TryInsertResult::Conflicted => TryInsertResult::Conflicted,
        TryInsertResult::Inserted(value) => TryInsertResult::Inserted(inserted(value)),
    }
}
