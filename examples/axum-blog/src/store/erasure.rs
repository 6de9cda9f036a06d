//! The end of an account.

use audit_seaorm::{AuditContext, AuditTransaction};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{Store, posts};
use crate::{
    entities::{comment, post, user},
    error::Error,
};

impl Store {
    /// Erases an account with its comments and drafts. What it has published stays, with no author.
    ///
    /// All of it or nothing, and each record that it touches has its entry, with the reason.
    pub(crate) async fn erase_account(&self, id: i32) -> Result<(), Error> {
        let context = AuditContext::current().unwrap_or_default();
        let erasure = AuditTransaction::run(&self.db, async |txn| erase(txn, id).await);
        context.reason("account erased at the user's request").scope(erasure).await
    }
}

async fn erase(txn: &AuditTransaction, id: i32) -> Result<(), Error> {
    // Until the end nobody else can write what refers to it.
    let user = user::Entity::find_by_id(id).lock_exclusive().one(txn).await?;
    let user = user.ok_or(Error::NotFound("account"))?;
    let comments = comment::Entity::audited().delete_many();
    comments.filter(comment::Column::AuthorId.eq(id)).exec(txn).await?;
    let drafts = post::Entity::find().select_only().column(post::Column::Id);
    let drafts =
        drafts.filter(post::Column::AuthorId.eq(id)).filter(post::Column::Published.eq(false));
    posts::delete(txn, &drafts.lock_exclusive().into_tuple().all(txn).await?).await?;
    post::Entity::audited()
        .update_many()
        .col_expr(post::Column::AuthorId, Expr::value(None::<i32>))
        .filter(post::Column::AuthorId.eq(id))
        .exec(txn)
        .await?;
    user.delete(txn).await?;
    Ok(())
}
