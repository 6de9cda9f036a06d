//! Counting the trail, in the database.

mod activity;
mod bucket;
mod operations;
mod ranking;
mod records;
mod tables;
mod unit;
mod users;

pub use self::{
    activity::{ActivityBucket, MAX_BUCKETS},
    bucket::Bucket,
    operations::OperationStats,
    ranking::DEFAULT_TOP,
    records::RecordActivity,
    tables::TableActivity,
    users::UserActivity,
};
