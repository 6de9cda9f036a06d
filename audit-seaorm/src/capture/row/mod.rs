//! What is done to one row, without any hook of the user's and wherever it runs.

mod both_images;
mod delete;
mod insert;
mod update;

pub(crate) use delete::Delete;
pub(super) use insert::Insert;
pub(crate) use update::Update;
