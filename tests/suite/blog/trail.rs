//! The trail as an admin reads it, and what is brought back.

use audit_tests::TestDb;
use serde_json::{Value, json};

use super::{client::Client, server::Blog};
use crate::support::entries;

audit_tests::tests! {
    #[only(Sqlite, Postgres)] a_history_tells_who_changed_what,
    #[only(Sqlite, Postgres)] a_search_reads_each_entry_once,
    #[only(Sqlite, Postgres)] a_record_is_restored_to_a_moment,
    #[only(Sqlite, Postgres)] a_deletion_is_undone_with_all_that_went_along,
    #[only(Sqlite, Postgres)] statistics_count_what_happened,
}

fn draft(title: &str) -> Value {
    json!({"title": title, "body": "Words", "tags": ["news", "rust"]})
}

async fn a_history_tells_who_changed_what(t: TestDb) {
    let blog = Blog::start(&t);
    let (admin, ann) = (blog.admin().await, Client::register(&blog, "ann").await);
    let created = ann.post("/posts", draft("Helo")).await.expect(201);
    let id = created.id();
    let changed = admin.patch(&format!("/posts/{id}"), json!({"title": "Hello"})).await.expect(200);

    let history = admin.get(&format!("/trail/post/{id}")).await.ok();
    let [update, create] = history["entries"].as_array().unwrap().as_slice() else {
        panic!("{history}");
    };
    assert_eq!(update["user_id"], json!(admin.id.to_string()));
    assert_eq!(update["user_email"], json!("root@localhost"));
    assert_eq!(update["request_id"], json!(changed.request));
    assert_eq!(update["old_values"]["title"], json!("Helo"));
    assert_eq!(update["new_values"]["title"], json!("Hello"));
    assert_eq!(update["new_values"].get("body"), None, "it was not changed");
    let metadata = json!({
        "ip": "127.0.0.1", "user_agent": "suite", "method": "PATCH", "path": format!("/posts/{id}"),
    });
    assert_eq!(update["metadata"], metadata);
    assert_eq!(create["user_id"], json!(ann.id.to_string()));
    assert_eq!(create["user_email"], json!("ann@example.com"));
    assert_eq!(create["request_id"], json!(created.request));
    assert_eq!(history["next"], Value::Null);

    let logins = admin.get(&format!("/trail/user/{}", ann.id)).await.ok();
    assert_eq!(logins["entries"][0]["user_id"], json!(ann.id.to_string()), "a login is her own");
    assert_eq!(logins["entries"][1]["user_id"], Value::Null, "nobody was logged in");
}

