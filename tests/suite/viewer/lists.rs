//! Activity and timelines: filters, and page by page.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use audit_seaorm::{AuditContext, AuditTrail, AuditTransaction, AuditUser, Change, Image};
use audit_tests::TestDb;
use chrono::SecondsFormat;
use sea_orm::{ActiveValue::Set, IntoActiveModel};

use super::site::{Site, link, open, words};
use crate::{
    entities::post,
    support::{create, entries, new_post},
};

audit_tests::tests! {
    #[only(MariaDb)] a_column_that_cannot_be_searched_for_is_told,
    blanks_are_names_like_others,
    an_entry_links_to_the_rest_of_it,
    what_happened_last_is_shown_first,
    each_filter_shows_what_it_should,
    pages_hold_every_entry_once_in_both_directions,
    a_page_is_few_statements,
    what_cannot_be_asked_is_told_beside_its_field,
}

/// Ann writes a post in one request, and Bob changes it in another one.
async fn two_users(t: &TestDb) -> post::Model {
    create!(t, post::Entity);
    let ann = AuditContext::new().user(AuditUser::new("ann").email("ann@example.com"));
    let bob = AuditContext::new().user(AuditUser::new("bob")).reason("ticket 7");
    let post = ann.request_id("r1").scope(new_post("Draft").insert(&t.db)).await.unwrap();
    let mut changed = post.clone().into_active_model();
    changed.title = Set("Final".to_owned());
    changed.token = Set(Some("s3cret".to_owned()));
    let bob = bob.request_id("r2").metadata("ip", "203.0.113.9");
    bob.scope(changed.update(&t.db)).await.unwrap()
}

async fn what_happened_last_is_shown_first(t: TestDb) {
    two_users(&t).await;
    let page = Site::of(&t).page("activity").await;
    let text = words(&page);
    let update = text.find("UPDATE post 1").unwrap();
    let create = text.find("CREATE post 1").unwrap();
    assert!(update < create, "{text}");
    for part in [
        "by bob request r2",
        "Reason: \"ticket 7\"",
        "title before: \"Draft\" after: \"Final\"",
        "token changed; its value is redacted",
        "Metadata ip 203.0.113.9",
        "by ann (ann@example.com) request r1",
        "title after: \"Draft\"",
        "token after: redacted",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!page.contains("s3cret") && !text.contains("views"), "{text}");
}

async fn each_filter_shows_what_it_should(t: TestDb) {
    two_users(&t).await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("other").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    let all = entries(&t.db).await;
    let [first, second, third] = &all[..] else { panic!("{all:?}") };
    let (transaction, at) = (third.transaction_id.unwrap(), |entry: &audit_seaorm::AuditEntry| {
        entry.timestamp.to_rfc3339_opts(SecondsFormat::Micros, true)
    });
    let site = Site::of(&t);
    for (filter, shown) in [
        ("table=post", vec![third, second, first]),
        ("table=other", vec![]),
        ("table=post&record=1", vec![second, first]),
        ("user=ann", vec![first]),
        ("operation=UPDATE", vec![second]),
        ("table=post&column=title", vec![third, second, first]),
        ("table=post&column=title&operation=UPDATE", vec![second]),
        ("request=r2", vec![second]),
        (&*format!("transaction={transaction}"), vec![third]),
        (&*format!("from={}", at(third)), vec![third]),
        (&*format!("to={}&user=&table=", at(second)), vec![first]),
        ("user=ann%00", vec![]),
        ("user=+", vec![]),
        (&*format!("transaction={transaction}&to={}", at(first)), vec![]),
        ("transaction=ffffffff-ffff-7fff-bfff-ffffffffffff&to=2026-11-24", vec![]),
    ] {
        let page = site.page(&format!("activity?{filter}")).await;
        let times: Vec<_> = all.iter().rev().map(|entry| page.contains(&at(entry))).collect();
        let expected: Vec<_> = all.iter().rev().map(|entry| shown.contains(&entry)).collect();
        assert_eq!(times, expected, "{filter}");
        assert_eq!(words(&page).contains("There are no such entries"), shown.is_empty());
    }
}

async fn pages_hold_every_entry_once_in_both_directions(t: TestDb) {
    create!(t, post::Entity);
    let mut post = new_post("a").insert(&t.db).await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for likes in 1..120 {
        let mut changed = post.into_active_model();
        changed.likes = Set(likes);
        post = changed.update(&txn).await.unwrap();
        let other = Change::create("other", likes.to_string(), Image::new());
        AuditTrail::record(&txn, other).await.unwrap();
    }
    txn.commit().await.unwrap();
    let site = Site::of(&t);
    for list in ["activity?user=&table=post&to=2100-01-01", "record?table=post&id=1"] {
        let (mut down, mut next) = (Vec::new(), Some(list.to_owned()));
        while let Some(address) = next {
            let page = site.page(&address).await;
            next = link(&page, "Older");
            down.push((address, page));
        }
        let count = |page: &String| page.matches("<li class=\"entry\">").count();
        let sizes: Vec<_> = down.iter().map(|(_, page)| count(page)).collect();
        assert_eq!(sizes, [50, 50, 20], "{list}");
        let likes = |page: &str| {
            let text = words(page);
            let after = text.split("likes before: ").skip(1);
            let set = after.filter_map(|it| it.split(' ').nth(2)?.parse::<u32>().ok());
            set.collect::<Vec<_>>()
        };
        let all: Vec<_> = down.iter().flat_map(|(_, page)| likes(page)).collect();
        assert_eq!(all, (1..120).rev().collect::<Vec<_>>(), "{list}");

        let oldest = &down[2].1;
        let middle = site.page(&link(oldest, "Newer").unwrap()).await;
        assert_eq!(likes(&middle), likes(&down[1].1));
        let newest = site.page(&link(&middle, "Newer").unwrap()).await;
        assert_eq!(likes(&newest), likes(&down[0].1));
        assert_eq!(link(&newest, "Newer"), None);
        assert_eq!(likes(&site.page(&link(oldest, "Newest").unwrap()).await), likes(&newest));
        let older = site.page(&link(&newest, "Older").unwrap()).await;
        assert_eq!(likes(&older), likes(&middle));
    }
}

