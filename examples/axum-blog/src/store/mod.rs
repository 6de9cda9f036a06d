//! What is done with the data. Nothing in here says what is recorded: the entities and the connection do.

mod accounts;
mod comments;
mod erasure;
mod posts;
mod tags;

use audit_seaorm::AuditConnection;

pub(crate) use self::{
    comments::CommentView,
    posts::{Changes, Draft, Listing, PostView},
    tags::TagView,
};

/// The data of the blog.
#[derive(Clone)]
pub(crate) struct Store {
    db: AuditConnection,
}

impl Store {
    pub(crate) fn new(db: AuditConnection) -> Self {
        Self { db }
    }

    /// For what reads the trail.
    pub(crate) fn connection(&self) -> &AuditConnection {
        &self.db
    }
}
