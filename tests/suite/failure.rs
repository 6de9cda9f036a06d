//! The entry cannot be written: neither row nor entry, or the row without it, as configured.

use audit_seaorm::{AuditConfig, AuditContext, AuditCounters, FailurePolicy};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseConnection, IntoActiveModel,
    TransactionTrait,
};

use crate::{
    entities::post,
    support::{create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    a_missing_table_fails_the_write_and_says_what_to_run,
    #[alone] a_missing_table_lets_the_write_go_on_if_told_so,
    a_full_table_fails_the_write,
    a_full_table_lets_the_write_go_on_if_told_so,
    #[only(Sqlite)] a_disk_without_room_for_the_entry_obeys_the_policy,
    an_entry_refused_by_the_database_fails_the_write,
    an_entry_refused_by_the_database_lets_the_write_go_on_if_told_so,
    a_failed_entry_takes_its_change_out_of_the_callers_transaction,
}

/// Makes the database refuse every entry, for want of a table, of space, or of consent.
async fn refuse(t: &TestDb, how: Refusal) {
    let statement = match (how, t.backend) {
        (Refusal::Missing, _) => "DROP TABLE audit_trail".to_owned(),
        (Refusal::Full, Backend::Sqlite) => {
            // The limit is one of a connection; a trigger speaks the same words on all of them.
            trigger("SELECT RAISE(FAIL, 'database or disk is full')")
        }
        (Refusal::Full, Backend::Postgres) => {
            postgres("RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file'")
        }
        (Refusal::Full, Backend::MariaDb) => trigger(
            "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'table is full'",
        ),
        (Refusal::Trigger, Backend::Sqlite) => trigger("SELECT RAISE(ABORT, 'not today')"),
        (Refusal::Trigger, Backend::Postgres) => postgres("RAISE EXCEPTION 'not today'"),
        (Refusal::Trigger, Backend::MariaDb) => {
            trigger("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'")
        }
    };
    sql(&t.db, &statement).await;
}

#[derive(Clone, Copy)]
enum Refusal {
    Missing,
    Full,
    Trigger,
}

fn trigger(body: &str) -> String {
    format!("CREATE TRIGGER refuse BEFORE INSERT ON audit_trail FOR EACH ROW BEGIN {body}; END")
}

fn postgres(body: &str) -> String {
    format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON audit_trail FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
}

async fn posts(db: &impl ConnectionTrait) -> Vec<(String, i32)> {
    use sea_orm::{EntityTrait, QueryOrder};
    let posts = post::Entity::find().order_by_asc(post::Column::Id).all(db).await.unwrap();
    posts.into_iter().map(|post| (post.title, post.likes)).collect()
}

/// One write of each kind; all of them are told to fail or to succeed.
async fn write_all(
    db: &DatabaseConnection,
    rows: [post::Model; 2],
) -> Vec<Result<(), sea_orm::DbErr>> {
    let [changed, deleted] = rows;
    let mut changed = changed.into_active_model();
    changed.likes = Set(1);
    vec![
        new_post("new").insert(db).await.map(drop),
        changed.clone().update(db).await.map(drop),
        deleted.delete(db).await.map(drop),
        ActiveModelTrait::update(post::ActiveModel { likes: Set(2), ..changed }, db)
            .await
            .map(drop),
    ]
}

async fn fails_the_write(t: &TestDb, how: Refusal) -> Vec<String> {
    create!(t, post::Entity);
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    refuse(t, how).await;
    let results = write_all(&t.db, rows).await;
    assert_eq!(posts(&t.db).await, [("a".to_owned(), 0), ("b".to_owned(), 0)]);
    results.into_iter().map(|result| result.unwrap_err().to_string()).collect()
}

async fn lets_it_go_on(t: &TestDb, how: Refusal) {
    create!(t, post::Entity);
    let rows = [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await];
    refuse(t, how).await;
    let config = AuditConfig::new().on_failure(FailurePolicy::Continue);
    let before = AuditCounters::now();
    let (results, logs) =
        audit_tests::logs::capture(config.clone().scope(write_all(&t.db, rows))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(posts(&t.db).await, [("a".to_owned(), 2), ("new".to_owned(), 0)]);
    assert_eq!(logs.matches("audit entry lost").count(), 4, "{logs}");
    // Other tests count at the same time.
    assert!(AuditCounters::now().failed >= before.failed + 4);

    // The caller's own transaction survives, and what follows in it commits.
    config
        .scope(async {
            let txn = t.db.begin().await.unwrap();
            let mut post = new_post("in").insert(&txn).await.unwrap().into_active_model();
            post.likes = Set(7);
            let post = ActiveModelTrait::update(post, &txn).await.unwrap();
            assert_eq!(ActiveModelTrait::insert(new_post("generic"), &txn).await.unwrap().likes, 0);
            assert_eq!(post.likes, 7);
            txn.commit().await.unwrap();
        })
        .await;
    assert_eq!(
        number(&t.db, "SELECT COUNT(*) FROM post WHERE title IN ('in', 'generic')").await,
        2
    );
}

async fn a_missing_table_fails_the_write_and_says_what_to_run(t: TestDb) {
    for error in fails_the_write(&t, Refusal::Missing).await {
        assert!(error.contains("run audit_migration::Migrator::up"), "{error}");
    }
}

async fn a_missing_table_lets_the_write_go_on_if_told_so(t: TestDb) {
    let before = AuditCounters::now();
    lets_it_go_on(&t, Refusal::Missing).await;
    let after = AuditCounters::now();
    assert_eq!((after.written - before.written, after.failed - before.failed), (0, 7));
}

async fn a_full_table_fails_the_write(t: TestDb) {
    for error in fails_the_write(&t, Refusal::Full).await {
        assert!(["full", "extend"].iter().any(|word| error.contains(word)), "{error}");
    }
    assert!(entries(&t.db).await.is_empty());
}

async fn a_full_table_lets_the_write_go_on_if_told_so(t: TestDb) {
    lets_it_go_on(&t, Refusal::Full).await;
    assert!(entries(&t.db).await.is_empty());
}

/// The real thing, where it can be had: the file may not grow, the row fits where it is, and the entry
/// with a reason of a megabyte does not.
async fn a_disk_without_room_for_the_entry_obeys_the_policy(t: TestDb) {
    create!(t, post::Entity);
    let mut post = unseen_post(&t.db, "a").await.into_active_model();
    let db = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    sql(&db, "PRAGMA max_page_count = 1").await; // SQLite raises it to what there is.
    let context = || AuditContext::new().reason("x".repeat(1 << 20));
    post.likes = Set(1);
    let error = context().scope(post.clone().update(&db)).await.unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    assert_eq!(posts(&db).await, [("a".to_owned(), 0)]);
    let config = AuditConfig::new().on_failure(FailurePolicy::Continue);
    config.scope(context().scope(post.update(&db))).await.unwrap();
    assert_eq!(posts(&db).await, [("a".to_owned(), 1)]);
    assert!(entries(&db).await.is_empty());
    db.close().await.unwrap();
}

async fn an_entry_refused_by_the_database_fails_the_write(t: TestDb) {
    for error in fails_the_write(&t, Refusal::Trigger).await {
        assert!(error.contains("not today"), "{error}");
    }
    assert!(entries(&t.db).await.is_empty());
}

async fn an_entry_refused_by_the_database_lets_the_write_go_on_if_told_so(t: TestDb) {
    lets_it_go_on(&t, Refusal::Trigger).await;
    assert!(entries(&t.db).await.is_empty());
}

/// A caller who overlooks the error and commits: the change is not in what he commits.
async fn a_failed_entry_takes_its_change_out_of_the_callers_transaction(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let txn = t.db.begin().await.unwrap();
    new_post("sure").insert(&txn).await.unwrap();
    let refused = AuditConfig::new().redact("post", ["id"]);
    let mut changed = post.into_active_model();
    changed.likes = Set(1);
    refused.clone().scope(changed.clone().update(&txn)).await.unwrap_err();
    refused.clone().scope(ActiveModelTrait::update(changed.clone(), &txn)).await.unwrap_err();
    refused.clone().scope(new_post("b").insert(&txn)).await.unwrap_err();
    refused.scope(changed.delete(&txn)).await.unwrap_err();
    txn.commit().await.unwrap();
    assert_eq!(posts(&t.db).await, [("a".to_owned(), 0), ("sure".to_owned(), 0)]);
    assert_eq!(entries(&t.db).await.len(), 1);
}
