//! A benchmark of something that does not do its job is worth nothing.

use audit_seaorm::entity;
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder, prelude::Json};

use super::case::Case;
use crate::{Result, post::plain};

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

impl Left {
    pub(super) async fn now(db: &DatabaseConnection) -> Result<Self> {
        let posts = plain::Entity::find().order_by_asc(plain::Column::Id).all(db).await?;
        let entries = entity::Entity::find().all(db).await?;
        let mut entries: Vec<_> = entries.into_iter().map(Entry::from).collect();
        entries.sort_by(|one, other| one.texts.cmp(&other.texts));
        Ok(Self { posts, entries })
    }
}

/// The floor does what the audited write does, and the plain one that without entries.
pub(super) fn compare(left: &[Left], case: Case) -> Result<()> {
    let [plain, floor, audited] = left else { return Err("there are three".into()) };
    let counts = [plain, floor, audited].map(|left| left.entries.len());
    let rows = usize::try_from(case.rows())?;
    if counts != [0, rows, rows] {
        return Err(format!("{}: {counts:?} entries", case.name()).into());
    }
    if plain.posts != audited.posts || floor.posts != audited.posts {
        return Err(format!("{}: the posts differ", case.name()).into());
    }
    match floor.entries.iter().zip(&audited.entries).find(|(floor, audited)| floor != audited) {
        Some((floor, audited)) => {
            Err(format!("{}: {floor:?} is not {audited:?}", case.name()).into())
        }
        None => Ok(()),
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
