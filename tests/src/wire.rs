//! A wire between a client and a server that can be cut, slowed down, and made to lose a `COMMIT`.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{
    TcpListener, TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What becomes of the next `COMMIT` on the wire, which is cut there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Commit {
    /// It passes.
    Passes = 0,
    /// The server never hears it.
    IsLost = 1,
    /// The server does it, and its answer is lost.
    IsNotAnswered = 2,
}

/// A place to connect to instead of the server.
#[derive(Debug)]
pub struct Wire {
    url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    refuses: AtomicBool,
    delay: AtomicU64,
    commit: AtomicU8,
    cut: Mutex<Arc<Notify>>,
    lost: AtomicU64,
}

impl Wire {
    /// A wire to the server of this URL.
    pub async fn to(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap();
        let end = rest.find('/').unwrap_or(rest.len());
        let (login, address) = rest[..end].rsplit_once('@').unwrap_or(("", &rest[..end]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("{scheme}://{login}@127.0.0.1:{port}{}", &rest[end..]);
        let state = Arc::<State>::default();
        let task = tokio::spawn(accept(listener, address.to_owned(), Arc::clone(&state)));
        Self { url, state, task }
    }

    /// The URL of this end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Cuts every connection, and refuses new ones until [`mend`](Self::mend).
    pub fn cut(&self) {
        self.state.refuses.store(true, Ordering::Relaxed);
        self.state.cut_all();
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.state.refuses.store(false, Ordering::Relaxed);
    }

    /// Makes every packet take so long.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap();
        self.state.delay.store(micros, Ordering::Relaxed);
    }

    /// What becomes of the next `COMMIT`; only of that one.
    pub fn next_commit(&self, commit: Commit) {
        self.state.commit.store(commit as u8, Ordering::Relaxed);
    }

    /// How many `COMMIT`s were lost, with or without their answer.
    #[must_use]
    pub fn lost_commits(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
        self.state.cut_all();
    }
}

impl State {
    fn cut_all(&self) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cut).notify_waiters();
    }

    fn cut(&self) -> Arc<Notify> {
        Arc::clone(&self.cut.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn wait(&self) {
        let delay = self.delay.load(Ordering::Relaxed);
        if delay > 0 {
            sleep(Duration::from_micros(delay)).await;
        }
    }
}

async fn accept(listener: TcpListener, address: String, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.refuses.load(Ordering::Relaxed) {
            continue;
        }
        let (address, state) = (address.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let signal = state.cut();
            let cut = signal.notified();
            if let Ok(server) = TcpStream::connect(address).await {
                tokio::select! {
                    () = cut => {}
                    () = serve(client, server, &state) => {}
                }
            }
        });
    }
}

async fn serve(client: TcpStream, server: TcpStream, state: &State) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let silent = Arc::<AtomicBool>::default();
    let answers = tokio::spawn(pass_on(from_server, to_client, Arc::clone(&silent)));
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        state.wait().await;
        let packet = &bytes[..read];
        let commits = packet.windows(6).any(|word| word == b"COMMIT");
        let commit = if commits { state.commit.swap(0, Ordering::Relaxed) } else { 0 };
        if commit > 0 {
            state.lost.fetch_add(1, Ordering::Relaxed);
            silent.store(true, Ordering::Relaxed);
        }
        if commit == Commit::IsNotAnswered as u8 {
            to_server.write_all(packet).await.unwrap();
            // The server must hear it before it hears the end.
            sleep(Duration::from_millis(100)).await;
        }
        if commit > 0 || to_server.write_all(packet).await.is_err() {
            break;
        }
    }
    answers.abort();
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: Arc<AtomicBool>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if silent.load(Ordering::Relaxed) || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
