//! The application's own migrations.

use sea_orm_migration::prelude::*;

use crate::entity::{comment, post, post_tag, tag, user};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = audit_migration::migrations();
        migrations.push(Box::new(CreateBlog));
        migrations
    }
}

struct CreateBlog;

impl MigrationName for CreateBlog {
    fn name(&self) -> &'static str {
        "m20260101_000001_create_blog"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateBlog {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let schema = sea_orm::Schema::new(manager.get_database_backend()).builder();
        let schema = schema.register(user::Entity).register(post::Entity);
        let schema = schema.register(comment::Entity).register(tag::Entity);
        schema.register(post_tag::Entity).apply(db).await
    }
}
