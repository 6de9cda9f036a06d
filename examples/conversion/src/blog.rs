//! What the application does.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, TransactionTrait,
};

use crate::entity::{comment, post, tag, user};

/// A user with a draft, its tags and its comments, in one go.
pub(crate) async fn write_a_draft(db: &impl TransactionTrait) -> Result<(), DbErr> {
    let tag = |name: &str, color: &str| tag::ActiveModel::builder().set_name(name).set_color(color);
    let comment = |text: &str, spam| comment::ActiveModel::builder().set_text(text).set_spam(spam);
    let draft = post::ActiveModel::builder()
        .set_title("Hello")
        .set_published(false)
        .set_user(user::ActiveModel::builder().set_name("ann"))
        .add_tag(tag("rust", "orange"))
        .add_tag(tag("news", "grey"))
        .add_comment(comment("Nice!", false))
        .add_comment(comment("Buy now!!!", true));
    draft.save(db).await.map(drop)
}

/// One record, by its ActiveModel.
pub(crate) async fn correct_the_title(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let post = post::Entity::find().one(db).await?.ok_or(DbErr::RecordNotUpdated)?;
    let mut post = post.into_active_model();
    post.title = Set("Hello, world".to_owned());
    post.update(db).await.map(drop)
}

/// The links of a post: one of two tags goes.
pub(crate) async fn drop_a_tag<C>(db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    let post = post::Entity::load().with(tag::Entity).one(db).await?;
    let mut post = post.ok_or(DbErr::RecordNotUpdated)?.into_active_model();
    let rust = post.tags.as_slice()[0].clone();
    post.tags.replace_all([rust]);
    post.save(db).await.map(drop)
}

/// An upsert: one of these is there already.
pub(crate) async fn import_tags(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let tags = [("rust", "red"), ("sql", "blue")].map(|(name, color)| tag::ActiveModel {
        name: Set(name.to_owned()),
        color: Set(color.to_owned()),
        ..Default::default()
    });
    let same_name =
        OnConflict::column(tag::Column::Name).update_column(tag::Column::Color).to_owned();
    tag::Entity::audited().insert_many(tags).on_conflict(same_name).exec(db).await.map(drop)
}

/// A bulk update.
pub(crate) async fn publish_all(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    post::Entity::audited()
        .update_many()
        .col_expr(post::Column::Published, Expr::value(true))
        .filter(post::Column::Published.eq(false))
        .exec(db)
        .await
        .map(drop)
}

/// A bulk delete.
pub(crate) async fn delete_spam(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    comment::Entity::audited()
        .delete_many()
        .filter(comment::Column::Spam.eq(true))
        .exec(db)
        .await
        .map(drop)
}
