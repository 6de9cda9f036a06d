//! Whether the trail and the rows say the same.

use audit_seaorm::{AuditTrail, Verification};
use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    entities::{comment, post, post_tag, tag, user},
    error::Error,
    store::Store,
};

#[derive(Serialize)]
pub(super) struct Finding {
    table: String,
    clean: bool,
    /// The findings, and how many entries and rows were held against each other.
    report: String,
}

impl From<Verification> for Finding {
    fn from(found: Verification) -> Self {
        Self { clean: found.is_clean(), report: found.to_string(), table: found.table }
    }
}

/// `GET /trail/verification`
pub(super) async fn show(State(store): State<Store>) -> Result<Json<[Finding; 5]>, Error> {
    let db = store.connection();
    Ok(Json([
        AuditTrail::verify(db, user::Entity).await?.into(),
        AuditTrail::verify(db, post::Entity).await?.into(),
        AuditTrail::verify(db, tag::Entity).await?.into(),
        AuditTrail::verify(db, post_tag::Entity).await?.into(),
        AuditTrail::verify(db, comment::Entity).await?.into(),
    ]))
}
