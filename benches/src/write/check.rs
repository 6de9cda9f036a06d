//! A benchmark of something that does not do its job is worth nothing.

use audit_seaorm::entity;
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder, prelude::Json};

use super::{case::Case, contender::Contender, rounds::repeat};
use crate::{Result, backend::Backend, database, meter::Meter, post::plain};

/// What a case leaves behind, without what differs each time.
#[derive(Debug, PartialEq)]
pub(super) struct Left {
    posts: Vec<plain::Model>,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    texts: [Option<String>; 7],
    values: [Option<Json>; 3],
    grouped: bool,
}

/// What one repeat leaves.
pub(super) async fn left_by(
    contender: &impl Contender,
    case: Case,
    db: &DatabaseConnection,
    backend: Backend,
) -> Result<Left> {
    database::reset(db, backend, case.posts()).await?;
    repeat(contender, case, 1, 1, &mut Meter::default()).await?;
    let posts = plain::Entity::find().order_by_asc(plain::Column::Id).all(db).await?;
    let entries = entity::Entity::find().all(db).await?;
    let mut entries: Vec<_> = entries.into_iter().map(Entry::from).collect();
    entries.sort_by(|one, other| one.texts.cmp(&other.texts));
    Ok(Left { posts, entries })
}

impl Left {
    /// The floor does what the audited write does, and the plain one that without entries.
    pub(super) fn compare(plain: &Self, floor: &Self, audited: &Self, case: Case) -> Result<()> {
        let rows = usize::try_from(case.rows())?;
        if (plain.entries.len(), audited.entries.len()) != (0, rows) {
            return Err(format!("{}: wrong number of entries", case.name()).into());
        }
        if plain.posts != audited.posts || floor.posts != audited.posts {
            return Err(format!("{}: the posts differ", case.name()).into());
        }
        for (floor, audited) in floor.entries.iter().zip(&audited.entries) {
            if floor != audited {
                return Err(format!("{}: {floor:?} is not {audited:?}", case.name()).into());
            }
        }
        Ok(())
    }
}

impl From<entity::Model> for Entry {
    fn from(row: entity::Model) -> Self {
        let (table, record_id) = (Some(row.table_name), Some(row.record_id));
        let (operation, user_id, email) = (Some(row.operation), row.user_id, row.user_email);
        Self {
            texts: [record_id, table, operation, user_id, email, row.request_id, row.reason],
            values: [row.old_values, row.new_values, row.metadata],
            grouped: row.transaction_id.is_some(),
        }
    }
}
