//! Users write posts, which have tags and comments. Each of these is on record.

pub(crate) mod comment;
pub(crate) mod post;
pub(crate) mod post_tag;
pub(crate) mod tag;
pub(crate) mod user;
