//! Posts: drafts until they are published.

use std::collections::BTreeSet;

use audit_seaorm::AuditTransaction;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    LoaderTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, sea_query::Expr,
};
use serde::{Deserialize, Serialize};

use super::{Store, tags};
use crate::{
    account::Account,
    entities::{comment, post, post_tag, tag, user},
    error::Error,
    input::{Name, Text},
};

/// What one writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    title: Text<200>,
    body: Text<20_000>,
    #[serde(default)]
    tags: BTreeSet<Name>,
}

/// What one writes anew; the rest stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    title: Option<Text<200>>,
    body: Option<Text<20_000>>,
    tags: Option<BTreeSet<Name>>,
}

/// Which of the published posts one wants to read, newest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    author: Option<Name>,
    tag: Option<Name>,
    /// Those with a smaller id: the last one of the page before.
    before: Option<i32>,
}

/// A post as clients see it.
#[derive(Serialize)]
pub(crate) struct PostView {
    id: i32,
    author: Option<String>,
    title: String,
    body: String,
    tags: BTreeSet<String>,
    published_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

const PAGE: u64 = 20;

impl Store {
    /// Published posts, [`PAGE`] of them.
    pub(crate) async fn posts(&self, listing: Listing) -> Result<Vec<PostView>, Error> {
        let Listing { author, tag, before } = listing;
        let posts = post::Entity::find()
            .filter(post::Column::Published.eq(true))
            .apply_if(author, |posts, author| {
                let author = user::Entity::find()
                    .select_only()
                    .column(user::Column::Id)
                    .filter(user::Column::Name.eq(author.as_str()));
                posts.filter(post::Column::AuthorId.in_subquery(author.into_query()))
            })
            .apply_if(before, |posts, before| posts.filter(post::Column::Id.lt(before)))
            .apply_if(tag, |posts, tag| {
                let tagged = post_tag::Entity::find()
                    .select_only()
                    .column(post_tag::Column::PostId)
                    .inner_join(tag::Entity)
                    .filter(tag::Column::Name.eq(tag.as_str()));
                posts.filter(post::Column::Id.in_subquery(tagged.into_query()))
            })
            .order_by_desc(post::Column::Id)
            .limit(PAGE);
        views(&self.db, posts.all(&self.db).await?).await
    }

    /// A post. Drafts are there for those only who may change them.
    pub(crate) async fn post(&self, id: i32, reader: Option<&Account>) -> Result<PostView, Error> {
        let post = readable(&self.db, id, reader).await?;
        view(&self.db, post).await
    }

    /// A new draft.
    pub(crate) async fn create_post(
        &self,
        author: &Account,
        draft: Draft,
    ) -> Result<PostView, Error> {
        AuditTransaction::run(&self.db, async |txn| {
            let now = Utc::now();
            let post = post::ActiveModel {
                author_id: Set(Some(author.id)),
                title: Set(draft.title.into()),
                body: Set(draft.body.into()),
                published: Set(false),
                created_at: Set(now),
                updated_at: Set(now),
                ..Default::default()
            };
            let post = post.insert(txn).await?;
            tags::set(txn, post.id, &draft.tags).await?;
            view(txn, post).await
        })
        .await
    }

    /// Writes a post anew, or parts of it.
    pub(crate) async fn change_post(
        &self,
        editor: &Account,
        id: i32,
        changes: Changes,
    ) -> Result<PostView, Error> {
        AuditTransaction::run(&self.db, async |txn| {
            let mut post = changeable(txn, id, editor).await?;
            let mut update = post.clone().into_active_model();
            if let Some(title) = changes.title {
                update.title.set_if_not_equals(title.into());
            }
            if let Some(body) = changes.body {
                update.body.set_if_not_equals(body.into());
            }
            // The time alone is no change.
            if update.is_changed() {
                update.updated_at = Set(Utc::now());
                post = update.update(txn).await?;
            }
            if let Some(tags) = &changes.tags {
                tags::set(txn, id, tags).await?;
            }
            view(txn, post).await
        })
        .await
    }

    /// Deletes a post, its comments and its links to tags.
    pub(crate) async fn delete_post(&self, editor: &Account, id: i32) -> Result<(), Error> {
        AuditTransaction::run(&self.db, async |txn| {
            changeable(txn, id, editor).await?;
            delete(txn, &[id]).await
        })
        .await
    }

    /// Publishes all drafts of an author, and tells which they were.
    pub(crate) async fn publish_drafts(&self, author: &Account) -> Result<Vec<i32>, Error> {
        let now = Utc::now();
        let published = post::Entity::audited()
            .update_many()
            .col_expr(post::Column::Published, Expr::value(true))
            .col_expr(post::Column::PublishedAt, Expr::value(now))
            .col_expr(post::Column::UpdatedAt, Expr::value(now))
            .filter(post::Column::AuthorId.eq(author.id))
            .filter(post::Column::Published.eq(false))
            .exec_with_returning(&self.db)
            .await?;
        Ok(published.into_iter().map(|post| post.id).collect())
    }
}

/// A post for somebody who may read it.
pub(super) async fn readable(
    db: &impl ConnectionTrait,
    id: i32,
    reader: Option<&Account>,
) -> Result<post::Model, Error> {
    let post = post::Entity::find_by_id(id).one(db).await?;
    let may_read = |post: &post::Model| {
        post.published || reader.is_some_and(|reader| reader.may_change(post.author_id))
    };
    post.filter(may_read).ok_or(Error::NotFound("post"))
}

/// A post for somebody who may change it; nobody else does until the end of the transaction.
async fn changeable(
    txn: &AuditTransaction,
    id: i32,
    editor: &Account,
) -> Result<post::Model, Error> {
    let post = post::Entity::find_by_id(id).lock_exclusive().one(txn).await?;
    let post = post.ok_or(Error::NotFound("post"))?;
    match editor.may_change(post.author_id) {
        true => Ok(post),
        false if post.published => Err(Error::Forbidden("this is somebody else's post")),
        false => Err(Error::NotFound("post")),
    }
}

/// Deletes posts and what belongs to them.
pub(super) async fn delete(txn: &AuditTransaction, ids: &[i32]) -> Result<(), Error> {
    let ids = || ids.iter().copied();
    let comments = comment::Entity::audited().delete_many();
    comments.filter(comment::Column::PostId.is_in(ids())).exec(txn).await?;
    let links = post_tag::Entity::audited().delete_many();
    links.filter(post_tag::Column::PostId.is_in(ids())).exec(txn).await?;
    let posts = post::Entity::audited().delete_many();
    posts.filter(post::Column::Id.is_in(ids())).exec(txn).await?;
    Ok(())
}

async fn view(db: &impl ConnectionTrait, post: post::Model) -> Result<PostView, Error> {
    views(db, vec![post]).await?.pop().ok_or(Error::NotFound("post"))
}

async fn views(db: &impl ConnectionTrait, posts: Vec<post::Model>) -> Result<Vec<PostView>, Error> {
    let authors = posts.load_one(user::Entity, db).await?;
    let tags = posts.load_many(tag::Entity, db).await?;
    let views = posts.into_iter().zip(authors).zip(tags).map(|((post, author), tags)| PostView {
        id: post.id,
        author: author.map(|author| author.name),
        title: post.title,
        body: post.body,
        tags: tags.into_iter().map(|tag| tag.name).collect(),
        published_at: post.published_at,
        created_at: post.created_at,
        updated_at: post.updated_at,
    });
    Ok(views.collect())
}
