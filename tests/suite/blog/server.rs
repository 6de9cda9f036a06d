//! The blog as a process.

use std::{
    env,
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use audit_tests::TestDb;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::client::Client;

audit_tests::tests! {
    #[only(Sqlite, Postgres)] a_blog_that_is_told_to_ends_and_starts_again,
}

const ADMIN: &str = "root";
const ADMIN_PASSWORD: &str = "correct horse";

/// A blog that runs on the database of a test. It is killed when this is dropped.
pub(super) struct Blog {
    process: Child,
    log: File,
    pub(super) address: String,
}

impl Blog {
    pub(super) fn start(t: &TestDb) -> Self {
        let log = tempfile::tempfile().unwrap();
        let mut process = Command::new(binary())
            .env("DATABASE_URL", t.url())
            .env("AXUM_BLOG_ADDRESS", "127.0.0.1:0")
            .env("AXUM_BLOG_ADMIN", format!("{ADMIN}:{ADMIN_PASSWORD}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().unwrap())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let mut blog = Self { process, log, address: String::new() };
        BufReader::new(stdout).read_line(&mut blog.address).unwrap();
        let address = blog.address.trim_end().strip_prefix("listening on ").map(str::to_owned);
        blog.address = address.expect("it tells where it listens");
        blog
    }

    pub(super) async fn admin(&self) -> Client {
        Client::log_in(self, ADMIN, ADMIN_PASSWORD).await
    }
}

impl Drop for Blog {
    #[expect(clippy::print_stderr, reason = "tells why the test failed")]
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let mut log = String::new();
        if thread::panicking()
            && self.log.rewind().is_ok()
            && self.log.read_to_string(&mut log).is_ok()
        {
            eprintln!("the blog's log:\n{log}");
        }
    }
}

/// Beside this very program: `tests/run` builds it.
fn binary() -> PathBuf {
    let this = env::current_exe().unwrap();
    let binary = this.ancestors().nth(2).unwrap().join("axum-blog");
    assert!(
        binary.exists(),
        "{} is not there: `cargo build -p axum-blog` makes it, as tests/run does",
        binary.display()
    );
    binary
}

async fn a_blog_that_is_told_to_ends_and_starts_again(t: TestDb) {
    let mut blog = Blog::start(&t);
    let id = blog.admin().await.id;
    let told = Command::new("kill").args(["-TERM", &blog.process.id().to_string()]).status();
    assert!(told.unwrap().success());
    let ended = spawn_blocking(move || blog.process.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{ended}");

    let blog = Blog::start(&t);
    let admin = blog.admin().await;
    assert_eq!(admin.id, id, "the admin is there already");
    let entries = admin.get("/trail?table=user&operation=CREATE").await.ok();
    assert_eq!(entries["entries"].as_array().unwrap().len(), 1);
    assert_eq!(entries["entries"][0]["reason"], json!("the first admin"));
}
