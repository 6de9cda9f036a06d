//! The links of a many-to-many relation: rows of a junction table that `SeaORM` writes for the records
//! on either side.
//!
//! `SeaORM` deletes links in bulk, past all hooks; and where `MariaDB` finds a link that is there already,
//! it calls the hook of an insert all the same. So the derive gives `ActiveModel` and `ActiveModelEx`
//! methods of the same names, which come here: the same steps, with the same hooks of the user's, and the
//! writes through the recorded builders. Whether the junction is audited is not known to the compiler
//! here; the registry knows.

#![allow(
    clippy::missing_errors_doc,
    reason = "called by what the derive writes, and by nobody else"
)]

mod junction;
mod methods;

use std::{collections::HashSet, str::FromStr};

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ColumnTrait, Condition, ConnectionTrait,
    DbErr, DeleteResult, EntityTrait, Identity, IntoActiveModel, RelationDef, Value,
};

pub(crate) use junction::Junction;
pub use methods::{
    delete_links, delete_links_self, establish_links, establish_links_self,
    establish_links_self_rev,
};

use super::Executor;
use crate::{error::Place, read_row, registry};

/// Both ends of a junction: the relation to this record, and the one to the others.
struct Ends {
    left: RelationDef,
    right: RelationDef,
}

/// How links are recorded on this connection; none if the junction is not audited, or the connection
/// is not known, where `SeaORM`'s own way meets the hooks.
fn recorded<J: EntityTrait, C: ConnectionTrait>(db: &C) -> Option<&'static Junction> {
    match Executor::of(db) {
        Executor::Unknown(_) => None,
        _ => Some(registry::entity::<J>()?.junction()),
    }
}

/// As [`recorded`], for a delete, which has no hooks.
fn recorded_delete<J: EntityTrait, C: ConnectionTrait>(
    db: &C,
) -> Result<Option<&'static Junction>, DbErr> {
    if let Executor::Unknown(unknown) = Executor::of(db)
        && let Some(table) = registry::entity::<J>()
    {
        table.junction().escape(Place::Unknown(unknown.name()))?;
    }
    Ok(recorded::<J, C>(db))
}

/// `ActiveModelTrait::establish_links*`, for a junction that is audited.
async fn establish<A, J, RM, C>(
    junction: &Junction,
    model: &A,
    related: &[RM],
    ends: Ends,
    delete_leftover: bool,
    db: &C,
) -> Result<(), DbErr>
where
    A: ActiveModelTrait + Sync,
    J: EntityTrait,
    J::Model: IntoActiveModel<J::ActiveModel>,
    J::ActiveModel: ActiveModelBehavior + Send + 'static,
    RM: ActiveModelTrait + Sync,
    C: ConnectionTrait,
{
    let Ends { left, right } = &ends;
    let mut links = Vec::with_capacity(related.len());
    for related in related {
        let mut link = <J::ActiveModel as ActiveModelBehavior>::new();
        link.set_parent_key_for_def(model, left)?;
        link.set_parent_key_for_def(related, right)?;
        links.push((key(&right.from_col, &link)?, link));
    }
    let there = if delete_leftover || !is_the_key::<J>(&ends) && !related.is_empty() {
        there::<A, J, C>(model, &ends, db).await?
    } else {
        Vec::new()
    };
    if delete_leftover {
        let wanted: HashSet<_> = links.iter().map(|(key, _)| key).collect();
        let leftover = there.iter().filter(|(key, _)| !wanted.contains(key));
        let leftover: Vec<_> = leftover.map(|(_, link)| link.clone()).collect();
        junction.delete(Executor::of(db), leftover).await?;
    }
    let there: HashSet<_> = there.into_iter().map(|(key, _)| key).collect();
    let new = links.into_iter().filter(|(key, _)| !there.contains(key));
    let new: Vec<_> = new.map(|(_, link)| link).collect();
    junction.insert(Executor::of(db), new).await
}

/// `ActiveModelTrait::delete_links*`, for a junction that is audited: the links that have this record at
/// one of these ends.
async fn delete<A, J, C>(
    junction: &Junction,
    model: &A,
    ends: &[RelationDef],
    db: &C,
) -> Result<DeleteResult, DbErr>
where
    A: ActiveModelTrait + Sync,
    J: EntityTrait,
    C: ConnectionTrait,
{
    let mut links = Condition::any();
    for end in ends {
        let values = key(&end.to_col, model)?;
        let columns = end.from_col.iter().map(|name| column::<J>(&name.inner()));
        let mut link = Condition::all();
        for (column, value) in columns.zip(values) {
            link = link.add(column?.eq(value));
        }
        links = links.add(link);
    }
    junction.delete_where(Executor::of(db), links).await
}

type Key = Vec<Value>;

/// The links of this record, by the keys of the others.
async fn there<A, J, C>(model: &A, ends: &Ends, db: &C) -> Result<Vec<(Key, J::ActiveModel)>, DbErr>
where
    A: ActiveModelTrait + Sync,
    J: EntityTrait,
    J::Model: IntoActiveModel<J::ActiveModel>,
    J::ActiveModel: Send,
    C: ConnectionTrait,
{
    let backend = db.get_database_backend();
    let links = J::ActiveModel::find_belongs_to_model(&ends.left, model, backend)?;
    let links = read_row::all(db, links).await?;
    let links = links.into_iter().map(IntoActiveModel::into_active_model);
    links.map(|link| Ok((key(&ends.right.from_col, &link)?, link))).collect()
}

/// Then a link that is there already conflicts, and can be left to the database.
fn is_the_key<J: EntityTrait>(ends: &Ends) -> bool {
    let key = J::primary_key_identity();
    key.fully_contains(&ends.left.from_col) && key.fully_contains(&ends.right.from_col)
}

fn key<A: ActiveModelTrait>(columns: &Identity, model: &A) -> Result<Key, DbErr> {
    let values = columns.iter().map(|name| match model.get(column::<A::Entity>(&name.inner())?) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value),
        ActiveValue::NotSet => Err(DbErr::AttrNotSet(name.inner().into_owned())),
    });
    values.collect()
}

fn column<E: EntityTrait>(name: &str) -> Result<E::Column, DbErr> {
    E::Column::from_str(name).map_err(|_| DbErr::Type(format!("audit: no column `{name}`")))
}
