//! What a review once broke, each as the smallest case that showed it.

use audit_seaorm::{AuditConfig, AuditContext, AuditTrail};
use audit_tests::{Backend, TestDb, answer};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, ModelTrait, TransactionTrait,
};
use serde_json::{Value, json};
use tokio::{
    runtime::Handle,
    sync::Barrier,
    time::{Duration, Instant},
};

use crate::{
    entities::post,
    support::{create, entries, new_post, number, sql, trail, unseen_post},
};

audit_tests::tests! {
    an_update_to_what_is_there_already_is_no_change_even_in_an_old_snapshot,
    #[only(Sqlite, Postgres)] a_row_that_the_database_keeps_has_no_delete_entry,
    #[only(Postgres)] a_delete_needs_the_right_to_delete_and_no_other,
    a_generic_write_whose_entry_fails_leaves_neither,
    after_a_deadlock_the_caller_rolls_back_as_ever,
    deep_documents_are_recorded_and_read,
    deep_metadata_and_long_texts_do_not_fail_a_write,
    a_misspelt_redaction_is_refused,
    a_skipped_column_may_be_of_any_type,
    an_outdated_table_is_not_called_missing,
    requests_that_hang_up_do_not_pile_up_before_a_busy_pool,
}

fn with_likes(post: &post::Model, likes: i32) -> post::ActiveModel {
    let mut row = post.clone().into_active_model();
    row.likes = Set(likes);
    row
}

async fn an_update_to_what_is_there_already_is_no_change_even_in_an_old_snapshot(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let txn = t.db.begin().await.unwrap();
    if t.backend != Backend::Sqlite {
        // On SQLite the snapshot would make the write fail, with auditing or without.
        post::Entity::find().all(&txn).await.unwrap();
    }
    with_likes(&post, 5).update(&t.db).await.unwrap();
    assert_eq!(with_likes(&post, 5).update(&txn).await.unwrap().likes, 5);
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn a_row_that_the_database_keeps_has_no_delete_entry(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let trigger = match t.backend {
        Backend::Postgres => {
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
             CREATE TRIGGER keep BEFORE DELETE ON post FOR EACH ROW EXECUTE FUNCTION keep()"
        }
        _ => {
            "CREATE TRIGGER keep BEFORE DELETE ON post FOR EACH ROW \
             BEGIN SELECT RAISE(IGNORE); END"
        }
    };
    sql(&t.db, trigger).await;
    assert_eq!(post.clone().delete(&t.db).await.unwrap().rows_affected, 0);
    let txn = t.db.begin().await.unwrap();
    assert_eq!(ModelTrait::delete(post, &txn).await.unwrap().rows_affected, 0);
    txn.commit().await.unwrap();
    assert!(entries(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
}

async fn a_delete_needs_the_right_to_delete_and_no_other(t: TestDb) {
    create!(t, post::Entity);
    let posts = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    sql(
        &t.db,
        "DO $$ BEGIN CREATE ROLE clerk; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
         GRANT INSERT ON audit_trail TO clerk; GRANT SELECT, DELETE ON post TO clerk",
    )
    .await;
    let as_clerk = async |post: post::Model| {
        let txn = t.db.begin().await.unwrap();
        txn.execute_unprepared("SET LOCAL ROLE clerk").await.unwrap();
        assert_eq!(post.delete(&txn).await.unwrap().rows_affected, 1);
        txn.commit().await.unwrap();
    };
    let [one, other] = posts;
    as_clerk(one).await;
    // The same by row-level security.
    sql(
        &t.db,
        "ALTER TABLE post ENABLE ROW LEVEL SECURITY; GRANT UPDATE ON post TO clerk; \
         CREATE POLICY look ON post FOR SELECT USING (true); \
         CREATE POLICY remove ON post FOR DELETE USING (true)",
    )
    .await;
    as_clerk(other).await;
    assert_eq!(entries(&t.db).await.len(), 2);
}

/// The caller overlooks the errors, and commits.
async fn a_generic_write_whose_entry_fails_leaves_neither(t: TestDb) {
    create!(t, post::Entity);
    let refused = AuditConfig::new().redact("post", ["id"]);
    let txn = t.db.begin().await.unwrap();
    refused.scope(ActiveModelTrait::insert(new_post("b"), &txn)).await.unwrap_err();
    txn.commit().await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    assert!(entries(&t.db).await.is_empty());
}

async fn after_a_deadlock_the_caller_rolls_back_as_ever(t: TestDb) {
    create!(t, post::Entity);
    if t.backend == Backend::Sqlite {
        return; // One writer at a time: there is nothing to wait for in a circle.
    }
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    let both = Barrier::new(2);
    let cross = async |first: usize, second: usize| {
        let txn = t.db.begin().await.unwrap();
        with_likes(&rows[first], 1).update(&txn).await.unwrap();
        both.wait().await;
        let outcome = with_likes(&rows[second], 1).update(&txn).await;
        txn.rollback().await.unwrap();
        outcome
    };
    let (one, other) = tokio::join!(cross(0, 1), cross(1, 0));
    let failed = one.err().or(other.err()).unwrap();
    assert!(answer::is_deadlock(&failed), "{failed}");
}

mod document {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "document")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_type = "Json")]
        pub body: Json,
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("core"), |inner, _| json!([inner]))
}