async fn a_page_is_few_statements(t: TestDb) {
    create!(t, post::Entity);
    let mut post = new_post("a").insert(&t.db).await.unwrap();
    for likes in 1..100 {
        let mut changed = post.into_active_model();
        changed.likes = Set(likes);
        post = changed.update(&t.db).await.unwrap();
    }
    let then = entries(&t.db).await[50].timestamp.to_rfc3339_opts(SecondsFormat::Micros, true);
    let statements = Arc::new(AtomicUsize::new(0));
    let mut db = t.connect_with(|_| {}).await;
    let count = Arc::clone(&statements);
    db.set_metric_callback(move |info| {
        // PostgreSQL is also asked which table a name means, ahead of each question about one.
        let is_name = info.statement.sql.ends_with("AS \"audit$schema\"");
        count.fetch_add(usize::from(!is_name), Ordering::Relaxed);
    });
    let site = Site(open(&db));
    for (page, expected) in [
        ("activity", 2),
        ("record?table=post&id=1", 2),
        ("blame?table=post&id=1", 1),
        (&*format!("as-of?table=post&id=1&when={then}"), 4),
        ("statistics", 4),
        ("style.css", 0),
    ] {
        site.page(page).await;
        assert_eq!(statements.swap(0, Ordering::Relaxed), expected, "{page}");
    }
}

async fn what_cannot_be_asked_is_told_beside_its_field(t: TestDb) {
    create!(t, post::Entity);
    let site = Site::of(&t);
    for (asked, told) in [
        ("from=yesterday", "From (UTC) Must be a moment of UTC, such as 2026-11-24T09:00."),
        ("from=2026-11-24&to=2026-11-23", "Before (UTC) Must be a moment that is not before"),
        ("operation=DROP", "Must be CREATE, UPDATE, DELETE or BASELINE."),
        ("transaction=7", "Transaction Must be the id of a transaction"),
        ("record=7", "Table Must be the table of the record"),
        ("after=7", "Must be a place that a page of this list has linked to."),
    ] {
        let seen = site.get(&format!("activity?{asked}&user=%22%3E%3Cb%3E")).await;
        assert_eq!(seen.status, 400, "{asked}");
        let text = words(&seen.text);
        assert!(text.contains(told), "{asked}: {text}");
        assert!(seen.text.contains(r#"value="&#34;&#62;&#60;b&#62;""#), "{}", seen.text);
    }
    for (page, status) in [
        ("record", 400),
        ("record?table=post", 400),
        ("record?table=post&id=", 404),
        ("blame?id=1", 400),
        ("as-of?table=post&id=1&when=soon", 400),
        ("record?table=post&id=1&after=x", 400),
        ("record?table=post&id=1", 404),
        ("blame?table=post&id=%00", 404),
        ("as-of?table=post&id=1", 404),
    ] {
        let seen = site.get(page).await;
        assert_eq!(seen.status, status, "{page}");
        assert!(link(&seen.text, "Back to the activity").is_some());
    }
    assert!(words(&site.page("activity").await).contains("There are no entries."));
}

async fn a_column_that_cannot_be_searched_for_is_told(t: TestDb) {
    create!(t, post::Entity);
    let seen = Site::of(&t).get("activity?table=post&column=-x").await;
    assert_eq!(seen.status, 400);
    assert!(words(&seen.text).contains("Must be a name that does not begin with `-`"));
}

async fn blanks_are_names_like_others(t: TestDb) {
    create!(t, post::Entity);
    for id in ["", " "] {
        let change = Change::create("odd", id, Image::new());
        AuditContext::new()
            .user(AuditUser::new(" "))
            .scope(AuditTrail::record(&t.db, change))
            .await
            .unwrap();
    }
    new_post("a").insert(&t.db).await.unwrap();
    let site = Site::of(&t);
    let activity = site.page("activity").await;
    for name in ["odd &#34;&#34;", "odd &#34; &#34;"] {
        let record = site.page(&link(&activity, name).unwrap()).await;
        assert_eq!(record.matches("<li class=\"entry\">").count(), 1, "{name}");
        site.page(&link(&record, "Blame").unwrap()).await;
        site.page(&link(&record, "As of").unwrap()).await;
    }
    let theirs = words(&site.page(&link(&activity, "&#34; &#34;").unwrap()).await);
    assert!(theirs.contains("odd") && !theirs.contains("post 1"), "{theirs}");
}

async fn an_entry_links_to_the_rest_of_it(t: TestDb) {
    create!(t, post::Entity);
    let columns = (0..9).map(|number| (format!("c{number}"), number.into()));
    let wide = |id: &str| Change::create("wide", id, columns.clone().collect());
    AuditTrail::record(&t.db, wide("1")).await.unwrap();
    let deleted = Change::delete("wide", "1", columns.clone().collect());
    AuditTrail::record(&t.db, deleted).await.unwrap();
    let site = Site::of(&t);
    let activity = site.page("activity").await;
    let last_link =
        &activity[activity[..activity.rfind("3 more").unwrap()].rfind("<a ").unwrap()..];
    let rest = site.page(&link(last_link, "3 more").unwrap()).await;
    assert_eq!(rest.matches("<li class=\"entry\">").count(), 1, "the CREATE alone: {rest}");
    assert!(words(&rest).contains("c8 after: 8"), "{rest}");
}
