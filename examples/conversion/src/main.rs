//! A small blog on SeaORM.

use audit_seaorm::{AuditConnection, AuditContext, AuditUser};
use sea_orm::{Database, DbErr};
use sea_orm_migration::MigratorTrait;

mod blog;
mod entity;
mod history;
mod migrations;

#[tokio::main]
async fn main() -> Result<(), DbErr> {
    let db = Database::connect("sqlite::memory:").await?;
    migrations::Migrator::up(&db, None).await?;
    let db = AuditConnection::new(db);

    request("ann", blog::write_a_draft(&db)).await?;
    request("ann", blog::correct_the_title(&db)).await?;
    request("bob", blog::drop_a_tag(&db)).await?;
    request("bob", blog::import_tags(&db)).await?;
    request("ann", blog::publish_all(&db)).await?;
    blog::delete_spam(&db).await?; // A nightly job.
    history::show(&db).await
}

/// What a web framework does around a handler.
async fn request<T>(user: &str, handler: impl Future<Output = T>) -> T {
    println!("a request by {user}");
    AuditContext::new().user(AuditUser::new(user)).scope(handler).await
}
