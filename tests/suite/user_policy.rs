//! Writes in nobody's name, in the system's, and in one user's for another.

use audit_seaorm::{
    AuditConfig, AuditConnection, AuditContext, AuditCounters, AuditTrail, AuditTransaction,
    AuditUser, Change, Image, RequireUser,
};
use audit_tests::{TestDb, logs};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DbErr, IntoActiveModel};

use crate::{
    entities::post,
    support::{by, create, entries, new_post, number, unseen_post},
};

audit_tests::tests! {
    a_write_in_nobodys_name_is_refused_if_the_configuration_says_so,
    a_write_in_the_name_of_a_user_or_of_the_system_passes,
    a_write_in_nobodys_name_is_told_of,
    what_is_not_recorded_needs_no_user,
    an_entry_names_the_system_and_whom_somebody_acts_for,
    entries_are_found_by_nobody_by_the_system_and_on_behalf,
    top_users_leave_nobody_out_and_know_the_address,
    #[alone] writes_without_a_user_are_counted,
}

fn refuse() -> AuditConfig {
    AuditConfig::new().require_user(RequireUser::Refuse)
}

#[track_caller]
fn refused<T>(outcome: Result<T, DbErr>) {
    let error = outcome.err().expect("nobody is refused").to_string();
    assert!(error.contains("no user is named in its scope"), "{error}");
    assert!(error.contains("AuditUser::system"), "{error}");
}

/// As generic code calls it.
async fn generic_insert<A, C>(row: A, db: &C) -> Result<(), DbErr>
where
    A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Send,
    <A::Entity as sea_orm::EntityTrait>::Model: IntoActiveModel<A>,
    C: ConnectionTrait,
{
    A::insert(row, db).await.map(drop)
}

