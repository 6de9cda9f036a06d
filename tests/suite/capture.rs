//! Every write of an `ActiveModel` on the row itself leaves its entry.

use audit_seaorm::AuditTrail;
use audit_tests::TestDb;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait,
    IntoActiveModel, ModelTrait, TransactionTrait,
};

use crate::{
    entities::post,
    support::{assert_lines, by, create, entries, new_post, trail, unseen_post},
};

audit_tests::tests! {
    insert_update_save_and_delete_leave_an_entry_each,
    an_update_without_returning_is_recorded_and_tells_one_row,
    the_before_image_is_the_row_and_not_what_the_caller_loaded,
    values_that_the_database_makes_are_in_the_after_image,
    a_deleted_model_leaves_its_before_image,
    the_extended_active_model_is_recorded,
    a_transaction_commits_its_entries_with_its_changes,
    savepoints_keep_and_drop_their_entries,
    generic_code_on_a_transaction_is_recorded,
    a_generic_update_on_a_pool_is_recorded,
    operations_on_a_pool_have_a_group_each,
    a_row_written_by_the_application_alone_has_a_before_image,
    ten_thousand_rows_have_ten_thousand_entries,
}

async fn insert_update_save_and_delete_leave_an_entry_each(t: TestDb) {
    create!(t, post::Entity);
    by("ann", async {
        let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
        post.title = Set("b".to_owned());
        let mut post = post.update(&t.db).await.unwrap().into_active_model();
        post.likes = Set(1);
        let post = post.save(&t.db).await.unwrap();
        post.delete(&t.db).await.unwrap();
        new_post("c").save(&t.db).await.unwrap();
    })
    .await;
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by ann: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by ann: {"title":"a"} -> {"title":"b"}"#,
            r#"UPDATE post 1 by ann: {"likes":0} -> {"likes":1}"#,
            r#"DELETE post 1 by ann: {"id":1,"likes":1,"title":"b","token":"[REDACTED]"} -> none"#,
            r#"CREATE post 2 by ann: none -> {"id":2,"likes":0,"title":"c","token":"[REDACTED]"}"#,
        ],
    );
}

