use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::Duration;
use std::{env, fs, thread};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime;
use tokio::time::timeout;

use crate::backend::Availability;
use crate::browser;
use crate::database::ScratchDatabase;
use crate::test::{Body, Running, Test};
use crate::{Backend, TestDb, long};

const THREADS: usize = 4;
/// For what follows a test that used all its time: ending its tasks, removing its database.
const GRACE: Duration = Duration::from_secs(30);

/// Held for reading by every test, for writing by one that has to be alone.
static RUNNING: RwLock<()> = RwLock::new(());

thread_local! {
    /// What the panic on this thread said; `None` on threads that run no test.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// How many tests of a backend passed and failed.
#[derive(Default)]
struct Count {
    passed: AtomicU64,
    failed: AtomicU64,
}

impl Count {
    fn add(&self, passed: bool) {
        let counter = if passed { &self.passed } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn line(&self) -> String {
        format!(
            "{} passed, {} failed",
            self.passed.load(Ordering::Relaxed),
            self.failed.load(Ordering::Relaxed)
        )
    }
}

/// Runs the tests the command line asks for (as of `cargo test`) and prints one summary line per
/// backend, and one for the browser, at the very end.
///
/// Fails if a test failed, or if one of those is missing that `AUDIT_TEST_SKIP` does not name.
#[must_use]
pub fn run(tests: Vec<Test>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    report_panics_with_the_test();

    let counts: [Arc<Count>; 3] = Default::default();
    let (once, in_browser) = (Arc::<Count>::default(), Arc::<Count>::default());
    let mut trials = Vec::new();
    let mut pages_are_seen = false;
    for (backend, count) in Backend::all().into_iter().zip(&counts) {
        if matches!(backend.availability(), Availability::Ready) {
            let (pages, others) = tests.iter().partition::<Vec<_>, _>(|test| test.browser);
            trials.extend(others.into_iter().filter_map(|test| trial_on(backend, test, count)));
            if matches!(browser::availability(), Availability::Ready) {
                let before = trials.len();
                let pages = pages.into_iter();
                trials.extend(pages.filter_map(|test| trial_on(backend, test, &in_browser)));
                pages_are_seen |= trials.len() > before;
            }
        }
    }
    trials.extend(tests.into_iter().filter_map(|test| trial_once(test, &once)));

    let conclusion = libtest_mimic::run(&arguments, trials);

    let mut complete = true;
    let mut summary = Vec::new();
    for (backend, count) in Backend::all().into_iter().zip(&counts) {
        let line = match (backend.availability(), backend.url_variable()) {
            (Availability::Skipped, _) => "not tested (AUDIT_TEST_SKIP)".to_owned(),
            (Availability::Missing, Some(variable)) => {
                complete = false;
                format!("not tested (no server: {variable} is not set)")
            }
            _ => count.line(),
        };
        summary.push(format!("{}: {line}\n", backend.name()));
    }
    let browser = match browser::availability() {
        Availability::Skipped => "not tested (AUDIT_TEST_SKIP)".to_owned(),
        Availability::Missing => {
            complete = false;
            format!("not tested ({} are not set)", browser::variables())
        }
        Availability::Ready if !pages_are_seen => {
            complete = false;
            "not tested (none of its tests is on a backend that is)".to_owned()
        }
        Availability::Ready => in_browser.line(),
    };
    summary.push(format!("{}: {browser}\n", browser::NAME));
    print_summary(&once.line(), &summary.concat());

    if conclusion.has_failed() || !complete { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[expect(clippy::print_stdout, reason = "what the program is run for")]
fn print_summary(once: &str, backends: &str) {
    println!("without a backend: {once}");
    match env::var_os("AUDIT_TEST_SUMMARY") {
        Some(file) => fs::write(file, backends).unwrap(),
        None => print!("{backends}"),
    }
}

fn trial_on(backend: Backend, test: &Test, count: &Arc<Count>) -> Option<Trial> {
    let Body::OnEach(backends, body) = &test.body else {
        return None;
    };
    if !backends.contains(&backend) {
        return None;
    }
    let name = format!("{}::{}", backend.name(), test.name);
    let limit = Duration::from_mins(if long() { 40 } else { 2 });
    let body = *body;
    let runner = move |name: &str| {
        let scratch = Arc::new(ScratchDatabase::create(backend)?);
        let shared = Arc::clone(&scratch);
        let ended = run_to_the_end(name, limit, || {
            Box::pin(async move { body(TestDb::open(shared).await.unwrap()).await })
        });
        let removed = scratch.remove();
        ended?;
        Ok(removed?)
    };
    Some(trial(name, test.alone, limit, count, runner))
}

fn trial_once(test: Test, count: &Arc<Count>) -> Option<Trial> {
    let Test { name, body: Body::Once(body), alone, .. } = test else {
        return None;
    };
    // Compile tests build their dependencies first.
    let limit = Duration::from_mins(30);
    let runner = move |name: &str| run_to_the_end(name, limit, body);
    Some(trial(format!("once::{name}"), alone, limit, count, runner))
}

/// A trial that runs on a thread of its own, named like it, so that one that blocks its thread
/// for good is given up instead of stopping the suite.
fn trial(
    name: String,
    alone: bool,
    limit: Duration,
    count: &Arc<Count>,
    runner: impl FnOnce(&str) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let count = Arc::clone(count);
    Trial::test(name.clone(), move || {
        let (_others, _alone);
        if alone {
            _alone = RUNNING.write().unwrap_or_else(PoisonError::into_inner);
        } else {
            _others = RUNNING.read().unwrap_or_else(PoisonError::into_inner);
        }
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().name(name.clone()).spawn(move || {
            // The receiver is gone if this took too long.
            let _ = sender.send(runner(&name));
        })?;
        let outcome = receiver
            .recv_timeout(limit + GRACE)
            .unwrap_or_else(|error| Err(format!("given up: {error}").into()));
        count.add(outcome.is_ok());
        outcome
    })
}

/// Runs one test on a runtime of its own, which ends every task the test leaves behind.
fn run_to_the_end(
    name: &str,
    limit: Duration,
    start: impl FnOnce() -> Running,
) -> Result<(), Failed> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()?;
    PANIC.set(Some(String::new()));
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { timeout(limit, start()).await })
    }));
    let panic = PANIC.take().unwrap_or_default();
    runtime.shutdown_timeout(Duration::from_secs(5));
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(format!("no end after {} s", limit.as_secs()).into()),
        Err(_) => Err(panic.into()),
    }
}

/// Puts what a panic says beside the failed test instead of among the output of all tests.
///
/// A panic on another thread of a test (a spawned task) is printed as usual: the thread has the
/// test's name.
fn report_panics_with_the_test() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let mut text = info.to_string();
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            text = format!("{text}\n{backtrace}");
        }
        let noted = PANIC.with_borrow_mut(|panic| panic.as_mut().map(|panic| *panic = text));
        if noted.is_none() {
            print(info);
        }
    }));
}
