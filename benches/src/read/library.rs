//! What an application does.

use audit_seaorm::{AuditQuery, AuditTrail, Blame, Cursor, Page};
use sea_orm::ConnectionTrait;

use super::{
    article,
    case::{Case, PAGE},
    floor::{Answer, Blamed},
    trail::Subject,
};
use crate::Result;

pub(super) async fn read<C: ConnectionTrait>(
    db: &C,
    case: Case,
    subject: &Subject,
) -> Result<Answer> {
    let Subject { record, large_record, user, when, .. } = subject;
    let query = || AuditTrail::query().limit(PAGE);
    match case {
        Case::Record => {
            let entries = AuditTrail::find_for_record(db, article::Entity, *record).await?;
            Ok(Answer::Entries(entries))
        }
        Case::UserAndTime => page(db, query().user(user).from(subject.from).to(subject.to)).await,
        Case::Latest => page(db, query()).await,
        Case::Deep => page(db, query().after(Cursor::of(&subject.before))).await,
        Case::UserAndChanged => page(db, query().user(user).changed("price")).await,
        Case::LargeRecord => page(db, query().record_of(article::Entity, *large_record)).await,
        Case::Blame => {
            let blame = AuditTrail::blame(db, article::Entity, *record).await?;
            Ok(Answer::Blame(blame.into_iter().map(Blamed::from).collect()))
        }
        Case::AsOf => {
            Ok(Answer::Record(AuditTrail::as_of(db, article::Entity, *record, *when).await?))
        }
    }
}

async fn page<C: ConnectionTrait>(db: &C, query: AuditQuery) -> Result<Answer> {
    let Page { entries, next, .. } = query.page(db).await?;
    Ok(Answer::Page(entries, next))
}

impl From<Blame> for Blamed {
    fn from(blame: Blame) -> Self {
        Self {
            column: blame.column,
            old: blame.old,
            new: blame.new,
            entry_id: blame.entry_id,
            operation: blame.operation,
            user_id: blame.user_id,
            user_email: blame.user_email,
            request_id: blame.request_id,
            reason: blame.reason,
            timestamp: blame.timestamp,
        }
    }
}
