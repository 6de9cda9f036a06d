//! Comments on posts.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;

use super::{Store, posts};
use crate::{
    account::Account,
    entities::{comment, user},
    error::Error,
    input::Text,
};

/// A comment as clients see it.
#[derive(Serialize)]
pub(crate) struct CommentView {
    id: i32,
    post_id: i32,
    author: String,
    text: String,
    created_at: DateTime<Utc>,
}

/// How many comments are read at once.
const PAGE: u64 = 100;

impl Store {
    /// The oldest comments on a post, behind the one with this id.
    pub(crate) async fn comments(
        &self,
        post_id: i32,
        after: Option<i32>,
        reader: Option<&Account>,
    ) -> Result<Vec<CommentView>, Error> {
        let post = posts::readable(&self.db, post_id, reader).await?;
        let comments = comment::Entity::find()
            .filter(comment::Column::PostId.eq(post.id))
            .filter(comment::Column::Id.gt(after.unwrap_or(0)))
            .find_also_related(user::Entity)
            .order_by_asc(comment::Column::Id)
            .limit(PAGE);
        let comments = comments.all(&self.db).await?;
        let views = comments.into_iter().map(|(comment, author)| {
            view(comment, author.map(|author| author.name).unwrap_or_default())
        });
        Ok(views.collect())
    }

    /// A new comment on a post that its author may read.
    pub(crate) async fn create_comment(
        &self,
        author: &Account,
        post_id: i32,
        text: Text<2_000>,
    ) -> Result<CommentView, Error> {
        let post = posts::readable(&self.db, post_id, Some(author)).await?;
        let comment = comment::ActiveModel {
            post_id: Set(post.id),
            author_id: Set(author.id),
            text: Set(text.into()),
            created_at: Set(Utc::now()),
            ..Default::default()
        };
        Ok(view(comment.insert(&self.db).await?, author.name.clone()))
    }

    /// Writes a comment anew: whoever wrote it, and nobody else.
    pub(crate) async fn change_comment(
        &self,
        author: &Account,
        id: i32,
        text: Text<2_000>,
    ) -> Result<CommentView, Error> {
        let comment = self.comment(id).await?;
        if comment.author_id != author.id {
            return Err(Error::Forbidden("this is somebody else's comment"));
        }
        let mut comment = comment.into_active_model();
        comment.text = Set(text.into());
        Ok(view(comment.update(&self.db).await?, author.name.clone()))
    }

    /// Deletes a comment: whoever wrote it, or an admin.
    pub(crate) async fn delete_comment(&self, editor: &Account, id: i32) -> Result<(), Error> {
        let comment = self.comment(id).await?;
        if !editor.may_change(Some(comment.author_id)) {
            return Err(Error::Forbidden("this is somebody else's comment"));
        }
        comment.delete(&self.db).await?;
        Ok(())
    }

    async fn comment(&self, id: i32) -> Result<comment::Model, Error> {
        let comment = comment::Entity::find_by_id(id).one(&self.db).await?;
        comment.ok_or(Error::NotFound("comment"))
    }
}

fn view(comment: comment::Model, author: String) -> CommentView {
    let comment::Model { id, post_id, text, created_at, .. } = comment;
    CommentView { id, post_id, author, text, created_at }
}