async fn a_write_in_nobodys_name_is_refused_if_the_configuration_says_so(t: TestDb) {
    create!(t, post::Entity);
    let post = unseen_post(&t.db, "a").await;
    let guarded = AuditConnection::new(t.db.clone());
    let work = async {
        refused(new_post("b").insert(&t.db).await);
        refused(new_post("b").insert(&guarded).await);
        let mut update = post.clone().into_active_model();
        update.likes = Set(1);
        refused(update.clone().update(&t.db).await);
        refused(update.clone().save(&t.db).await);
        refused(post.clone().delete(&t.db).await);
        refused(post::Entity::audited().insert_many([new_post("b")]).exec(&t.db).await);
        refused(post::Entity::audited().delete_many().exec(&t.db).await);
        refused(post::Entity::audited().delete_by_id(post.id).exec(&t.db).await);
        let change = Change::create("rate", "1", Image::new());
        refused(AuditTrail::record(&t.db, change).await);
        refused(AuditTrail::baseline(post::Entity).exec(&t.db).await);
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        refused(new_post("b").insert(&txn).await);
        refused(generic_insert(new_post("b"), &txn).await);
        txn.rollback().await.unwrap();
        // A scope that names nobody is no better than none.
        refused(AuditContext::new().scope(new_post("b").insert(&t.db)).await);
    };
    refuse().scope(work).await;
    assert!(entries(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 1);
    assert_eq!(number(&t.db, "SELECT likes FROM post").await, 0);
}

async fn a_write_in_the_name_of_a_user_or_of_the_system_passes(t: TestDb) {
    create!(t, post::Entity);
    let work = async {
        by("ann", new_post("a").insert(&t.db)).await.unwrap();
        let job = AuditContext::new().user(AuditUser::system("nightly-job"));
        job.scope(async {
            new_post("b").insert(&t.db).await.unwrap();
            let db = t.db.clone();
            let task = audit_seaorm::spawn(async move { new_post("c").insert(&db).await });
            task.await.unwrap().unwrap();
            let db = t.db.clone();
            let config = refuse();
            let forgotten =
                tokio::spawn(config.scope(async move { new_post("d").insert(&db).await }));
            refused(forgotten.await.unwrap());
        })
        .await;
    };
    refuse().scope(work).await;
    let users: Vec<_> = entries(&t.db).await.into_iter().map(|entry| entry.user_id).collect();
    assert_eq!(users, ["ann", "nightly-job", "nightly-job"].map(|user| Some(user.to_owned())));
}

async fn a_write_in_nobodys_name_is_told_of(t: TestDb) {
    create!(t, post::Entity);
    let warn = AuditConfig::new().require_user(RequireUser::Warn);
    let (outcome, told) = logs::capture(warn.scope(new_post("a").insert(&t.db))).await;
    outcome.unwrap();
    assert_eq!(told.matches("in whose scope no user is named").count(), 1, "{told}");
    let (outcome, told) = logs::capture(new_post("b").insert(&t.db)).await;
    outcome.unwrap();
    assert!(!told.contains("in whose scope no user is named"), "{told}");
    assert_eq!(entries(&t.db).await.len(), 2);
}

async fn what_is_not_recorded_needs_no_user(t: TestDb) {
    create!(t, post::Entity);
    refuse().scope(AuditContext::without_audit(new_post("a").insert(&t.db))).await.unwrap();
    let excluded = refuse().exclude_table("post");
    excluded.scope(new_post("b").insert(&t.db)).await.unwrap();
    assert!(entries(&t.db).await.is_empty());
}

/// One entry each of nobody, a person, the system, and somebody for another.
async fn four_entries(t: &TestDb) {
    create!(t, post::Entity);
    new_post("nobody").insert(&t.db).await.unwrap();
    let ann = AuditUser::new("42").email("ann@example.com");
    let job = AuditUser::system("nightly-job");
    let support = AuditUser::new("7").email("sue@example.com").on_behalf_of(ann.clone());
    for (title, user) in [("ann", ann), ("job", job), ("support", support)] {
        let context = AuditContext::new().user(user).metadata("k", "v");
        // As a queue would hand it on.
        let queued = serde_json::to_string(&context).unwrap();
        let context: AuditContext = serde_json::from_str(&queued).unwrap();
        context.scope(new_post(title).insert(&t.db)).await.unwrap();
    }
}

async fn an_entry_names_the_system_and_whom_somebody_acts_for(t: TestDb) {
    four_entries(&t).await;
    let told: Vec<_> = entries(&t.db)
        .await
        .iter()
        .map(|entry| {
            let principal = entry
                .on_behalf_of()
                .map(|user| (user.id().to_owned(), user.email_address().map(str::to_owned)));
            (entry.user_id.clone(), entry.is_by_system(), principal)
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    let ann = Some(("42".to_owned(), some("ann@example.com")));
    assert_eq!(
        told,
        [
            (None, false, None),
            (some("42"), false, None),
            (some("nightly-job"), true, None),
            (some("7"), false, ann),
        ]
    );
    let text = entries(&t.db).await[3].to_string();
    assert!(text.contains(" by 7 on behalf of 42, "), "{text}");
}

async fn entries_are_found_by_nobody_by_the_system_and_on_behalf(t: TestDb) {
    four_entries(&t).await;
    let ids = async |query: audit_seaorm::AuditQuery| {
        let entries = query.all(&t.db).await.unwrap();
        entries.into_iter().map(|entry| entry.record_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(AuditTrail::query().by_nobody()).await, ["1"]);
    assert_eq!(ids(AuditTrail::query().user("42")).await, ["2"]);
    assert_eq!(ids(AuditTrail::query().by_system()).await, ["3"]);
    assert_eq!(ids(AuditTrail::query().on_behalf_of("42")).await, ["4"]);
    assert_eq!(ids(AuditTrail::query().user("7").on_behalf_of("42")).await, ["4"]);
    assert!(ids(AuditTrail::query().by_nobody().user("42")).await.is_empty());
    assert_eq!(AuditTrail::query().by_nobody().count(&t.db).await.unwrap(), 1);
}

async fn top_users_leave_nobody_out_and_know_the_address(t: TestDb) {
    four_entries(&t).await;
    new_post("nobody again").insert(&t.db).await.unwrap();
    let moved = AuditUser::new("42").email("ann@example.org");
    AuditContext::new().user(moved).scope(new_post("moved").insert(&t.db)).await.unwrap();
    let named = |users: Vec<audit_seaorm::UserActivity>| -> Vec<_> {
        users.into_iter().map(|user| (user.user_id, user.user_email)).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let users = named(AuditTrail::query().top_users(&t.db).await.unwrap());
    let expected = [
        (some("42"), some("ann@example.org")),
        (some("7"), some("sue@example.com")),
        (some("nightly-job"), None),
    ];
    assert_eq!(users, expected);
    let all = named(AuditTrail::query().count_nobody().top_users(&t.db).await.unwrap());
    assert_eq!(all.len(), 4);
    assert!(all.contains(&(None, None)));
    let nobody = named(AuditTrail::query().by_nobody().top_users(&t.db).await.unwrap());
    assert_eq!(nobody, [(None, None)]);
}

async fn writes_without_a_user_are_counted(t: TestDb) {
    create!(t, post::Entity);
    let before = AuditCounters::now().without_user;
    new_post("a").insert(&t.db).await.unwrap();
    refused(refuse().scope(new_post("b").insert(&t.db)).await);
    by("ann", new_post("c").insert(&t.db)).await.unwrap();
    AuditContext::without_audit(new_post("d").insert(&t.db)).await.unwrap();
    assert_eq!(AuditCounters::now().without_user, before + 2);
}
