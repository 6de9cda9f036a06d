//! Page by page in both directions, by cursors.

use audit_core::AuditEntry;
use sea_orm::{DatabaseConnection, DbErr};

use super::{
    link::address,
    parameters::{Fault, Parameters},
};
use crate::{AuditQuery, Cursor, Page, writer::weight};

/// How many entries a page has.
const SIZE: u64 = 50;

/// How many are read before it is known how large they are, and what is large.
const FEW: u64 = 8;
const LARGE: usize = 1 << 20;

/// Which page.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Newest,
    OlderThan(Cursor),
    NewerThan(Cursor),
}

/// Entries newest first, and where the pages beside them begin.
#[derive(Debug)]
pub(super) struct Stretch {
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
        &self,
        query: AuditQuery,
        db: &DatabaseConnection,
    ) -> Result<Stretch, DbErr> {
        match self {
            Self::Newest => Ok(Stretch::downwards(some(query, db).await?, false)),
            Self::OlderThan(cursor) => {
                Ok(Stretch::downwards(some(query.after(cursor.clone()), db).await?, true))
            }
            Self::NewerThan(cursor) => {
                let mut page = some(query.oldest_first().after(cursor.clone()), db).await?;
                page.entries.reverse();
                let older = page.entries.last().map(Cursor::of);
                Ok(Stretch { entries: page.entries, older, newer: page.next })
            }
        }
    }
}

/// As many as a page has, or fewer if they are large: a few at first, and the rest if those were small.
async fn some(query: AuditQuery, db: &DatabaseConnection) -> Result<Page, DbErr> {
    let mut page = query.clone().limit(FEW).page(db).await?;
    let weight: usize = page.entries.iter().map(weight::of).sum();
    if let Some(next) = page.next.take_if(|_| weight < LARGE) {
        let rest = query.after(next).limit(SIZE - FEW).page(db).await?;
        page.entries.extend(rest.entries);
        page.next = rest.next;
    }
    Ok(page)
}

impl Stretch {
    fn downwards(page: Page, has_newer: bool) -> Self {
        let newer = page.entries.first().filter(|_| has_newer).map(Cursor::of);
        Self { entries: page.entries, older: page.next, newer }
    }

    /// The pages beside this one, of a list with these parameters.
    pub(super) fn neighbours(
        &self,
        page: &str,
        list: &[(&str, &str)],
        place: &Place,
    ) -> Neighbours {
        let with = |name: &'static str, cursor: &Option<Cursor>| {
            let cursor = cursor.as_ref()?.to_string();
            Some(address(page, list.iter().copied().chain([(name, &*cursor)])))
        };
        let newest = !matches!(place, Place::Newest);
        Neighbours {
            newest: newest.then(|| address(page, list.iter().copied())),
            newer: with("before", &self.newer),
            older: with("after", &self.older),
        }
    }
}
