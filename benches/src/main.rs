//! What an audited write costs, beside a plain one and the least SQL that does the same job; and what
//! reading the trail costs, beside that SQL and as the trail grows; and what is written in the background.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

mod args;
mod backend;
mod background;
mod database;
mod meter;
mod place;
mod post;
mod read;
mod report;
mod round_trips;
mod samples;
mod server;
mod write;

use std::process::ExitCode;

use args::Command;

/// For people at a terminal: the text is all there is to do with an error.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("audit-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    // One thread, so that the figures tell of the work and not of the scheduler.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match args::parse()? {
        Command::Help => print!("{}", args::USAGE),
        Command::Write(options) => runtime.block_on(write::run(&options))?,
        Command::Read(options) => runtime.block_on(read::run(&options))?,
        Command::Background(options) => runtime.block_on(background::run(&options))?,
    }
    Ok(())
}
