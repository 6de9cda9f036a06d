//! The pages in a browser, as somebody sees and uses them.

use std::time::Duration;

use audit_seaorm::{AuditContext, AuditTrail, AuditUser, Change, Image};
use audit_tests::{TestDb, browser};
use sea_orm::{ActiveValue::Set, IntoActiveModel};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use super::{
    driver::{By, Driver},
    site::open,
};
use crate::{
    entities::post,
    support::{create, entries, new_post},
};

audit_tests::tests! {
    #[only(Sqlite)] #[browser] one_can_click_from_the_activity_to_a_past_moment_and_back,
    #[only(Sqlite)] #[browser] markup_stays_text_in_a_browser_too,
    #[only(Sqlite)] #[browser] axe_finds_no_fault_in_light_and_dark_and_on_a_phone,
    #[only(Sqlite)] #[browser] the_keyboard_is_enough,
}

const EVIL: &str = "\"'><script>document.title='broken'</script><img src=x onerror=alert(2)>";

/// Nothing but our own pages is asked for.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Keys without a sign, as the protocol writes them.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// A viewer over a trail with some history, and a browser that has it open.
struct Window {
    driver: Driver,
    address: String,
}

impl Window {
    async fn open(t: &TestDb) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/history", listener.local_addr().unwrap());
        let site = open(&t.db);
        tokio::spawn(async move { axum::serve(listener, site).await });

        let driver = Driver::open(&browser::url(), &ARGUMENTS).await;
        driver.goto(&address).await;
        Self { driver, address }
    }

    async fn go(&self, page: &str) {
        self.driver.goto(&format!("{}/{page}", self.address)).await;
    }

    async fn click(&self, words: &str) {
        self.driver.find(By::LinkText(words.to_owned())).await.click().await;
    }

    async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    /// Waits until the page has this on it.
    async fn shows(&self, words: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(words));
        assert!(self.driver.until(&script).await, "{words}: {}", self.text().await);
    }

    /// Waits until this page is there.
    async fn is_at(&self, heading: &str) {
        let script =
            format!("return document.querySelector('h1').innerText === {}", json!(heading));
        assert!(self.driver.until(&script).await, "{heading}: {}", self.text().await);
    }

    async fn run(&self, script: &str) -> Value {
        self.driver.run(script).await
    }

    /// The pages of the record that is markup in every field.
    async fn evil_pages(&self) -> [String; 3] {
        let links =
            "return [...document.querySelectorAll('h2 a')].map(a => a.getAttribute('href'))";
        let record = self.run(links).await[0].as_str().unwrap().to_owned();
        ["record", "blame", "as-of"].map(|page| record.replacen("record", page, 1))
    }

    /// How wide the window is, and which colours are preferred.
    async fn look(&self, width: u32, colours: &str) {
        let size =
            json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500});
        self.driver.chromium("Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": colours}]});
        self.driver.chromium("Emulation.setEmulatedMedia", media).await;
    }

    async fn close(self) {
        self.driver.close().await;
    }
}

/// Two changes of a post, and a record that is markup in every field.
async fn some_history(t: &TestDb) {
    create!(t, post::Entity);
    let by = |user: &str| AuditContext::new().user(AuditUser::new(user)).request_id("r1");
    let post = by("ann").scope(new_post("Draft").insert(&t.db)).await.unwrap();
    // A picker knows milliseconds.
    sleep(Duration::from_millis(5)).await;
    let mut changed = post.into_active_model();
    changed.title = Set("Final".to_owned());
    changed.token = Set(Some("secret".to_owned()));
    by("bob").reason("ticket 7").scope(changed.update(&t.db)).await.unwrap();
    let values = Image::from_iter([
        (EVIL.to_owned(), json!(EVIL)),
        ("long".to_owned(), json!("x".repeat(500))),
    ]);
    let evil = by(EVIL).request_id(EVIL).reason(EVIL).metadata(EVIL, EVIL);
    evil.scope(AuditTrail::record(&t.db, Change::create(EVIL, EVIL, values))).await.unwrap();
}

