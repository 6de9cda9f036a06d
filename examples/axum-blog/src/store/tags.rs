//! Tags, and which posts have them.

use std::collections::BTreeSet;

use audit_seaorm::AuditTransaction;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, sea_query::OnConflict,
};
use serde::Serialize;

use super::Store;
use crate::{
    entities::{post, post_tag, tag},
    error::Error,
    input::Name,
};

/// A tag as clients see it.
#[derive(Serialize, sea_orm::FromQueryResult)]
pub(crate) struct TagView {
    name: String,
    /// How many published posts have it.
    posts: i64,
}

impl Store {
    /// All tags that a published post has.
    pub(crate) async fn tags(&self) -> Result<Vec<TagView>, Error> {
        let tags = tag::Entity::find()
            .select_only()
            .column(tag::Column::Name)
            .column_as(post_tag::Column::PostId.count(), "posts")
            .join_rev(JoinType::InnerJoin, post_tag::Relation::Tag.def())
            .join(JoinType::InnerJoin, post_tag::Relation::Post.def())
            .filter(post::Column::Published.eq(true))
            .group_by(tag::Column::Name)
            .order_by_asc(tag::Column::Name);
        Ok(tags.into_model().all(&self.db).await?)
    }
}

/// Gives a post exactly these tags. The post must be locked, or new.
pub(super) async fn set(
    txn: &AuditTransaction,
    post_id: i32,
    names: &BTreeSet<Name>,
) -> Result<(), Error> {
    let wanted = ids(txn, names).await?;
    let links =
        post_tag::Entity::find().filter(post_tag::Column::PostId.eq(post_id)).all(txn).await?;
    let present: BTreeSet<i32> = links.iter().map(|link| link.tag_id).collect();
    let gone: Vec<i32> = present.difference(&wanted).copied().collect();
    if !gone.is_empty() {
        let links = post_tag::Entity::audited().delete_many();
        let links = links.filter(post_tag::Column::PostId.eq(post_id));
        links.filter(post_tag::Column::TagId.is_in(gone)).exec(txn).await?;
    }
    let new: Vec<_> = wanted
        .difference(&present)
        .map(|tag_id| post_tag::ActiveModel { post_id: Set(post_id), tag_id: Set(*tag_id) })
        .collect();
    if !new.is_empty() {
        post_tag::Entity::audited().insert_many(new).exec(txn).await?;
    }
    Ok(())
}

/// The ids of tags, which are made if there are none. Always in the same order, so that two requests that make the
/// same tags wait for one another and not in a circle.
async fn ids(txn: &AuditTransaction, names: &BTreeSet<Name>) -> Result<BTreeSet<i32>, Error> {
    if names.is_empty() {
        return Ok(BTreeSet::new());
    }
    let wanted = tag::Column::Name.is_in(names.iter().map(Name::as_str));
    let known = tag::Entity::find().filter(wanted.clone()).all(txn).await?;
    let unknown: Vec<_> = names
        .iter()
        .filter(|name| known.iter().all(|tag| tag.name != name.as_str()))
        .map(|name| tag::ActiveModel { name: Set(name.as_str().to_owned()), ..Default::default() })
        .collect();
    if unknown.is_empty() {
        return Ok(known.into_iter().map(|tag| tag.id).collect());
    }
    let there_already = OnConflict::column(tag::Column::Name).do_nothing().to_owned();
    let new = tag::Entity::audited().insert_many(unknown).on_conflict(there_already);
    new.exec_without_returning(txn).await?;
    let tags = tag::Entity::find().filter(wanted).all(txn).await?;
    Ok(tags.into_iter().map(|tag| tag.id).collect())
}
