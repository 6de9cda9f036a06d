//! The methods of an `ActiveModel` and a `Model`.

use audit_seaorm::{AuditConnection, AuditTransaction};
use audit_tests::TestDb;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait,
    IntoActiveModel, ModelTrait, TransactionTrait,
};

use super::{
    ground::{Posts, Says, World, entries_are, findings_of, on_each},
    table::{Fate, Row},
};
use crate::{
    concurrency::cancelled_after,
    entities::{hooked, post},
    support::{create, entries, new_post},
};

audit_tests::tests! {
    active_model_insert,
    active_model_insert_that_fails,
    active_model_update,
    active_model_update_of_nothing,
    active_model_update_of_a_missing_row,
    active_model_save,
    active_model_delete,
    active_model_delete_of_a_missing_row,
    model_delete,
    generic_insert,
    generic_update,
    generic_delete,
    after_hook_that_fails,
    dropped_future,
}

const NOTHING: Says<'_> = Says { entries: &[], refusal: &[], findings: &[] };

fn liked(post: post::Model) -> post::ActiveModel {
    post::ActiveModel { likes: Set(post.likes + 1), ..post.into_active_model() }
}

fn missing() -> post::ActiveModel {
    post::ActiveModel { id: Set(9_999), ..Default::default() }
}

async fn active_model_insert(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "active_model_insert", Posts, entries_are(&["CREATE post"]), |db, _a| new_post(
        "c"
    )
    .insert(db)
    .await);
}

async fn active_model_insert_that_fails(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "active_model_insert_that_fails", Posts, NOTHING, |db, _a| new_post("b")
        .insert(db)
        .await);
}

async fn active_model_update(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "active_model_update",
        Posts,
        entries_are(&["UPDATE post"]),
        |db, a| liked(a).update(db).await,
        |db, a| liked(a).update_without_returning(db).await
    );
}

async fn active_model_update_of_nothing(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "active_model_update_of_nothing",
        Posts,
        NOTHING,
        |db, a| a.into_active_model().update(db).await,
        |db, a| a.into_active_model().update_without_returning(db).await,
        |db, a| post::ActiveModel { likes: Set(a.likes), ..a.into_active_model() }.update(db).await
    );
}

async fn active_model_update_of_a_missing_row(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "active_model_update_of_a_missing_row",
        Posts,
        NOTHING,
        |db, _a| missing().update(db).await,
        |db, _a| post::ActiveModel { likes: Set(1), ..missing() }.update(db).await,
        |db, _a| new_post("c").update(db).await
    );
}

async fn active_model_save(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "active_model_save",
        Posts,
        entries_are(&["CREATE post", "UPDATE post"]),
        |db, _a| {
            let mut post = new_post("c").save(db).await?;
            post.likes = Set(1);
            post.save(db).await
        }
    );
}

async fn active_model_delete(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "active_model_delete",
        Posts,
        entries_are(&["DELETE post"]),
        |db, a| a.into_active_model().delete(db).await,
        |db, a| post::ActiveModel { id: Set(a.id), ..Default::default() }.delete(db).await
    );
}

async fn active_model_delete_of_a_missing_row(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "active_model_delete_of_a_missing_row",
        Posts,
        NOTHING,
        |db, _a| missing().delete(db).await,
        |db, _a| new_post("c").delete(db).await
    );
}

async fn model_delete(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "model_delete", Posts, entries_are(&["DELETE post"]), |db, a| a.delete(db).await);
}

async fn fail(db: &impl ConnectionTrait) {
    let row =
        hooked::ActiveModel { name: Set("fails later".to_owned()), ..ActiveModelBehavior::new() };
    let error = row.insert(db).await.unwrap_err().to_string();
    assert!(error.contains("the hook failed"), "{error}");
}

/// The row, its entry and the hook's error all stay: what the hook is about has happened.
async fn after_hook_that_fails(t: TestDb) {
    Row::named("after_hook_that_fails").assert_everywhere(Fate::Recorded, t.backend);
    create!(t, hooked::Entity);
    fail(&t.db).await;
    fail(&AuditConnection::new(t.db.clone())).await;
    let txn = t.db.begin().await.unwrap();
    fail(&txn).await;
    txn.commit().await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    fail(&txn).await;
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 4);
    assert!(findings_of(&t.db, hooked::Entity).await.is_empty());
}

/// Wherever it is dropped, there are both or neither.
async fn dropped_future(t: TestDb) {
    Posts::create(&t).await;
    let guarded = AuditConnection::new(t.db.clone());
    for polls in 0..12 {
        let title = |on: &str| new_post(&format!("{on} {polls}"));
        cancelled_after(polls, title("pool").insert(&t.db)).await;
        cancelled_after(polls, title("guarded").insert(&guarded)).await;
        let txn = t.db.begin().await.unwrap();
        // A connection of SQLx's to MariaDB that is left while it prepares a statement never answers again.
        title("prepared").insert(&txn).await.unwrap();
        if cancelled_after(polls, title("transaction").insert(&txn)).await.is_some() {
            txn.commit().await.unwrap();
        } else {
            // As the row says. SQLx may have lost count of its savepoints, and says so.
            let _ = txn.rollback().await;
        }
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        cancelled_after(polls, title("audit transaction").insert(&txn)).await;
        let _ = txn.commit().await;
    }
    // What was dropped has come to its end when its connections are back.
    drop(guarded);
    t.db.close_by_ref().await.unwrap();
    let db = t.connect_with(|_| {}).await;
    assert!(Posts::findings(&db).await.is_empty());
    Row::named("dropped_future").assert_everywhere(Fate::Recorded, t.backend);
}

/// Known by its traits alone.
async fn insert<A>(row: A, db: &impl ConnectionTrait) -> Result<(), DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    row.insert(db).await.map(drop)
}

async fn update<A>(row: A, db: &impl ConnectionTrait) -> Result<(), DbErr>
where
    A: ActiveModelTrait + ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    row.update(db).await.map(drop)
}

async fn generic_insert(t: TestDb) {
    Posts::create(&t).await;
    let says = Says {
        entries: &["CREATE post"],
        refusal: &["of `post` refused", "concrete ActiveModel", "transaction from `"],
        findings: &[],
    };
    on_each!(t, "generic_insert", Posts, says, |db, _a| insert(new_post("c"), db).await);
}

async fn generic_update(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "generic_update",
        Posts,
        entries_are(&["UPDATE post"]),
        |db, a| update(liked(a), db).await,
        |db, a| ActiveModelTrait::update_without_returning(liked(a), db).await
    );
}

async fn generic_delete(t: TestDb) {
    Posts::create(&t).await;
    let says = Says {
        entries: &["DELETE post"],
        refusal: &["DELETE of `post` refused", "concrete ActiveModel", "transaction from `"],
        findings: &[],
    };
    on_each!(t, "generic_delete", Posts, says, |db, a| ModelTrait::delete(a, db).await, |db, a| {
        ActiveModelTrait::delete(a.into_active_model(), db).await
    });
}