async fn one_can_click_from_the_activity_to_a_past_moment_and_back(t: TestDb) {
    some_history(&t).await;
    let window = Window::open(&t).await;
    window.is_at("Activity").await;

    window.click("post 1").await;
    window.is_at("post 1").await;
    window.shows("\"Draft\"").await;
    window.shows("Reason: \"ticket 7\"").await;
    window.click("Blame").await;
    window.shows("Who last set each column").await;
    window.shows("by bob").await;

    window.click("As of").await;
    window.shows("As of").await;
    window.shows("\"Final\"").await;
    // The moment of the first entry, put into the picker as a person's choice is.
    let first = entries(&t.db).await[0].timestamp + chrono::TimeDelta::milliseconds(1);
    let picked = first.format("%Y-%m-%dT%H:%M:%S%.3f");
    window.run(&format!("document.getElementById('when').value = '{picked}'")).await;
    window.driver.find(By::Css("form button")).await.click().await;
    window.shows("\"Draft\"\nsince then: \"Final\"").await;

    window.click("Before the last change").await;
    window.shows("There was no such record").await;
    for expected in ["since then: \"Final\"", "UPDATE", "Who last set each column", "ticket 7"] {
        window.driver.back().await;
        window.shows(expected).await;
    }
    window.is_at("post 1").await;
    window.click("Activity").await;
    window.is_at("Activity").await;
    window.close().await;
}

async fn markup_stays_text_in_a_browser_too(t: TestDb) {
    some_history(&t).await;
    let window = Window::open(&t).await;
    let pages = window.evil_pages().await;
    for page in ["activity", "statistics"].into_iter().chain(pages.iter().map(String::as_str)) {
        window.go(page).await;
        let made = "return document.querySelectorAll('script, img, [onerror], [style]').length";
        assert_eq!(window.run(made).await, json!(0), "{page}");
        assert_ne!(window.driver.title().await, "broken", "{page}");
        let text = window.text().await;
        assert!(text.contains("<script>document.title="), "{page}: {text}");
    }
    window.close().await;
}

async fn axe_finds_no_fault_in_light_and_dark_and_on_a_phone(t: TestDb) {
    some_history(&t).await;
    let window = Window::open(&t).await;
    let check = format!(
        "{}; const done = arguments[arguments.length - 1]; \
         axe.run().then(found => done(found.violations.map(it => it.impact + ' ' + it.id + ' ' + \
         it.nodes.map(node => node.html).join(' ').slice(0, 500))), error => done([String(error)]))",
        browser::axe()
    );
    let pages = window.evil_pages().await;
    for (width, colours) in [(1100, "light"), (1100, "dark"), (360, "light"), (360, "dark")] {
        window.look(width, colours).await;
        for page in pages.iter().map(String::as_str).chain([
            "activity",
            "activity?from=yesterday",
            "record?table=post&id=1",
            "blame?table=post&id=1",
            "as-of?table=post&id=1",
            "statistics",
            "record?table=post&id=9",
        ]) {
            window.go(page).await;
            window.run("document.querySelectorAll('details').forEach(it => it.open = true)").await;
            let found = window.driver.run_async(&check).await;
            assert_eq!(found, json!([]), "{page}, {width}, {colours}");
            // Not of the window's own word: on a phone, one that is too wide is zoomed until it fits.
            let wide = window.run("return document.documentElement.scrollWidth").await;
            assert!(wide.as_u64().is_some_and(|wide| wide <= width.into()), "{page}: {wide}");
        }
    }
    window.go("statistics").await;
    window.run("document.querySelector('label[for=user]').remove()").await;
    let found = window.driver.run_async(&check).await.to_string();
    assert!(found.contains("label"), "a fault that is there is found: {found}");
    window.close().await;
}

async fn the_keyboard_is_enough(t: TestDb) {
    some_history(&t).await;
    let window = Window::open(&t).await;
    let press = async |keys: &str| window.driver.focused().await.type_in(keys).await;
    let focus = async || window.driver.focused().await.text().await;
    press(TAB).await;
    assert_eq!(focus().await, "Skip to the content");
    press(ENTER).await;
    press(TAB).await;
    assert_eq!(focus().await, "Filter");
    press(ENTER).await;
    for _ in 0..3 {
        press(TAB).await;
    }
    assert_eq!(window.driver.focused().await.attribute("name").await, "column");
    press("title").await;
    press(ENTER).await;
    assert!(window.driver.until("return location.search.includes('column=title')").await);
    window.close().await;
}
