//! `SeaORM`'s access control: what a user may not do leaves neither a row nor an entry.

use audit_seaorm::{AuditConfig, AuditContext, AuditTrail, FailurePolicy};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, DatabaseConnection, DbErr, IntoActiveModel, QueryFilter, RestrictedConnection,
    TransactionTrait, TryInsertResult,
    rbac::{
        RbacContext, RbacUserId,
        schema::{RbacCreateTablesParams, create_tables},
    },
    sea_query::{Expr, OnConflict},
};

use crate::{
    entities::post,
    support::{assert_lines, by, create, new_post, number, sql, trail, unseen_post},
};

audit_tests::tests! {
    allowed_writes_are_recorded,
    denied_writes_leave_nothing,
    without_a_grant_on_the_trail_nothing_is_written,
    a_restricted_transaction_is_recorded_on,
    builders_are_recorded,
    an_upsert_is_refused_and_tells_no_values,
    where_nothing_is_recorded_builders_are_seaorms,
    a_write_goes_on_without_its_entry_if_told_so,
}

async fn set_up(t: &TestDb) -> [RestrictedConnection; 3] {
    create!(t, post::Entity);
    users(&t.db).await
}

/// The first may do all with posts, the second may read them, and the third may not write the trail.
pub(crate) async fn users(db: &DatabaseConnection) -> [RestrictedConnection; 3] {
    create_tables(db, RbacCreateTablesParams::default()).await.unwrap();
    let mut context = RbacContext::load(db).await.unwrap();
    context.add_tables(db, &["post", "audit_trail"]).await.unwrap();
    context.add_crud_permissions(db).await.unwrap();
    context.add_roles(db, &["writer", "reader", "forgotten"]).await.unwrap();
    let users = [(1, "writer"), (2, "reader"), (3, "forgotten")];
    context.assign_user_role(db, &users).await.unwrap();
    let all = ["select", "insert", "update", "delete"];
    context.add_role_permissions(db, "writer", &all, &["post"]).await.unwrap();
    context.add_role_permissions(db, "writer", &["insert"], &["audit_trail"]).await.unwrap();
    context.add_role_permissions(db, "reader", &["select"], &["post"]).await.unwrap();
    context.add_role_permissions(db, "reader", &["insert"], &["audit_trail"]).await.unwrap();
    context.add_role_permissions(db, "forgotten", &all, &["post"]).await.unwrap();
    db.load_rbac().await.unwrap();
    [1, 2, 3].map(|user| db.restricted_for(RbacUserId(user)).unwrap())
}

#[track_caller]
fn denied<T>(outcome: Result<T, DbErr>, table: &str) {
    match outcome.err() {
        Some(DbErr::AccessDenied { resource, .. }) => assert_eq!(resource, table),
        other => panic!("not denied: {other:?}"),
    }
}

async fn allowed_writes_are_recorded(t: TestDb) {
    let [db, ..] = set_up(&t).await;
    by("ann", async {
        let mut post = new_post("a").insert(&db).await.unwrap().into_active_model();
        post.likes = Set(1);
        let post = post.update(&db).await.unwrap();
        post.delete(&db).await.unwrap();
    })
    .await;
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by ann: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by ann: {"likes":0} -> {"likes":1}"#,
            r#"DELETE post 1 by ann: {"id":1,"likes":1,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
    let entries = AuditTrail::find_for_record(&t.db, post::Entity, 1).await.unwrap();
    assert_ne!(entries[0].transaction_id, entries[1].transaction_id);
    assert!(entries[0].transaction_id.is_some());
}

async fn denied_writes_leave_nothing(t: TestDb) {
    let [_, db, _] = set_up(&t).await;
    let post = unseen_post(&t.db, "a").await;
    denied(new_post("b").insert(&db).await, "post");
    let mut row = post.clone().into_active_model();
    row.likes = Set(1);
    denied(row.clone().update(&db).await, "post");
    denied(post.clone().delete(&db).await, "post");
    let txn = db.begin().await.unwrap();
    denied(row.update(&txn).await, "post");
    denied(ActiveModelTrait::delete(post.into_active_model(), &txn).await, "post");
    txn.commit().await.unwrap();
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post WHERE likes = 0").await, 1);
}

async fn without_a_grant_on_the_trail_nothing_is_written(t: TestDb) {
    let [.., db] = set_up(&t).await;
    let post = unseen_post(&t.db, "a").await;
    denied(new_post("b").insert(&db).await, "audit_trail");
    let mut row = post.clone().into_active_model();
    row.likes = Set(1);
    denied(row.update(&db).await, "audit_trail");
    denied(post.delete(&db).await, "audit_trail");
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post WHERE likes = 0").await, 1);
}

