//! An account is erased.

use audit_tests::TestDb;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use super::{
    client::{Client, password_of},
    server::Blog,
};
use crate::support::entries;

audit_tests::tests! {
    #[only(Sqlite, Postgres)] an_erased_account_leaves_its_entries_and_no_secret,
}

/// The hashes of all passwords, as they stand.
async fn hashes(t: &TestDb) -> Vec<String> {
    let sql = r#"SELECT password_hash FROM "user""#;
    let rows = t.db.query_all_raw(Statement::from_string(t.db.get_database_backend(), sql)).await;
    rows.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

async fn an_erased_account_leaves_its_entries_and_no_secret(t: TestDb) {
    let blog = Blog::start(&t);
    let admin = blog.admin().await;
    let (ann, bob) = (Client::register(&blog, "ann").await, Client::register(&blog, "bob").await);
    let mut secrets = hashes(&t).await;
    let published =
        ann.post("/posts", json!({"title": "Hi", "body": "Words"})).await.expect(201).id();
    ann.post("/posts/publish", json!(null)).await.expect(200);
    let draft = json!({"title": "Diary", "body": "Words", "tags": ["secret"]});
    let draft = ann.post("/posts", draft).await.expect(201).id();
    let comments = format!("/posts/{published}/comments");
    let mine = ann.post(&comments, json!({"text": "Mine"})).await.expect(201).id();
    bob.post(&comments, json!({"text": "His"})).await.expect(201);
    let renewed = json!({"old": password_of("ann"), "new": "another password"});
    ann.send(reqwest::Method::PUT, "/account/password", Some(renewed)).await.expect(204);
    ann.get("/account").await.expect(200);
    secrets.extend(hashes(&t).await);

    let wrong = ann.post("/account/erase", json!({"password": password_of("ann")})).await;
    wrong.expect(403);
    let erased =
        ann.post("/account/erase", json!({"password": "another password"})).await.expect(204);
    ann.get("/account").await.expect(401);
    ann.post("/login", json!({"name": "ann", "password": "another password"})).await.expect(401);
    let post = bob.get(&format!("/posts/{published}")).await.ok();
    assert_eq!((&post["title"], &post["author"]), (&json!("Hi"), &Value::Null));
    admin.get(&format!("/posts/{draft}")).await.expect(404);
    let thread = bob.get(&comments).await.ok();
    assert_eq!(thread.as_array().unwrap().len(), 1, "{thread}");

    let trail = entries(&t.db).await;
    let of_it: Vec<_> =
        trail.iter().filter(|entry| entry.request_id.as_ref() == Some(&erased.request)).collect();
    let what = |it: &&audit_seaorm::AuditEntry| {
        let id = if it.table_name == "post_tag" { "" } else { &it.record_id };
        format!("{} {} {id}", it.operation, it.table_name)
    };
    let mut lines: Vec<_> = of_it.iter().map(what).collect();
    lines.sort();
    let expected = [
        format!("DELETE comment {mine}"),
        format!("DELETE post {draft}"),
        "DELETE post_tag ".to_owned(),
        format!("DELETE user {}", ann.id),
        format!("UPDATE post {published}"),
    ];
    assert_eq!(lines, expected);
    for entry in &of_it {
        assert_eq!(entry.user_id, Some(ann.id.to_string()), "{entry}");
        assert_eq!(entry.reason.as_deref(), Some("account erased at the user's request"));
        assert_eq!(entry.transaction_id, of_it[0].transaction_id, "{entry}");
    }

    assert!(secrets.iter().all(|secret| secret.starts_with("$argon2id$")), "{secrets:?}");
    let text = json!(trail).to_string();
    assert!(!text.contains("argon2"), "{text}");
    for secret in
        secrets.iter().map(String::as_str).chain([&*password_of("ann"), "another password"])
    {
        assert!(!text.contains(secret), "{secret}");
    }

    let undo = format!("/trail/requests/{}/undo", erased.request);
    let refused = admin.post(&undo, json!({"reason": "regret"})).await.expect(409);
    assert!(refused.body["error"].as_str().unwrap().contains("`password_hash`"), "{refused:?}");
    admin.post(&undo, json!({"reason": "regret", "accept_gaps": true})).await.expect(200);
    assert_eq!(bob.get(&format!("/posts/{published}")).await.ok()["author"], json!("ann"));
    for password in ["another password", "", &password_of("ann")] {
        let answer = ann.post("/login", json!({"name": "ann", "password": password})).await;
        answer.expect(401);
    }
    for table in admin.get("/trail/verification").await.ok().as_array().unwrap() {
        assert_eq!(table["clean"], json!(true), "{table}");
    }
}