async fn deep_documents_are_recorded_and_read(t: TestDb) {
    create!(t, document::Entity);
    for levels in [1, 29, 30, 31, 32, 64, 120] {
        let row = document::ActiveModel { body: Set(nested(levels)), ..Default::default() };
        let plain = AuditContext::without_audit(row.clone().insert(&t.db)).await;
        let recorded = row.insert(&t.db).await;
        assert_eq!(plain.is_ok(), recorded.is_ok(), "{levels} levels: {recorded:?}");
        if let Ok(row) = recorded {
            let found = AuditTrail::find_for_record(&t.db, document::Entity, row.id).await.unwrap();
            assert_eq!(found.len(), 1, "{levels} levels");
        }
    }
}

async fn deep_metadata_and_long_texts_do_not_fail_a_write(t: TestDb) {
    create!(t, post::Entity);
    let long = "x".repeat(70_000);
    let context = AuditContext::new()
        .metadata("body", nested(126))
        .request_id(long.clone())
        .reason(long.clone());
    let post = context.scope(new_post("a").insert(&t.db)).await.unwrap();
    let found = AuditTrail::find_for_record(&t.db, post::Entity, post.id).await.unwrap();
    assert_eq!(found[0].reason.as_ref(), Some(&long));
}

async fn a_misspelt_redaction_is_refused(t: TestDb) {
    create!(t, post::Entity);
    let config = AuditConfig::new().redact("post", ["titel"]);
    let error = config.scope(new_post("a").insert(&t.db)).await.unwrap_err().to_string();
    assert!(error.contains("`post` has no column `titel`"), "{error}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

mod odd {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;
    use sea_orm::sea_query::{ArrayType, ValueType, ValueTypeErr};

    /// A type of the application's that must not be looked at when `SEEN` says so.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Odd(pub i64);

    impl From<Odd> for Value {
        fn from(odd: Odd) -> Self {
            assert!(!SEEN.with(|seen| *seen), "a skipped column is not looked at");
            odd.0.into()
        }
    }

    tokio::task_local! {
        pub static SEEN: bool;
    }

    impl sea_orm::TryGetable for Odd {
        fn try_get_by<I: sea_orm::ColIdx>(
            row: &QueryResult,
            index: I,
        ) -> Result<Self, sea_orm::TryGetError> {
            i64::try_get_by(row, index).map(Self)
        }
    }

    impl ValueType for Odd {
        fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
            <i64 as ValueType>::try_from(value).map(Self)
        }

        fn type_name() -> String {
            "Odd".to_owned()
        }

        fn array_type() -> ArrayType {
            ArrayType::BigInt
        }

        fn column_type() -> ColumnType {
            ColumnType::BigInteger
        }
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "odd")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[auditable(skip)]
        pub odd: Odd,
    }
}

/// Also, what the application keeps in a task-local is at hand where its own types need it.
async fn a_skipped_column_may_be_of_any_type(t: TestDb) {
    create!(t, odd::Entity);
    let row = odd::ActiveModel { odd: Set(odd::Odd(7)), ..Default::default() };
    odd::SEEN.scope(false, row.insert(&t.db)).await.unwrap().delete_quietly(&t.db).await;
    let lines = trail(&t.db).await;
    assert_eq!(lines[0], r#"CREATE odd 1 by nobody: none -> {"id":1}"#);
}

impl odd::Model {
    /// Reading the row back encodes nothing of it, so that the value is never asked for.
    async fn delete_quietly(self, db: &impl ConnectionTrait) {
        let row = odd::ActiveModel { id: Set(self.id), ..Default::default() };
        odd::SEEN.scope(true, row.delete(db)).await.unwrap();
    }
}

async fn an_outdated_table_is_not_called_missing(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "ALTER TABLE audit_trail RENAME COLUMN metadata TO notes").await;
    let error = new_post("a").insert(&t.db).await.unwrap_err();
    assert!(!matches!(error, sea_orm::DbErr::Custom(_)), "{error}");
    assert!(error.to_string().contains("metadata"), "{error}");
}

async fn requests_that_hang_up_do_not_pile_up_before_a_busy_pool(t: TestDb) {
    create!(t, post::Entity);
    let db = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    let held: DatabaseTransaction = db.begin().await.unwrap();
    for n in 0..1000 {
        let title = n.to_string();
        let write = new_post(&title).insert(&db);
        let _ = tokio::time::timeout(Duration::ZERO, write).await;
    }
    // They give up long before the pool would have them do so, and while it is still busy.
    let waiting = || Handle::current().metrics().num_alive_tasks();
    let deadline = Instant::now() + Duration::from_secs(15);
    while waiting() > 100 {
        assert!(Instant::now() < deadline, "{} still wait", waiting());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(held);
    new_post("next").insert(&db).await.unwrap();
    assert_eq!(number(&db, "SELECT COUNT(*) FROM post").await, 1);
    db.close().await.unwrap();
}
