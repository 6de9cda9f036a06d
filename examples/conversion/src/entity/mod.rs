//! Users write posts, which have comments and tags.

pub(crate) mod comment;
pub(crate) mod post;
pub(crate) mod post_tag;
pub(crate) mod tag;
pub(crate) mod user;
