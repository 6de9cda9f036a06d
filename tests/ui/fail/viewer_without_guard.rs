//! The history page is for those whom somebody lets in.

use audit_seaorm::AuditViewer;
use axum::Router;
use sea_orm::DatabaseConnection;

fn forgotten(db: &DatabaseConnection) -> Router {
    AuditViewer::new(db).router()
}

fn main() {}
