//! The tables of the blog, and before them that of the trail.

use sea_orm_migration::{prelude::*, schema};

use crate::entities::{comment, post, post_tag, tag, user};

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
        "m20261126_000010_create_blog"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateBlog {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [users(), posts(), tags(), post_tags(), comments()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = |table: &mut TableDropStatement| manager.drop_table(table.take());
        drop(Table::drop().table(comment::Entity)).await?;
        drop(Table::drop().table(post_tag::Entity)).await?;
        drop(Table::drop().table(tag::Entity)).await?;
        drop(Table::drop().table(post::Entity)).await?;
        drop(Table::drop().table(user::Entity)).await
    }
}

fn users() -> TableCreateStatement {
    use user::Column;
    Table::create()
        .table(user::Entity)
        .col(schema::pk_auto(Column::Id))
        .col(schema::string_len_uniq(Column::Name, 32))
        .col(schema::string_len_uniq(Column::Email, 254))
        // What a user who is brought back from the trail, which does not know it, has: no password.
        .col(schema::string(Column::PasswordHash).default(""))
        .col(schema::boolean(Column::Admin))
        .col(schema::timestamp_with_time_zone(Column::CreatedAt))
        .col(schema::timestamp_with_time_zone_null(Column::LastLoginAt))
        .take()
}

fn posts() -> TableCreateStatement {
    use post::Column;
    Table::create()
        .table(post::Entity)
        .col(schema::pk_auto(Column::Id))
        .col(schema::integer_null(Column::AuthorId))
        .col(schema::string_len(Column::Title, 200))
        .col(schema::text(Column::Body))
        .col(schema::boolean(Column::Published))
        .col(schema::timestamp_with_time_zone_null(Column::PublishedAt))
        .col(schema::timestamp_with_time_zone(Column::CreatedAt))
        .col(schema::timestamp_with_time_zone(Column::UpdatedAt))
        .foreign_key(&mut to_user(post::Entity, Column::AuthorId))
        .take()
}

fn tags() -> TableCreateStatement {
    Table::create()
        .table(tag::Entity)
        .col(schema::pk_auto(tag::Column::Id))
        .col(schema::string_len_uniq(tag::Column::Name, 32))
        .take()
}

fn post_tags() -> TableCreateStatement {
    use post_tag::Column;
    Table::create()
        .table(post_tag::Entity)
        .col(schema::integer(Column::PostId))
        .col(schema::integer(Column::TagId))
        .primary_key(Index::create().col(Column::PostId).col(Column::TagId))
        .foreign_key(&mut to_post(post_tag::Entity, Column::PostId))
        .foreign_key(
            ForeignKey::create()
                .from(post_tag::Entity, Column::TagId)
                .to(tag::Entity, tag::Column::Id),
        )
        .take()
}

fn comments() -> TableCreateStatement {
    use comment::Column;
    Table::create()
        .table(comment::Entity)
        .col(schema::pk_auto(Column::Id))
        .col(schema::integer(Column::PostId))
        .col(schema::integer(Column::AuthorId))
        .col(schema::text(Column::Text))
        .col(schema::timestamp_with_time_zone(Column::CreatedAt))
        .foreign_key(&mut to_post(comment::Entity, Column::PostId))
        .foreign_key(&mut to_user(comment::Entity, Column::AuthorId))
        .take()
}

/// None of the foreign keys cascades: what a database deletes by itself, no trail knows of.
fn to_user(table: impl IntoTableRef, column: impl IntoIden) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(user::Entity, user::Column::Id).take()
}

fn to_post(table: impl IntoTableRef, column: impl IntoIden) -> ForeignKeyCreateStatement {
    ForeignKey::create().from(table, column).to(post::Entity, post::Column::Id).take()
}

fn indexes() -> [IndexCreateStatement; 4] {
    [
        Index::create().name("post_author").table(post::Entity).col(post::Column::AuthorId).take(),
        Index::create()
            .name("post_tag_tag")
            .table(post_tag::Entity)
            .col(post_tag::Column::TagId)
            .take(),
        Index::create()
            .name("comment_post")
            .table(comment::Entity)
            .col(comment::Column::PostId)
            .take(),
        Index::create()
            .name("comment_author")
            .table(comment::Entity)
            .col(comment::Column::AuthorId)
            .take(),
    ]
}
