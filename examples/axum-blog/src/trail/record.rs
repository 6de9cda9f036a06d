//! A record as an address names it: `post/42`, `post_tag/[42,7]`.

use audit_seaorm::{AuditQuery, AuditTrail, Restore};
use chrono::{DateTime, Utc};

use crate::{
    entities::{comment, post, post_tag, tag, user},
    error::Error,
};

/// One record of the blog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    User(i32),
    Post(i32),
    Tag(i32),
    PostTag((i32, i32)),
    Comment(i32),
}

impl Record {
    /// Reads the name of a table and the key of a record as entries of the trail have them.
    pub(super) fn read(table: &str, id: &str) -> Result<Self, Error> {
        let known: fn(&str) -> Option<Self> = match table {
            "user" => |id| Some(Self::User(id.parse().ok()?)),
            "post" => |id| Some(Self::Post(id.parse().ok()?)),
            "tag" => |id| Some(Self::Tag(id.parse().ok()?)),
            "post_tag" => |id| Some(Self::PostTag(serde_json::from_str(id).ok()?)),
            "comment" => |id| Some(Self::Comment(id.parse().ok()?)),
            _ => return Err(Error::NotFound("table")),
        };
        let expected = "expected the id of a record, such as 42, or [42,7] of a `post_tag`";
        known(id).ok_or_else(|| Error::invalid(expected))
    }

    /// A search of its entries.
    pub(super) fn entries(self) -> AuditQuery {
        let query = AuditTrail::query();
        match self {
            Self::User(id) => query.record_of(user::Entity, id),
            Self::Post(id) => query.record_of(post::Entity, id),
            Self::Tag(id) => query.record_of(tag::Entity, id),
            Self::PostTag(id) => query.record_of(post_tag::Entity, id),
            Self::Comment(id) => query.record_of(comment::Entity, id),
        }
    }

    /// The way back to what it was.
    pub(super) fn restore(self, when: DateTime<Utc>) -> Restore {
        match self {
            Self::User(id) => AuditTrail::restore(user::Entity, id, when),
            Self::Post(id) => AuditTrail::restore(post::Entity, id, when),
            Self::Tag(id) => AuditTrail::restore(tag::Entity, id, when),
            Self::PostTag(id) => AuditTrail::restore(post_tag::Entity, id, when),
            Self::Comment(id) => AuditTrail::restore(comment::Entity, id, when),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_its_table_and_its_key() {
        assert_eq!(Record::read("post", "42").unwrap(), Record::Post(42));
        assert_eq!(Record::read("post_tag", "[42,7]").unwrap(), Record::PostTag((42, 7)));
    }

    #[test]
    fn anything_else_is_refused() {
        for (table, id) in [("post", "[42]"), ("post", "x"), ("post_tag", "42"), ("session", "1")] {
            assert!(Record::read(table, id).is_err(), "{table} {id}");
        }
    }
}
