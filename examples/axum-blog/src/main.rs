//! A blog with accounts, tags and comments, whose every write is on record. `README.md` has a walk through it.

use std::{io, net::SocketAddr, process::ExitCode};

use tokio::net::TcpListener;

mod account;
mod app;
mod config;
mod database;
mod entities;
mod error;
mod extract;
mod handlers;
mod history;
mod input;
mod migration;
mod password;
mod session;
mod shutdown;
mod store;
mod trail;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = config::Config::from_env()?;
    let store = store::Store::new(database::open(config.database_url).await?);
    if let Some(admin) = config.admin {
        store.create_first_admin(admin).await?;
    }
    let listener = TcpListener::bind(config.address).await?;
    let end = shutdown::requested()?;
    announce(listener.local_addr()?);
    let app = app::router(store).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(end).await?;
    Ok(())
}

/// For whoever started this with port 0.
#[expect(clippy::print_stdout, reason = "the one line that the program prints")]
fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}