async fn an_update_without_returning_is_recorded_and_tells_one_row(t: TestDb) {
    create!(t, post::Entity);
    let mut post = unseen_post(&t.db, "a").await.into_active_model();
    post.likes = Set(5);
    let result = post.update_without_returning(&t.db).await.unwrap();
    assert_eq!(result.rows_affected, 1);
    assert_lines(&trail(&t.db).await, &[r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":5}"#]);
}

async fn the_before_image_is_the_row_and_not_what_the_caller_loaded(t: TestDb) {
    create!(t, post::Entity);
    let mut stale = unseen_post(&t.db, "a").await.into_active_model();
    crate::support::sql(&t.db, "UPDATE post SET likes = 77, title = 'z' WHERE id = 1").await;
    stale.likes = Set(1);
    stale.update(&t.db).await.unwrap();
    let by_hand = post::ActiveModel { id: Set(1), likes: Set(2), ..Default::default() };
    by_hand.update(&t.db).await.unwrap();
    post::ActiveModel { id: Set(1), ..Default::default() }.delete(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"likes":77} -> {"likes":1}"#,
            r#"UPDATE post 1 by nobody: {"likes":1} -> {"likes":2}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":2,"title":"z","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn values_that_the_database_makes_are_in_the_after_image(t: TestDb) {
    create!(t, post::Entity);
    let trigger = match t.backend {
        audit_tests::Backend::MariaDb => {
            "CREATE TRIGGER shout BEFORE INSERT ON post FOR EACH ROW SET NEW.title = UPPER(NEW.title)"
        }
        audit_tests::Backend::Postgres => {
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             NEW.title := upper(NEW.title); RETURN NEW; END $$; \
             CREATE TRIGGER shout BEFORE INSERT ON post FOR EACH ROW EXECUTE FUNCTION shout()"
        }
        // SQLite has no way to alter a row before it is stored, and RETURNING tells the row as the
        // statement left it, ahead of any trigger: there only the key is made by the database.
        audit_tests::Backend::Sqlite => "SELECT 1",
    };
    crate::support::sql(&t.db, trigger).await;
    new_post("a").insert(&t.db).await.unwrap();
    let title = if t.backend == audit_tests::Backend::Sqlite { "a" } else { "A" };
    let entry = &entries(&t.db).await[0];
    assert_eq!(entry.new_values.as_ref().unwrap()["title"], title);
    assert_eq!(entry.new_values.as_ref().unwrap()["id"], 1);
}

async fn a_deleted_model_leaves_its_before_image(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let result = post.clone().delete(&t.db).await.unwrap();
    assert_eq!(result.rows_affected, 1);
    let again = post.delete(&t.db).await.unwrap();
    assert_eq!(again.rows_affected, 0);
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"DELETE post 1 by nobody: {"id":1,"likes":0,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn the_extended_active_model_is_recorded(t: TestDb) {
    create!(t, post::Entity);
    let new = post::ActiveModel::builder()
        .set_title("a")
        .set_likes(0)
        .set_token(None::<String>)
        .set_views(0);
    let mut post = new.insert(&t.db).await.unwrap().into_active_model();
    post.likes = Set(1);
    let mut post = post.update(&t.db).await.unwrap().into_active_model();
    post.likes = Set(2);
    let post = post.save(&t.db).await.unwrap();
    post.delete(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by nobody: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"UPDATE post 1 by nobody: {"likes":1} -> {"likes":2}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":2,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn a_transaction_commits_its_entries_with_its_changes(t: TestDb) {
    create!(t, post::Entity);
    let txn = t.db.begin().await.unwrap();
    let mut post = new_post("a").insert(&txn).await.unwrap().into_active_model();
    post.likes = Set(1);
    let post = post.update(&txn).await.unwrap();
    post.delete(&txn).await.unwrap();
    assert_eq!(entries(&txn).await.len(), 3);
    txn.commit().await.unwrap();
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 3);
    assert!(entries.iter().all(|entry| entry.transaction_id.is_none()));
}

async fn savepoints_keep_and_drop_their_entries(t: TestDb) {
    create!(t, post::Entity);
    let txn = t.db.begin().await.unwrap();
    let mut post = new_post("a").insert(&txn).await.unwrap().into_active_model();
    let kept = txn.begin().await.unwrap();
    post.likes = Set(1);
    let mut post = post.update(&kept).await.unwrap().into_active_model();
    let deeper = kept.begin().await.unwrap();
    post.likes = Set(2);
    post.clone().update(&deeper).await.unwrap();
    deeper.rollback().await.unwrap();
    post.likes = Set(3);
    let mut post = post.update(&kept).await.unwrap().into_active_model();
    kept.commit().await.unwrap();
    let dropped = txn.begin().await.unwrap();
    post.likes = Set(4);
    post.clone().update(&dropped).await.unwrap();
    drop(dropped);
    post.likes = Set(5);
    post.update(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by nobody: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"UPDATE post 1 by nobody: {"likes":1} -> {"likes":3}"#,
            r#"UPDATE post 1 by nobody: {"likes":3} -> {"likes":5}"#,
        ],
    );
}

type ModelOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Model;

async fn generic_insert<A>(row: A, db: &impl ConnectionTrait) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelBehavior + Send,
    ModelOf<A>: IntoActiveModel<A>,
{
    row.insert(db).await
}

async fn generic_update<A>(row: A, db: &impl ConnectionTrait) -> Result<ModelOf<A>, DbErr>
where
    A: ActiveModelBehavior + Send,
    ModelOf<A>: IntoActiveModel<A>,
{
    row.update(db).await
}

async fn generic_delete<M, A>(model: M, db: &impl ConnectionTrait) -> Result<u64, DbErr>
where
    M: ModelTrait + IntoActiveModel<A>,
    A: ActiveModelBehavior + ActiveModelTrait<Entity = M::Entity> + Send,
{
    Ok(ModelTrait::delete(model, db).await?.rows_affected)
}

async fn generic_code_on_a_transaction_is_recorded(t: TestDb) {
    create!(t, post::Entity);
    let txn = t.db.begin().await.unwrap();
    let mut post = generic_insert(new_post("a"), &txn).await.unwrap().into_active_model();
    post.likes = Set(1);
    let after = generic_update(post, &txn).await.unwrap();
    assert_eq!(after.likes, 1);
    let mut post = after.clone().into_active_model();
    post.likes = Set(2);
    ActiveModelTrait::update_without_returning(post, &txn).await.unwrap();
    assert_eq!(generic_delete(after.clone(), &txn).await.unwrap(), 1);
    assert_eq!(generic_delete(after, &txn).await.unwrap(), 0);
    txn.commit().await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 1 by nobody: none -> {"id":1,"likes":0,"title":"a","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"UPDATE post 1 by nobody: {"likes":1} -> {"likes":2}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":2,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn a_generic_update_on_a_pool_is_recorded(t: TestDb) {
    create!(t, post::Entity);
    let mut post = unseen_post(&t.db, "a").await.into_active_model();
    post.likes = Set(1);
    let mut post = generic_update(post, &t.db).await.unwrap().into_active_model();
    post.likes = Set(2);
    ActiveModelTrait::save(post, &t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"UPDATE post 1 by nobody: {"likes":1} -> {"likes":2}"#,
        ],
    );
}

async fn operations_on_a_pool_have_a_group_each(t: TestDb) {
    create!(t, post::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    new_post("b").insert(&t.db).await.unwrap();
    let entries = entries(&t.db).await;
    assert!(entries[0].transaction_id.is_some());
    assert_ne!(entries[0].transaction_id, entries[1].transaction_id);
}

async fn a_row_written_by_the_application_alone_has_a_before_image(t: TestDb) {
    create!(t, post::Entity);
    crate::support::sql(&t.db, "INSERT INTO post (title, likes, views) VALUES ('raw', 3, 0)").await;
    post::Entity::find_by_id(1).one(&t.db).await.unwrap().unwrap().delete(&t.db).await.unwrap();
    let trail = AuditTrail::find_for_record(&t.db, post::Entity, 1).await.unwrap();
    assert_eq!(trail[0].old_values.as_ref().unwrap()["title"], "raw");
}

async fn ten_thousand_rows_have_ten_thousand_entries(t: TestDb) {
    create!(t, post::Entity);
    let rows = if audit_tests::long() { 10_000 } else { 500 };
    let txn = t.db.begin().await.unwrap();
    for row in 0..rows {
        new_post(&row.to_string()).insert(&txn).await.unwrap();
    }
    txn.commit().await.unwrap();
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), rows);
    assert!(entries.is_sorted_by_key(|entry| entry.record_id.parse::<i32>().unwrap()));
}
