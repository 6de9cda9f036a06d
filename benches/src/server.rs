//! Where the database server is: the user's, or a throwaway one.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{Result, backend::Backend};

/// The end of the script's URL line tells that its servers are there.
const MARK: &str = "audit-benches-url=";

pub(crate) struct Server {
    pub(crate) url: String,
    throwaway: Option<Child>,
}

impl Server {
    pub(crate) fn find(backend: Backend, given: Option<&str>) -> Result<Self> {
        let named = || env::var(backend.url_variable()?).ok().filter(|url| !url.is_empty());
        match given.map(str::to_owned).or_else(named) {
            Some(url) => Ok(Self { url, throwaway: None }),
            None => Self::start(backend),
        }
    }

    pub(crate) fn is_throwaway(&self) -> bool {
        self.throwaway.is_some()
    }

    /// Has the test suite's script start one, which it stops when the command that it runs ends: a `cat`
    /// that ends when this program does, however that ends.
    fn start(backend: Backend) -> Result<Self> {
        let variable = backend.url_variable().ok_or("there is no server to start")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/run");
        if !script.exists() {
            let from =
                "a throwaway server is started by tests/run of the checkout this was built in";
            return Err(format!("{from}, which is gone: give --url or {variable}").into());
        }
        let others: Vec<_> = backend.all_but().map(Backend::name).collect();
        let mut child = Command::new(script)
            .args(["--servers", "--", "sh", "-c"])
            .arg(format!("echo \"{MARK}${variable}\"; exec cat >/dev/null"))
            .env("AUDIT_TEST_SKIP", others.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("tests/run has no output")?;
        let mut lines = BufReader::new(output).lines().map_while(std::io::Result::ok);
        let url = lines.find_map(|line| line.strip_prefix(MARK).map(str::to_owned));
        let server = Self { url: url.unwrap_or_default(), throwaway: Some(child) };
        if server.url.is_empty() {
            return Err(format!("no throwaway {backend} server: see above").into());
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.throwaway {
            drop(child.stdin.take());
            // What can fail here is the script's, which has said so.
            let _ = child.wait();
        }
    }
}
