use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

use crate::Result;

/// Passes on what client and server say, and counts how often the client speaks after the server did.
pub(crate) struct Proxy {
    url: Url,
    counter: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Turns {
    counter: Arc<AtomicU64>,
    client_spoke_last: Arc<AtomicBool>,
}

impl Proxy {
    pub(super) async fn before(server: &Url) -> Result<Self> {
        let host =
            server.host_str().ok_or("round trips are counted over TCP: the URL has no host")?;
        let port = server.port().ok_or("the URL has no port")?;
        let address = format!("{host}:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut url = server.clone();
        url.set_host(Some("127.0.0.1"))?;
        url.set_port(Some(listener.local_addr()?.port())).map_err(|()| "a URL without port")?;
        let turns = Turns::default();
        let counter = Arc::clone(&turns.counter);
        let task = tokio::spawn(async move {
            // Ends with an error or with the client, whose next statement then fails.
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, address.clone(), turns.clone()));
            }
        });
        Ok(Self { url, counter, task })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.counter)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(client: TcpStream, address: String, turns: Turns) -> std::io::Result<()> {
    let server = TcpStream::connect(address).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        pass_on(from_client, to_server, || turns.client_speaks()),
        pass_on(from_server, to_client, || turns.server_speaks()),
    )?;
    Ok(())
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    note: impl Fn(),
) -> std::io::Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        note();
        to.write_all(&bytes[..read]).await?;
    }
}

impl Turns {
    fn client_speaks(&self) {
        if !self.client_spoke_last.swap(true, Ordering::Relaxed) {
            self.counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn server_speaks(&self) {
        self.client_spoke_last.store(false, Ordering::Relaxed);
    }
}
