//! Page by page in both directions, by cursors.

use audit_core::AuditEntry;
use sea_orm::{DatabaseConnection, DbErr};

use super::{
    link::address,
    parameters::{Fault, Parameters},
};
use crate::{AuditQuery, Cursor};

/// How many entries a page has.
const SIZE: u64 = 50;

/// Which page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Newest,
    OlderThan(Cursor),
    NewerThan(Cursor),
}

/// Entries newest first, and where the pages beside them begin.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) entries: Vec<AuditEntry>,
    older: Option<Cursor>,
    newer: Option<Cursor>,
}

/// Where to go on.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    pub(super) newest: Option<String>,
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
}

impl Place {
    pub(super) fn of(parameters: &Parameters, faults: &mut Vec<Fault>) -> Self {
        let older = parameters.cursor("after", faults).map(Self::OlderThan);
        let newer = parameters.cursor("before", faults).map(Self::NewerThan);
        older.or(newer).unwrap_or(Self::Newest)
    }

    pub(super) async fn read(
        self,
        query: AuditQuery,
        db: &DatabaseConnection,
    ) -> Result<Entries, DbErr> {
        let query = query.limit(SIZE);
        match self {
            Self::Newest => Ok(Entries::downwards(query.page(db).await?, false)),
            Self::OlderThan(cursor) => {
                Ok(Entries::downwards(query.after(cursor).page(db).await?, true))
            }
            Self::NewerThan(cursor) => {
                let mut page = query.oldest_first().after(cursor).page(db).await?;
                page.entries.reverse();
                let older = page.entries.last().map(Cursor::of);
                Ok(Entries { entries: page.entries, older, newer: page.next })
            }
        }
    }
}

impl Entries {
    fn downwards(page: crate::Page, has_newer: bool) -> Self {
        let newer = page.entries.first().filter(|_| has_newer).map(Cursor::of);
        Self { entries: page.entries, older: page.next, newer }
    }

    /// The pages beside this one, of a list with these parameters.
    pub(super) fn neighbours(&self, page: &str, list: &[(&str, &str)], place: Place) -> Neighbours {
        let with = |name: &'static str, cursor: Option<Cursor>| {
            let cursor = cursor?.to_string();
            Some(address(page, list.iter().copied().chain([(name, &*cursor)])))
        };
        let newest = !matches!(place, Place::Newest);
        Neighbours {
            newest: newest.then(|| address(page, list.iter().copied())),
            newer: with("before", self.newer),
            older: with("after", self.older),
        }
    }
}
