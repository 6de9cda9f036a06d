//! What cannot be recorded truly is refused, or reported.

use audit_seaorm::{AuditConfig, AuditCounters, Escape};
use audit_tests::TestDb;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DatabaseConnection, DbErr, IntoActiveModel, ModelTrait,
    TransactionTrait,
};

use crate::{
    entities::post,
    support::{Wrapped, assert_lines, create, new_post, number, trail, unseen_post},
};

audit_tests::tests! {
    a_trait_call_on_a_pool_is_refused_with_what_to_write_instead,
    an_unknown_connection_is_refused_by_its_name,
    a_warning_records_and_reports,
    #[alone] escapes_are_counted,
}

async fn a_trait_call_on_a_pool_is_refused_with_what_to_write_instead(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let insert = ActiveModelTrait::insert(new_post("b"), &t.db).await.unwrap_err().to_string();
    assert_eq!(
        insert,
        "Custom Error: audit: CREATE of `post` refused: this call reached a method of SeaORM's traits \
         with a connection pool, where the change and its entry cannot be made one. Call the method \
         on the concrete ActiveModel, or pass a transaction from `db.begin()`; \
         AuditConfig::on_escape(Escape::Warn) lets it pass, recorded as well as can be"
    );
    let delete = ModelTrait::delete(post, &t.db).await.unwrap_err().to_string();
    assert!(delete.contains("DELETE of `post` refused"), "{delete}");
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

async fn write_all(db: &DatabaseConnection, post: post::Model) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    let wrapped = Wrapped::new(&txn);
    let mut post = post.into_active_model();
    post.likes = Set(1);
    let post = post.update(&wrapped).await?;
    new_post("b").insert(&wrapped).await?;
    post.delete(&wrapped).await?;
    txn.commit().await
}

async fn an_unknown_connection_is_refused_by_its_name(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let error = write_all(&t.db, post).await.unwrap_err().to_string();
    assert!(error.contains("UPDATE of `post` refused"), "{error}");
    assert!(error.contains("Wrapped"), "{error}");
    assert!(trail(&t.db).await.is_empty());
}

async fn a_warning_records_and_reports(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let other = unseen_post(&t.db, "other").await;
    let config = AuditConfig::new().on_escape(Escape::Warn);
    let (result, logs) = audit_tests::logs::capture(config.scope(async {
        write_all(&t.db, post).await?;
        ActiveModelTrait::insert(new_post("c"), &t.db).await?;
        ModelTrait::delete(other, &t.db).await
    }))
    .await;
    result.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"CREATE post 3 by nobody: none -> {"id":3,"likes":0,"title":"b","token":"[REDACTED]"}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":1,"title":"a","token":"[REDACTED]"} -> none"#,
            r#"CREATE post 4 by nobody: none -> {"id":4,"likes":0,"title":"c","token":"[REDACTED]"}"#,
            r#"DELETE post 2 by nobody: {"id":2,"likes":0,"title":"other","token":"[REDACTED]"} -> none"#,
        ],
    );
    assert_eq!(logs.matches("audited write outside of a transaction").count(), 5, "{logs}");
}

async fn escapes_are_counted(t: TestDb) {
    create!(t, post::Entity);
    let before = AuditCounters::now().escaped;
    ActiveModelTrait::insert(new_post("a"), &t.db).await.unwrap_err();
    let allowed = AuditConfig::new().on_escape(Escape::Allow);
    allowed.scope(ActiveModelTrait::insert(new_post("a"), &t.db)).await.unwrap();
    assert_eq!(AuditCounters::now().escaped, before + 2);
}
