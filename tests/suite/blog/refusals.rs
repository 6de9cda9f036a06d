//! What is not allowed, or makes no sense, changes nothing.

use audit_tests::TestDb;
use reqwest::Method;
use serde_json::{Value, json};

use super::{client::Client, server::Blog};
use crate::support::entries;

audit_tests::tests! {
    #[only(Sqlite, Postgres)] the_trail_is_for_admins,
    #[only(Sqlite, Postgres)] a_browser_is_led_to_the_login_and_back,
    #[only(Sqlite, Postgres)] bad_input_is_refused_and_changes_nothing,
    #[only(Sqlite, Postgres)] a_bad_question_to_the_trail_is_refused,
}

const NOW: &str = "2026-11-24T09:00:00Z";

async fn the_trail_is_for_admins(t: TestDb) {
    let blog = Blog::start(&t);
    let (admin, ann) = (blog.admin().await, Client::register(&blog, "ann").await);
    let nobody = Client::anonymous(&blog);
    let post = ann.post("/posts", json!({"title": "Hi", "body": "Words"})).await.expect(201);
    let (id, request) = (post.id(), post.request);
    let transaction = entries(&t.db).await.last().unwrap().transaction_id.unwrap();
    let before = entries(&t.db).await.len();

    let reads = ["/trail", "/trail/statistics", "/trail/verification"].map(str::to_owned);
    for path in reads.into_iter().chain([format!("/trail/post/{id}")]) {
        nobody.get(&path).await.expect(401);
        ann.get(&path).await.expect(403);
        admin.get(&path).await.expect(200);
    }
    for page in ["", "/activity", "/record?table=post&id=1", "/statistics", "/style.css"] {
        let path = format!("/history{page}");
        nobody.get(&path).await.expect(401);
        ann.get(&path).await.expect(403);
        let shown = admin.get_text(&path).await;
        assert!(shown.contains(if page == "/style.css" {
            "color-scheme"
        } else {
            "History of the blog"
        }));
    }
    for path in [
        format!("/trail/post/{id}/restore?to={NOW}"),
        format!("/trail/requests/{request}/undo"),
        format!("/trail/transactions/{transaction}/undo"),
    ] {
        let dry_run = json!({"reason": "a look", "dry_run": true});
        for body in [dry_run.clone(), json!({"reason": "a try"}), json!("nonsense")] {
            nobody.post(&path, body.clone()).await.expect(401);
            ann.post(&path, body).await.expect(403);
        }
        admin.post(&path, dry_run).await.expect(200);
    }
    assert_eq!(entries(&t.db).await.len(), before);

    ann.post("/logout", json!(null)).await.expect(204);
    ann.get("/trail").await.expect(401);
    ann.post("/posts", json!({"title": "Hi", "body": "Words"})).await.expect(401);
}

async fn a_browser_is_led_to_the_login_and_back(t: TestDb) {
    let blog = Blog::start(&t);
    let browser = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let page = |path: &str| format!("{}{path}", blog.address);
    let asked = browser.get(page("/history/activity")).header("accept", "text/html").send();
    let led = asked.await.unwrap();
    assert_eq!((led.status().as_u16(), led.url().path()), (200, "/login"));
    assert!(led.text().await.unwrap().contains("<form method=\"post\" action=\"/login/form\">"));

    let submit = async |fields: &'static str| {
        let form = browser.post(page("/login/form")).body(fields);
        form.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    assert_eq!(submit("name=root&password=wrong").await.status(), 401);
    let shown = submit("name=root&password=correct+horse").await;
    assert_eq!((shown.status().as_u16(), shown.url().path()), (200, "/history/activity"));
    assert!(shown.text().await.unwrap().contains("History of the blog"));
}

