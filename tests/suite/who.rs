//! The right user, whatever the tasks do.

use audit_seaorm::{AuditContext, AuditUser, InAuditContext};
use audit_tests::TestDb;
use sea_orm::{ActiveValue::Set, IntoActiveModel};
use tokio::task::JoinSet;

use crate::{
    entities::post,
    support::{by, create, entries, new_post, unseen_post},
};

audit_tests::tests! {
    twenty_users_interleave_and_each_entry_names_its_own,
    joined_scopes_name_their_own_users,
    a_plain_spawn_names_nobody_and_ours_names_the_user,
    an_entry_carries_the_whole_context,
    hostile_context_is_recorded_as_text,
    a_user_id_that_does_not_fit_is_refused,
}

async fn twenty_users_interleave_and_each_entry_names_its_own(t: TestDb) {
    create!(t, post::Entity);
    let mut tasks = JoinSet::new();
    for user in 0..20 {
        let db = t.db.clone();
        tasks.spawn(by(format!("user {user}"), async move {
            let mut post =
                new_post(&format!("user {user}")).insert(&db).await.unwrap().into_active_model();
            for likes in 1..=3 {
                tokio::task::yield_now().await;
                post.likes = Set(likes);
                post = post.update(&db).await.unwrap().into_active_model();
            }
            let child = audit_seaorm::spawn(async move { post.delete(&db).await.unwrap() });
            child.await.unwrap();
        }));
    }
    tasks.join_all().await;
    let entries = entries(&t.db).await;
    assert_eq!(entries.len(), 20 * 5);
    for entry in &entries {
        let owner = entries
            .iter()
            .find(|other| other.record_id == entry.record_id && other.old_values.is_none())
            .map(|created| created.new_values.as_ref().unwrap()["title"].clone());
        assert_eq!(entry.user_id.clone().map(Into::into), owner);
    }
}

async fn joined_scopes_name_their_own_users(t: TestDb) {
    create!(t, post::Entity);
    let work = async |user: &str| {
        by(user, async {
            for n in 0..10 {
                new_post(&format!("{user}{n}")).insert(&t.db).await.unwrap();
            }
        })
        .await;
    };
    tokio::join!(work("a"), work("b"), work("c"), work("d"));
    for entry in entries(&t.db).await {
        let title = entry.new_values.as_ref().unwrap()["title"].as_str().unwrap().to_owned();
        assert!(title.starts_with(&entry.user_id.unwrap()));
    }
}

async fn a_plain_spawn_names_nobody_and_ours_names_the_user(t: TestDb) {
    create!(t, post::Entity);
    by("ann", async {
        let insert = |title: &'static str| {
            let db = t.db.clone();
            async move { drop(new_post(title).insert(&db).await.unwrap()) }
        };
        tokio::spawn(insert("plain")).await.unwrap();
        audit_seaorm::spawn(insert("ours")).await.unwrap();
        tokio::spawn(insert("carried").in_current_audit_context()).await.unwrap();
        let handle = tokio::runtime::Handle::current();
        let blocking = insert("blocking");
        audit_seaorm::spawn_blocking(move || handle.block_on(blocking)).await.unwrap();
        insert("here").await;
    })
    .await;
    let users: Vec<_> = entries(&t.db).await.into_iter().map(|entry| entry.user_id).collect();
    let ann = Some("ann".to_owned());
    assert_eq!(users, [None, ann.clone(), ann.clone(), ann.clone(), ann]);
}

async fn an_entry_carries_the_whole_context(t: TestDb) {
    create!(t, post::Entity);
    AuditContext::new()
        .user(AuditUser::new("42").email("ann@example.com"))
        .request_id("req-1")
        .reason("ticket 7")
        .metadata("ip", "203.0.113.9")
        .metadata("attempt", 2)
        .scope(async { new_post("a").insert(&t.db).await.unwrap() })
        .await;
    let before = chrono::Utc::now() - chrono::TimeDelta::minutes(1);
    let entry = &entries(&t.db).await[0];
    assert_eq!(entry.user_id.as_deref(), Some("42"));
    assert_eq!(entry.user_email.as_deref(), Some("ann@example.com"));
    assert_eq!(entry.request_id.as_deref(), Some("req-1"));
    assert_eq!(entry.reason.as_deref(), Some("ticket 7"));
    let metadata = serde_json::json!({"ip": "203.0.113.9", "attempt": 2});
    assert_eq!(entry.metadata, Some(metadata));
    assert!(entry.timestamp > before && entry.timestamp <= chrono::Utc::now());
    assert_eq!(entry.id.get_version_num(), 7);
}

async fn hostile_context_is_recorded_as_text(t: TestDb) {
    create!(t, post::Entity);
    let hostile = "'; DROP TABLE post; --\0\u{202e}🦀\"\\ \u{7f}";
    AuditContext::new()
        .user(AuditUser::new(hostile).email(hostile.repeat(100)))
        .request_id(hostile.repeat(1000))
        .reason(hostile)
        .metadata(hostile, hostile)
        .scope(async { new_post("a").insert(&t.db).await.unwrap() })
        .await;
    let entry = &entries(&t.db).await[0];
    let stored = hostile.replace('\0', "\u{fffd}");
    assert_eq!(entry.user_id.as_ref(), Some(&stored));
    assert_eq!(entry.request_id, Some(stored.repeat(1000)));
    assert_eq!(entry.metadata, Some(serde_json::json!({ &stored: stored })));
}

async fn a_user_id_that_does_not_fit_is_refused(t: TestDb) {
    create!(t, post::Entity);
    let unseen = unseen_post(&t.db, "a").await;
    let long = "ü".repeat(512);
    by(long.as_str(), new_post("b").insert(&t.db)).await.unwrap();
    let longer = long + "x";
    let error = by(longer.as_str(), new_post("c").insert(&t.db)).await.unwrap_err().to_string();
    assert!(error.contains("513 characters, more than the 512"), "{error}");
    let error = by(longer.as_str(), unseen.delete(&t.db)).await.unwrap_err().to_string();
    assert!(error.contains("513 characters, more than the 512"), "{error}");
    assert_eq!(entries(&t.db).await.len(), 1);
}
