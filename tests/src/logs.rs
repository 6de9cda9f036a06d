//! Reading what code logs.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Runs `future` and returns with its output all it logged, at every level, with all fields and
/// the beginning and end of every span. What goes to the crate `log` is part of it.
///
/// What a task logs that the future spawns is not part of it, unless the task is spawned
/// `with_current_subscriber()`.
pub async fn capture<F: Future>(future: F) -> (F::Output, String) {
    // Fails if it has been done.
    let _ = tracing_log::LogTracer::init();
    let buffer = Buffer::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .without_time()
        .with_writer(buffer.clone())
        .finish();
    let output = future.with_subscriber(subscriber).await;
    let bytes = buffer.0.lock().unwrap_or_else(PoisonError::into_inner);
    (output, String::from_utf8_lossy(&bytes).into_owned())
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Buffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
