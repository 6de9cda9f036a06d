//! Who gets in, from where, and what a browser is told.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use audit_seaorm::{AuditConnection, AuditViewer};
use audit_tests::{TestDb, logs};
use axum::{
    Extension, Router,
    http::{HeaderMap, StatusCode, request::Parts},
    response::Redirect,
};
use sea_orm::EntityTrait;

use super::site::{Seen, Site, answer, open, seen, words};
use crate::{
    entities::post,
    support::{create, entries, new_post, sql},
};

audit_tests::tests! {
    nobody_gets_in_whom_the_guard_does_not_let_in,
    the_guard_may_answer_for_itself_and_may_take_its_time,
    the_guard_sees_what_authentication_left,
    it_only_reads,
    it_is_shown_wherever_it_is_mounted,
    a_browser_is_told_to_run_and_keep_nothing,
    what_the_database_says_is_for_the_log,
}

const PAGES: [&str; 7] = [
    "",
    "/activity",
    "/record?table=post&id=1",
    "/blame?table=post&id=1",
    "/as-of?table=post&id=1",
    "/statistics",
    "/style.css",
];

const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

async fn nobody_gets_in_whom_the_guard_does_not_let_in(t: TestDb) {
    create!(t, post::Entity);
    new_post("secret").insert(&t.db).await.unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let guard = move |request: &Parts| {
        count.fetch_add(1, Ordering::Relaxed);
        request.uri.query().is_some_and(|query| query.ends_with("sesame"))
    };
    let db = AuditConnection::new(t.db.clone());
    let site = Router::new().nest("/history", AuditViewer::new(&db, guard).router());
    for page in PAGES {
        let refused = seen(&site, &format!("/history{page}")).await;
        assert_eq!(refused.status, 403, "{page}");
        assert!(!refused.text.contains("secret") && !refused.text.contains("style.css"), "{page}");
        is_secured(&refused.headers);
        let sign = if page.contains('?') { '&' } else { '?' };
        let shown = seen(&site, &format!("/history{page}{sign}sesame")).await;
        assert!(matches!(shown.status, 200 | 303), "{page}: {shown:?}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2 * 7);
    for method in ["HEAD", "POST", "OPTIONS", "DELETE"] {
        for page in PAGES {
            let refused = answer(&site, method, &format!("/history{page}")).await;
            assert_eq!(refused.status, 403, "{method} {page}");
        }
    }
    assert_eq!(seen(&site, "/history/elsewhere?sesame").await.status, 404);
}

async fn the_guard_may_answer_for_itself_and_may_take_its_time(t: TestDb) {
    create!(t, post::Entity);
    let to_login = |_: &Parts| Err::<(), _>(Redirect::to("/login"));
    let viewer = AuditViewer::new(&t.db, to_login).router::<()>();
    let sent = seen(&viewer, "/activity").await;
    assert_eq!((sent.status, &sent.headers["location"]), (303, &"/login".parse().unwrap()));

    let db = t.db.clone();
    let guard = move |request: &Parts| {
        let (db, known) = (db.clone(), request.headers.contains_key("x-known"));
        async move {
            db.ping().await.unwrap();
            if known { Ok(()) } else { Err(StatusCode::NOT_FOUND) }
        }
    };
    let viewer = AuditViewer::new_async(&t.db, guard).router::<()>();
    assert_eq!(seen(&viewer, "/activity").await.status, 404);
}

#[derive(Clone)]
struct Account {
    is_admin: bool,
}

async fn the_guard_sees_what_authentication_left(t: TestDb) {
    create!(t, post::Entity);
    let admins =
        |request: &Parts| request.extensions.get::<Account>().is_some_and(|it| it.is_admin);
    let site = || Router::new().nest("/history", AuditViewer::new(&t.db, admins).router::<()>());
    for (account, status) in [(None, 403), (Some(false), 403), (Some(true), 200)] {
        let site = match account {
            Some(is_admin) => site().layer(Extension(Account { is_admin })),
            None => site(),
        };
        assert_eq!(seen(&site, "/history/activity").await.status, status, "{account:?}");
    }
}

async fn it_only_reads(t: TestDb) {
    create!(t, post::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    let before = (entries(&t.db).await, post::Entity::find().all(&t.db).await.unwrap());
    let site = Site::of(&t);
    for page in PAGES {
        seen(&site.0, &format!("/history{page}")).await;
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert_eq!(answer(&site.0, method, &format!("/history{page}")).await.status, 405);
        }
    }
    assert_eq!((entries(&t.db).await, post::Entity::find().all(&t.db).await.unwrap()), before);
}

async fn it_is_shown_wherever_it_is_mounted(t: TestDb) {
    create!(t, post::Entity);
    let viewer = || AuditViewer::new(&t.db, |_: &Parts| true).title("A <b> title").router();
    let mounted = [
        ("/history", "./history/activity", Router::new().nest("/history", viewer())),
        ("/a/b", "./b/activity", Router::new().nest("/a", Router::new().nest("/b", viewer()))),
        ("/", "./activity", Router::new().merge(viewer())),
    ];
    for (path, location, site) in mounted {
        let entered = seen(&site, path).await;
        assert_eq!(entered.status, 303, "{path}");
        assert_eq!(entered.headers["location"], location);
        let folder = if path == "/" { "" } else { path };
        let shown = seen(&site, &format!("{folder}/activity")).await;
        assert!(words(&shown.text).contains("A <b> title"), "{}", shown.text);
    }
}

async fn a_browser_is_told_to_run_and_keep_nothing(t: TestDb) {
    create!(t, post::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    let site = Site::of(&t);
    for page in PAGES.iter().skip(1).chain(&["/record?table=post&id=9", "/record"]) {
        let Seen { headers, text, .. } = site.get(&page[1..]).await;
        is_secured(&headers);
        for forbidden in ["<script", " style=", "//", "@import", "url("] {
            assert!(!text.contains(forbidden), "{page} has {forbidden}");
        }
    }
}

fn is_secured(headers: &HeaderMap) {
    assert_eq!(headers["content-security-policy"], POLICY);
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["x-content-type-options"], "nosniff");
}

async fn what_the_database_says_is_for_the_log(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "DROP TABLE audit_trail").await;
    let site = open(&t.db);
    let asked = "/history/activity?user=s3cret&table=t4ble";
    let (seen, log) = logs::capture(seen(&site, asked)).await;
    assert_eq!(seen.status, 500);
    assert!(words(&seen.text).contains("The log of the application has the reason"));
    assert!(!seen.text.contains("audit_trail"), "{}", seen.text);
    assert!(log.contains("audit_trail"), "{log}");
    assert!(!log.contains("s3cret") && !log.contains("t4ble"), "{log}");
}