async fn a_restricted_transaction_is_recorded_on(t: TestDb) {
    let [db, ..] = set_up(&t).await;
    let txn = db.begin().await.unwrap();
    let post = new_post("a").insert(&txn).await.unwrap();
    let mut row = post.into_active_model();
    row.likes = Set(1);
    let post = ActiveModelTrait::update(row, &txn).await.unwrap();
    let nested = txn.begin().await.unwrap();
    post.clone().delete(&nested).await.unwrap();
    nested.rollback().await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 2);
    let txn = db.begin().await.unwrap();
    post.delete(&txn).await.unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 2);
}

async fn builders_are_recorded(t: TestDb) {
    let [db, ..] = set_up(&t).await;
    for title in ["a", "b"] {
        new_post(title).insert(&db).await.unwrap();
    }
    let likes = post::Entity::audited().update_many().col_expr(post::Column::Likes, Expr::val(1));
    likes.exec(&db).await.unwrap();
    assert_eq!(post::Entity::audited().delete_many().exec(&db).await.unwrap().rows_affected, 2);
    assert_eq!(trail(&t.db).await.len(), 6);
    let many = post::Entity::audited().insert_many([new_post("c"), new_post("d")]).exec(&db).await;
    if t.backend == Backend::MariaDb {
        let error = many.unwrap_err().to_string();
        assert!(error.contains("of `post` needs SeaORM's own"), "{error}");
    } else {
        many.unwrap();
        assert_eq!(trail(&t.db).await.len(), 8);
    }
}

async fn an_upsert_is_refused_and_tells_no_values(t: TestDb) {
    let [db, ..] = set_up(&t).await;
    let conflict =
        OnConflict::column(post::Column::Title).update_column(post::Column::Token).to_owned();
    let row = post::ActiveModel { token: Set(Some("hunter2".to_owned())), ..new_post("a") };
    let error = post::Entity::audited().insert(row).on_conflict(conflict).exec(&db).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("an upsert of `post` needs"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

/// What the trail could not follow may be done where it does not have to.
async fn where_nothing_is_recorded_builders_are_seaorms(t: TestDb) {
    let [db, reader, _] = set_up(&t).await;
    let posts = post::Entity::audited;
    let on_title =
        || OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned();
    let liked = |likes| post::ActiveModel { likes: Set(likes), ..new_post("a") };
    let txn = db.begin().await.unwrap();
    AuditContext::without_audit(async {
        denied(posts().insert(liked(0)).on_conflict(on_title()).exec(&reader).await, "post");
        let first = posts().insert(liked(1)).on_conflict(on_title()).exec(&db).await.unwrap();
        let upsert = posts().insert(liked(2)).on_conflict(on_title());
        assert_eq!(upsert.exec(&db).await.unwrap().last_insert_id, first.last_insert_id);
        let upsert = posts().insert(liked(3)).on_conflict(on_title());
        assert_eq!(upsert.exec_with_returning(&txn).await.unwrap().likes, 3);
        let tried = posts().insert(liked(4)).on_conflict_do_nothing_on([post::Column::Title]);
        assert!(matches!(tried.exec(&txn).await.unwrap(), TryInsertResult::Conflicted));
        let many = posts().insert_many(["b", "c"].map(new_post)).exec_without_returning(&txn);
        assert_eq!(many.await.unwrap(), 2);
        let key = posts().update_many().col_expr(post::Column::Id, Expr::val(99));
        let key = key.filter(post::Column::Title.eq("a")).exec(&txn).await.unwrap();
        assert_eq!(key.rows_affected, 1);
    })
    .await;
    txn.commit().await.unwrap();
    assert_eq!(number(&t.db, "SELECT likes FROM post WHERE id = 99").await, 3);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 3);
    assert!(trail(&t.db).await.is_empty());
}

async fn a_write_goes_on_without_its_entry_if_told_so(t: TestDb) {
    let [db, ..] = set_up(&t).await;
    sql(&t.db, "ALTER TABLE audit_trail RENAME TO lost").await;
    let go_on = AuditConfig::new().on_failure(FailurePolicy::Continue);
    go_on.clone().scope(new_post("a").insert(&db)).await.unwrap();
    let txn = db.begin().await.unwrap();
    go_on.scope(new_post("b").insert(&txn)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 2);
}
