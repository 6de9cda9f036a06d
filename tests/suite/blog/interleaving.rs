//! Two users at once, and every entry names the right one.

use std::collections::{BTreeMap, BTreeSet};

use audit_seaorm::AuditEntry;
use audit_tests::TestDb;
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    client::{Answer, Client},
    server::Blog,
};
use crate::support::entries;

audit_tests::tests! {
    #[only(Sqlite, Postgres)] five_hundred_requests_of_two_users_are_told_apart,
}

/// How many connections a user has.
const LANES: usize = 5;
/// Of ten requests each.
const CYCLES: usize = 5;

/// What a request must have left in the trail, apart from tags that it was the first to name.
struct Expected {
    user: i64,
    request: String,
    tags: Vec<String>,
    writes: Vec<Write>,
}

enum Write {
    /// `CREATE post`, and the id.
    Record(&'static str, i64),
    /// `CREATE`, the post and the name of the tag.
    Link(&'static str, i64, String),
}

/// What a user does in one of several connections at once.
struct Lane {
    user: Client,
    number: usize,
    /// A published post of the other user.
    wall: i64,
    done: Vec<Expected>,
}

impl Lane {
    async fn run(mut self) -> Vec<Expected> {
        for cycle in 0..CYCLES {
            self.cycle(cycle).await;
        }
        self.done
    }

    /// All kinds of requests, on a post of the lane's own.
    async fn cycle(&mut self, cycle: usize) {
        let own = format!("lane-{}-{}", self.user.id, self.number);
        let tags = [own, format!("shared-{}", 100 + cycle)];
        let post = self.write(format!("shared-{cycle}"), &tags).await;
        let comment = self.comment(post).await;
        let on_the_wall = self.meet_the_other().await;
        self.publish().await;
        if cycle.is_multiple_of(2) {
            self.delete_post(post, comment, &tags).await;
        } else {
            let answer = self.user.delete(&format!("/comments/{on_the_wall}")).await.expect(204);
            self.note(&answer, [Write::Record("DELETE comment", on_the_wall)]);
        }
    }

    /// Four requests: a draft, another title, another tag, and the same again.
    async fn write(&mut self, first: String, tags: &[String; 2]) -> i64 {
        let [own, second] = tags;
        let draft = json!({"title": "Draft", "body": "Words", "tags": [first, own]});
        let answer = self.user.post("/posts", draft).await.expect(201);
        let post = answer.id();
        let links = [&first, own].map(|tag| Write::Link("CREATE", post, tag.clone()));
        let writes = [Write::Record("CREATE post", post)].into_iter().chain(links).collect();
        self.note_tagged(&answer, vec![first.clone(), own.clone()], writes);

        let path = format!("/posts/{post}");
        let answer = self.user.patch(&path, json!({"title": "Final"})).await.expect(200);
        self.note(&answer, [Write::Record("UPDATE post", post)]);

        let answer = self.user.patch(&path, json!({"tags": tags})).await.expect(200);
        let writes =
            vec![Write::Link("DELETE", post, first), Write::Link("CREATE", post, second.clone())];
        self.note_tagged(&answer, tags.to_vec(), writes);

        let again = json!({"title": "Final", "tags": [second, own]});
        let answer = self.user.patch(&path, again).await.expect(200);
        self.note(&answer, []);
        post
    }

    /// Two requests: a comment, which is then changed.
    async fn comment(&mut self, post: i64) -> i64 {
        let comments = format!("/posts/{post}/comments");
        let answer = self.user.post(&comments, json!({"text": "Frist"})).await.expect(201);
        let comment = answer.id();
        self.note(&answer, [Write::Record("CREATE comment", comment)]);

        let path = format!("/comments/{comment}");
        let answer = self.user.patch(&path, json!({"text": "First"})).await.expect(200);
        self.note(&answer, [Write::Record("UPDATE comment", comment)]);
        comment
    }

    /// Two requests: a comment on the other user's post, and a change of it, which is refused.
    async fn meet_the_other(&mut self) -> i64 {
        let wall = format!("/posts/{}", self.wall);
        let comments = format!("{wall}/comments");
        let answer = self.user.post(&comments, json!({"text": "Nice"})).await.expect(201);
        let comment = answer.id();
        self.note(&answer, [Write::Record("CREATE comment", comment)]);

        let answer = self.user.patch(&wall, json!({"title": "Mine"})).await.expect(403);
        self.note(&answer, []);
        comment
    }

    /// The drafts of all lanes of the user.
    async fn publish(&mut self) {
        let answer = self.user.post("/posts/publish", json!(null)).await.expect(200);
        let posts = answer.body["published"].as_array().unwrap().iter();
        let posts: Vec<_> =
            posts.map(|id| Write::Record("UPDATE post", id.as_i64().unwrap())).collect();
        self.note(&answer, posts);
    }

    async fn delete_post(&mut self, post: i64, comment: i64, tags: &[String; 2]) {
        let answer = self.user.delete(&format!("/posts/{post}")).await.expect(204);
        let links = tags.clone().map(|tag| Write::Link("DELETE", post, tag));
        let records = [("DELETE comment", comment), ("DELETE post", post)];
        let records = records.map(|(what, id)| Write::Record(what, id));
        self.note(&answer, records.into_iter().chain(links).collect::<Vec<_>>());
    }

    fn note(&mut self, answer: &Answer, writes: impl IntoIterator<Item = Write>) {
        self.note_tagged(answer, Vec::new(), writes.into_iter().collect());
    }

    fn note_tagged(&mut self, answer: &Answer, tags: Vec<String>, writes: Vec<Write>) {
        let (user, request) = (self.user.id, answer.request.clone());
        self.done.push(Expected { user, request, tags, writes });
    }
}

impl Expected {
    /// As [`lines`] of the trail has it.
    fn lines(&self, tags: &BTreeMap<String, String>) -> Vec<String> {
        let line = |write: &Write| match write {
            Write::Record(what, id) => format!("{what} {id}"),
            Write::Link(operation, post, tag) => {
                format!("{operation} post_tag [{post},{}]", tags[tag])
            }
        };
        let mut lines: Vec<_> = self.writes.iter().map(line).collect();
        lines.sort();
        lines
    }
}

/// A published post.
async fn wall_of(user: &Client) -> i64 {
    let wall = json!({"title": "Wall", "body": "Write something"});
    let wall = user.post("/posts", wall).await.expect(201).id();
    assert_eq!(user.post("/posts/publish", json!(null)).await.ok(), json!({"published": [wall]}));
    wall
}

async fn five_hundred_requests_of_two_users_are_told_apart(t: TestDb) {
    let blog = Blog::start(&t);
    let admin = blog.admin().await;
    let (ann, bob) = (Client::register(&blog, "ann").await, Client::register(&blog, "bob").await);
    let (wall_of_ann, wall_of_bob) = (wall_of(&ann).await, wall_of(&bob).await);
    let before = entries(&t.db).await.len();

    let mut lanes = JoinSet::new();
    for number in 0..LANES {
        for (user, wall) in [(&ann, wall_of_bob), (&bob, wall_of_ann)] {
            lanes.spawn(Lane { user: user.clone(), number, wall, done: Vec::new() }.run());
        }
    }
    let done = lanes.join_all().await.into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(done.len(), 500);

    let trail = entries(&t.db).await.split_off(before);
    let tags = tags_of(&trail, &done);
    let mut by_request: BTreeMap<String, Vec<&AuditEntry>> = BTreeMap::new();
    for entry in trail.iter().filter(|entry| entry.table_name != "tag") {
        by_request.entry(entry.request_id.clone().unwrap()).or_default().push(entry);
    }
    let mut published = BTreeSet::new();
    for expected in &done {
        let entries = by_request.remove(&expected.request).unwrap_or_default();
        assert_eq!(lines(&entries), expected.lines(&tags), "{}", expected.request);
        for entry in &entries {
            assert_eq!(entry.user_id, Some(expected.user.to_string()), "{entry}");
            assert_eq!(entry.transaction_id, entries[0].transaction_id, "{entry}");
            if entry.new_values.as_ref().is_some_and(|new| new["published"] == json!(true)) {
                assert!(published.insert(entry.record_id.clone()), "published twice: {entry}");
            }
        }
    }
    assert!(by_request.is_empty(), "nobody asked for it: {by_request:?}");
    assert_eq!(published.len(), 2 * LANES * CYCLES, "{published:?}");

    for table in admin.get("/trail/verification").await.ok().as_array().unwrap() {
        assert_eq!(table["clean"], json!(true), "{table}");
    }
}

/// The ids of tags by name. Each was made once, by a request that named it.
fn tags_of(trail: &[AuditEntry], done: &[Expected]) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for entry in trail.iter().filter(|entry| entry.table_name == "tag") {
        let name = entry.new_values.as_ref().unwrap()["name"].as_str().unwrap().to_owned();
        let request = done.iter().find(|it| Some(&it.request) == entry.request_id.as_ref());
        let request = request.unwrap_or_else(|| panic!("nobody asked for it: {entry}"));
        assert!(request.tags.contains(&name), "{entry}");
        assert_eq!(entry.user_id, Some(request.user.to_string()), "{entry}");
        assert!(tags.insert(name, entry.record_id.clone()).is_none(), "made twice: {entry}");
    }
    let named: BTreeSet<_> = done.iter().flat_map(|it| it.tags.iter().cloned()).collect();
    assert_eq!(tags.keys().cloned().collect::<BTreeSet<_>>(), named);
    tags
}

fn lines(entries: &[&AuditEntry]) -> Vec<String> {
    let line = |entry: &&AuditEntry| {
        let AuditEntry { operation, table_name, record_id, .. } = entry;
        format!("{operation} {table_name} {record_id}")
    };
    let mut lines: Vec<_> = entries.iter().map(line).collect();
    lines.sort();
    lines
}