async fn bad_input_is_refused_and_changes_nothing(t: TestDb) {
    let blog = Blog::start(&t);
    let (ann, bob) = (Client::register(&blog, "ann").await, Client::register(&blog, "bob").await);
    let nobody = Client::anonymous(&blog);
    let theirs = json!({"title": "Bob's", "body": "Words"});
    let theirs_path =
        format!("/posts/{}", bob.post("/posts", theirs.clone()).await.expect(201).id());
    bob.post("/posts/publish", json!(null)).await.expect(200);
    let comment =
        bob.post(&format!("{theirs_path}/comments"), json!({"text": "Hi"})).await.expect(201);
    let comment = format!("/comments/{}", comment.id());
    let draft = format!("/posts/{}", bob.post("/posts", theirs).await.expect(201).id());
    let own = ann.post("/posts", json!({"title": "Ann's", "body": "Words"})).await.expect(201).id();
    let own = format!("/posts/{own}");
    let before = entries(&t.db).await;

    let user = |name: &str, email: &str, password: &str| json!({"name": name, "email": email, "password": password});
    let title = |title: Value| json!({"title": title, "body": "Words"});
    let (post, patch, delete) = (Method::POST, Method::PATCH, Method::DELETE);
    let long = "ü".repeat(201);
    for (method, path, body, status) in [
        (&post, "/accounts", user("ann", "ann@example.org", "long enough"), 409),
        (&post, "/accounts", user("anna", "ann@example.com", "long enough"), 409),
        (&post, "/accounts", user("Ann!", "a@example.com", "long enough"), 422),
        (&post, "/accounts", user("anna", "example.com", "long enough"), 422),
        (&post, "/accounts", user("anna", "a@example.com", "short"), 422),
        (&post, "/accounts", json!({"name": "anna", "admin": true}), 422),
        (&post, "/login", json!({"name": "ann", "password": "wrong"}), 401),
        (&post, "/login", json!({"name": "nobody", "password": "wrong"}), 401),
        (&post, "/login", json!({"name": "\0' OR 1=1", "password": "wrong"}), 401),
        (&post, "/login", json!({"name": 7}), 422),
        (&post, "/posts", title(json!(7)), 422),
        (&post, "/posts", title(json!(" ")), 422),
        (&post, "/posts", title(json!("a\0b")), 422),
        (&post, "/posts", title(json!(long)), 422),
        (&post, "/posts", json!({"title": "Hi"}), 422),
        (&post, "/posts", json!({"title": "Hi", "body": "Words", "tags": ["No tag"]}), 422),
        (&post, "/posts", json!({"title": "Hi", "body": "Words", "author_id": 1}), 422),
        (&post, "/posts", json!({"title": "Hi", "body": "x".repeat(20_001)}), 422),
        (&patch, &own, json!({"title": ""}), 422),
        (&patch, &theirs_path, json!({"title": "Mine"}), 403),
        (&patch, &draft, json!({"title": "Mine"}), 404),
        (&delete, &theirs_path, json!(null), 403),
        (&delete, &draft, json!(null), 404),
        (&post, "/posts/999999/comments", json!({"text": "Hi"}), 404),
        (&post, &format!("{draft}/comments"), json!({"text": "Hi"}), 404),
        (&patch, &comment, json!({"text": "Mine"}), 403),
        (&delete, &comment, json!(null), 403),
        (&delete, "/comments/999999", json!(null), 404),
        (&patch, "/posts/999999", json!({"title": "Hi"}), 404),
        (&patch, "/posts/99999999999", json!({"title": "Hi"}), 400),
        (&patch, "/posts/one", json!({"title": "Hi"}), 400),
        (&post, "/account/erase", json!({"password": "wrong"}), 403),
        (&post, "/nowhere", json!(null), 404),
        (&post, "/tags", json!(null), 405),
    ] {
        let answer = ann.send(method.clone(), path, Some(body)).await.expect(status);
        assert!(answer.body["error"].is_string(), "{answer:?}");
    }
    for (kind, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("text/plain", r#"{"title": "Hi", "body": "Words"}"#, 415),
    ] {
        ann.send_text(Method::POST, "/posts", kind, body.to_owned()).await.expect(status);
    }
    for (method, path) in [(&post, "/posts"), (&delete, own.as_str()), (&post, "/account/erase")] {
        nobody.send(method.clone(), path, Some(json!({"title": "Hi"}))).await.expect(401);
    }
    for path in ["/posts?tag=No%20tag", "/posts?before=x", "/posts?page=1"] {
        nobody.get(path).await.expect(400);
    }
    nobody.get(&draft).await.expect(404);
    assert_eq!(entries(&t.db).await, before);
    assert_eq!(ann.get(&own).await.ok()["title"], json!("Ann's"));
}

async fn a_bad_question_to_the_trail_is_refused(t: TestDb) {
    let blog = Blog::start(&t);
    let admin = blog.admin().await;
    let before = entries(&t.db).await;
    for (path, status) in [
        ("/trail?limit=0", 400),
        ("/trail?limit=1001", 400),
        ("/trail?limit=-1", 400),
        ("/trail?operation=DROP", 400),
        ("/trail?from=yesterday", 400),
        ("/trail?from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z", 400),
        ("/trail?after=zz", 400),
        ("/trail?table=a%00b", 400),
        ("/trail?offset=7", 400),
        ("/trail/statistics?from=2026-11-25T00:00:00Z&to=2026-11-24T00:00:00Z", 400),
        ("/trail/statistics?from=1026-11-25T00:00:00Z", 400),
        ("/trail/statistics?to=-262143-01-01T00:00:00Z", 400),
        ("/trail/post/one", 400),
        ("/trail/post_tag/1", 400),
        ("/trail/session/1", 404),
    ] {
        let answer = admin.get(path).await.expect(status);
        assert!(answer.body["error"].is_string(), "{answer:?}");
    }
    let reason = json!({"reason": "a try"});
    for (path, body, status) in [
        ("/trail/post/1/restore", &reason, 400),
        ("/trail/post/999999/restore?to=2026-11-24T09:00:00Z", &reason, 404),
        ("/trail/post/1/restore?to=2026-11-24T09:00:00Z", &json!({}), 422),
        ("/trail/requests/unheard-of/undo", &reason, 404),
        ("/trail/requests/a%00b/undo", &reason, 400),
        ("/trail/transactions/7/undo", &reason, 400),
        ("/trail/requests/unheard-of/undo", &json!({"reason": "a try", "dryrun": true}), 422),
    ] {
        let answer = admin.post(path, body.clone()).await.expect(status);
        assert!(answer.body["error"].is_string(), "{answer:?}");
    }
    assert_eq!(entries(&t.db).await, before);
}