async fn a_search_reads_each_entry_once(t: TestDb) {
    let blog = Blog::start(&t);
    let (admin, ann) = (blog.admin().await, Client::register(&blog, "ann").await);
    for title in ["one", "two", "three", "four"] {
        ann.post("/posts", draft(title)).await.expect(201);
    }
    let mut expected: Vec<_> = entries(&t.db).await.iter().map(|it| it.id.to_string()).collect();
    expected.reverse();

    let (mut read, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/trail?limit=3{after}")).await.ok();
        let entries = page["entries"].as_array().unwrap();
        assert!(!entries.is_empty() && entries.len() <= 3, "{page}");
        read.extend(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
        // What comes meanwhile is newer than all that is still to be read.
        ann.post("/posts", draft("meanwhile")).await.expect(201);
    }
    assert_eq!(read, expected);

    let filtered = format!("/trail?table=post&operation=CREATE&user={}&limit=1000", ann.id);
    let found = admin.get(&filtered).await.ok();
    let posts: i64 = found["entries"].as_array().unwrap().len().try_into().unwrap();
    let newest = found["entries"][0]["record_id"].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(posts, newest, "all that she wrote");
    let request = found["entries"][0]["request_id"].as_str().unwrap();
    let found = admin.get(&format!("/trail?request={request}")).await.ok();
    assert_eq!(found["entries"].as_array().unwrap().len(), 3, "a post and two links: {found}");
    let oldest =
        entries(&t.db).await[0].timestamp.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let found = admin.get(&format!("/trail?to={oldest}")).await.ok();
    assert_eq!(found["entries"], json!([]));
}

async fn a_record_is_restored_to_a_moment(t: TestDb) {
    let blog = Blog::start(&t);
    let (admin, ann) = (blog.admin().await, Client::register(&blog, "ann").await);
    let id = ann.post("/posts", draft("First")).await.expect(201).id();
    let path = format!("/posts/{id}");
    let history = admin.get(&format!("/trail/post/{id}")).await.ok();
    let first = history["entries"][0]["timestamp"].as_str().unwrap();
    ann.patch(&path, json!({"title": "Second"})).await.expect(200);
    let before = entries(&t.db).await.len();

    let restore = format!("/trail/post/{id}/restore?to={first}");
    let dry = admin.post(&restore, json!({"reason": "ticket 7", "dry_run": true})).await.ok();
    assert_eq!(dry["done"], json!(false));
    let text = dry["text"].as_str().unwrap();
    assert!(text.contains(r#"title: "Second" -> "First""#), "{text}");
    assert_eq!(ann.get(&path).await.ok()["title"], json!("Second"));
    assert_eq!(entries(&t.db).await.len(), before, "a dry run writes nothing");

    let until = &dry["plan"]["until"];
    let done =
        admin.post(&restore, json!({"reason": "ticket 7", "until": until})).await.expect(200);
    assert_eq!(done.body["done"], json!(true));
    assert_eq!(ann.get(&path).await.ok()["title"], json!("First"));
    let history = admin.get(&format!("/trail/post/{id}")).await.ok();
    let newest = &history["entries"][0];
    assert_eq!(newest["user_id"], json!(admin.id.to_string()));
    assert_eq!(newest["reason"], json!("ticket 7"));
    assert_eq!(newest["request_id"], json!(done.request));
}

async fn a_deletion_is_undone_with_all_that_went_along(t: TestDb) {
    let blog = Blog::start(&t);
    let (admin, ann) = (blog.admin().await, Client::register(&blog, "ann").await);
    let id = ann.post("/posts", draft("Precious")).await.expect(201).id();
    ann.post("/posts/publish", json!(null)).await.expect(200);
    let (path, comments) = (format!("/posts/{id}"), format!("/posts/{id}/comments"));
    ann.post(&comments, json!({"text": "Nice"})).await.expect(201);
    let (post, thread) = (ann.get(&path).await.ok(), ann.get(&comments).await.ok());
    let slip = ann.delete(&path).await.expect(204).request;
    ann.get(&path).await.expect(404);

    let undo = format!("/trail/requests/{slip}/undo");
    admin.post(&undo, json!({"reason": "a slip"})).await.expect(200);
    assert_eq!(ann.get(&path).await.ok(), post);
    assert_eq!(ann.get(&comments).await.ok(), thread);

    let undone = admin.get(&format!("/trail/post/{id}")).await.ok();
    let transaction = undone["entries"][0]["transaction_id"].as_str().unwrap();
    let undo = format!("/trail/transactions/{transaction}/undo");
    admin.post(&undo, json!({"reason": "no slip"})).await.expect(200);
    ann.get(&path).await.expect(404);
    for table in admin.get("/trail/verification").await.ok().as_array().unwrap() {
        assert_eq!(table["clean"], json!(true), "{table}");
    }
}

async fn statistics_count_what_happened(t: TestDb) {
    let blog = Blog::start(&t);
    let (admin, ann) = (blog.admin().await, Client::register(&blog, "ann").await);
    ann.post("/posts", draft("One")).await.expect(201);
    ann.post("/posts/publish", json!(null)).await.expect(200);

    let total = entries(&t.db).await.len();
    let statistics = admin.get("/trail/statistics").await.ok();
    let count = |operations: &Value| -> u64 {
        operations.as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum()
    };
    assert_eq!(count(&statistics["operations"]), total as u64);
    let days = statistics["days"].as_array().unwrap().iter();
    assert_eq!(days.map(|day| count(&day["operations"])).sum::<u64>(), total as u64);
    assert_eq!(statistics["users"][0]["user_id"], json!(ann.id.to_string()));
    let post = statistics["tables"].as_array().unwrap().iter();
    let post = post.clone().find(|table| table["table_name"] == json!("post")).unwrap();
    assert_eq!(post["operations"]["creates"], json!(1));
    assert_eq!(post["operations"]["updates"], json!(1));
}
