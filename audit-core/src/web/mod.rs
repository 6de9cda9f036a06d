//! A context for each request: the feature `tower`.

mod answer;
mod body;
mod bounds;
mod client;
mod fact;
mod future;
mod header;
mod layer;
mod request_id;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod traceparent;
mod user;

pub use body::AuditBody;
pub use client::{AddressRange, ParseAddressRangeError, ProxyHeader};
pub use future::AuditFuture;
pub use layer::AuditLayer;
pub use service::AuditService;
pub use user::{AsyncUser, UserExtractor};
